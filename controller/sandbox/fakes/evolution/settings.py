"""The settings endpoints. The whole object is sent each time."""

from aiohttp import web

from controller.sandbox.fakes.evolution.context import body_of, instance_of, is_open, world_of
from controller.sandbox.fakes.evolution.errors import database_error, thrown
from controller.sandbox.fakes.evolution.state import Integration
from controller.sandbox.fakes.evolution.validation import check_settings
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_LONGEST_CALL_MESSAGE = 100


@routes.post("/settings/set/{name}")
async def set_settings(request: web.Request) -> web.Response:
    instance, body = instance_of(request), await body_of(request)
    check_settings(body)
    if instance.row_gone:
        raise database_error(
            "Foreign key constraint violated on the constraint: `Setting_instanceId_fkey`", 500
        )
    if instance.live is None:
        raise thrown("Cannot read properties of undefined (reading 'setSettings')")
    if len(str(body.get("msgCall") or "")) > _LONGEST_CALL_MESSAGE:
        raise database_error(
            "The provided value for the column is too long for the column's type. Column: (not available)",
            500,
        )
    values = instance.setting.values
    values.update({name: body[name] for name in values if body.get(name) is not None})
    instance.setting.updated_at = world_of(request).timestamp()
    if body.get("wavoipToken") and not (instance.integration is Integration.BAILEYS and is_open(instance)):
        # Stored all the same (measured).
        raise thrown("Cannot read properties of null (reading 'ws')")
    return json_response({"settings": {"instanceName": instance.name, "settings": body}}, 201)


@routes.get("/settings/find/{name}")
async def find_settings(request: web.Request) -> web.Response:
    instance = instance_of(request)
    found = instance.live is not None and not instance.row_gone
    return json_response(instance.setting.values if found else None)
