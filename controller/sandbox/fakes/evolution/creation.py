"""`POST /instance/create`: what it checks, what it makes, and what its failures destroy."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution import deletion, lifecycle
from controller.sandbox.fakes.evolution.context import body_of, world_of
from controller.sandbox.fakes.evolution.errors import RefusalError, bad_request, database_error
from controller.sandbox.fakes.evolution.events import EVENTS
from controller.sandbox.fakes.evolution.qr import qr_body
from controller.sandbox.fakes.evolution.state import (
    Connection,
    Instance,
    Integration,
    Setting,
    Webhook,
    World,
)
from controller.sandbox.fakes.evolution.validation import check_create
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_LONGEST_NAME = 255
_SETTING_DEFAULTS: Mapping[str, object] = {
    "rejectCall": False,
    "msgCall": "",
    "groupsIgnore": False,
    "alwaysOnline": False,
    "readMessages": False,
    "readStatus": False,
    "syncFullHistory": False,
    "wavoipToken": "",
}


@routes.post("/instance/create")
async def create_instance(request: web.Request) -> web.Response:
    world, body = world_of(request), await body_of(request)
    check_create(body)
    try:
        instance = await _create(world, body)
    except RefusalError:
        # Also where another caller's create won meanwhile: that one's instance goes too (measured).
        deletion.remove_by_name(request.app, str(body.get("instanceName")))
        raise
    answer = _answer(world, instance, body)
    if body.get("qrcode") is True and instance.integration is Integration.BAILEYS:
        number = body.get("number")
        lifecycle.connect(world, instance, str(number) if number else None)
        await asyncio.sleep(world.pace.connect_wait)
        answer["qrcode"] = qr_body(instance)
        answer["instance"] = _summary(world, instance)
    return json_response(answer, 201)


async def _create(world: World, body: Mapping[str, object]) -> Instance:
    integration = _integration(body)
    name = body.get("instanceName")
    # The real server's database answers here; other creates of the same name have passed the guard by now.
    await asyncio.sleep(world.pace.create_takes)
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or world.known(name):
        raise database_error(
            "Foreign key constraint violated on the constraint: `Setting_instanceId_fkey`", 400
        )
    instance = _new_instance(world, name, integration, body)
    # What fails from here on leaves a row behind, until its deletion is through (recorded).
    instance.half_made = True
    world.instances[name] = instance
    if integration is Integration.BUSINESS:
        for needed in ("number", "token"):
            if not body.get(needed):
                raise bad_request(f"{needed} is required")
    webhook = body.get("webhook")
    if isinstance(webhook, dict):
        instance.webhook = _new_webhook(world, webhook)
    instance.half_made = False
    world.emit(instance, "instance.create", {"instanceName": instance.name, "instanceId": instance.id})
    return instance


def _integration(body: Mapping[str, object]) -> Integration:
    try:
        integration = Integration(str(body.get("integration")))
    except ValueError:
        raise bad_request("Invalid integration") from None
    return integration


def _new_instance(world: World, name: str, integration: Integration, body: Mapping[str, object]) -> Instance:
    now = world.timestamp()
    passive = integration is not Integration.BAILEYS
    settings = {key: body.get(key) or default for key, default in _SETTING_DEFAULTS.items()}
    instance_id, token = world.uuid(), body.get("token")
    return Instance(
        name=name,
        id=instance_id,
        integration=integration,
        token=str(token) if token else world.uuid().upper(),
        number=_text(body.get("number")),
        business_id=_text(body.get("businessId")),
        created_at=now,
        updated_at=now,
        setting=Setting(world.cuid(), now, now, settings),
        stored=Connection.OPEN if passive else Connection.CLOSE,
        live=Connection.OPEN if passive else Connection.CLOSE,
    )


def _new_webhook(world: World, wanted: Mapping[str, object]) -> Webhook:
    """`enabled` is ignored on create: it is always true (measured)."""
    events, headers = wanted.get("events"), wanted.get("headers")
    if not isinstance(events, list):
        raise bad_request("Cannot read properties of undefined (reading 'length')")
    now = world.timestamp()
    return Webhook(
        id=world.cuid(),
        created_at=now,
        updated_at=now,
        url=str(wanted.get("url", "")),
        events=[str(event) for event in events] or list(EVENTS),
        headers={str(key): str(value) for key, value in headers.items()}
        if isinstance(headers, dict)
        else None,
        by_events=wanted.get("byEvents") is True,
        base64=wanted.get("base64") is True,
    )


def _text(value: object) -> str | None:
    return str(value) if value else None


def _answer(world: World, instance: Instance, body: Mapping[str, object]) -> dict[str, object]:
    webhook = body.get("webhook")
    sent = webhook if isinstance(webhook, dict) else {}
    names = {
        "webhookUrl": "url",
        "webhookHeaders": "headers",
        "webhookByEvents": "byEvents",
        "webhookBase64": "base64",
    }
    return {
        "instance": _summary(world, instance),
        "hash": instance.token,
        "webhook": {answered: sent[name] for answered, name in names.items() if name in sent},
        "websocket": {},
        "rabbitmq": {},
        "nats": {},
        "sqs": {},
        "settings": dict(instance.setting.values),
    }


def _summary(world: World, instance: Instance) -> dict[str, object]:
    business = instance.integration is Integration.BUSINESS
    return {
        "instanceName": instance.name,
        "instanceId": instance.id,
        "integration": instance.integration,
        "webhookWaBusiness": f"{world.server_url}/webhook/meta" if business else None,
        "accessTokenWaBusiness": "evolution" if business else "",
        "status": instance.live,
    }
