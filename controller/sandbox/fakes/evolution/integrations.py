"""Chatwoot, proxy and the other ways out for events: what can be set, and what comes back."""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.context import body_of, instance_of, world_of
from controller.sandbox.fakes.evolution.errors import bad_request, thrown
from controller.sandbox.fakes.evolution.validation import missing_properties, refuse_invalid, wrong_types
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_CHATWOOT_TYPES: Mapping[str, type] = {
    "enabled": bool,
    "accountId": str,
    "token": str,
    "url": str,
    "signMsg": bool,
    "reopenConversation": bool,
    "conversationPending": bool,
    "nameInbox": str,
    "importContacts": bool,
    "importMessages": bool,
    "mergeBrazilContacts": bool,
    "daysLimitImportMessages": int,
    "autoCreate": bool,
    "organization": str,
    "logo": str,
    "ignoreJids": list,
}
_CHATWOOT_REQUIRED = tuple(_CHATWOOT_TYPES)[:7]
_CHATWOOT_COLUMNS: Mapping[str, object] = {
    "enabled": True,
    "accountId": None,
    "token": None,
    "url": None,
    "nameInbox": None,
    "signMsg": False,
    "signDelimiter": None,
    "reopenConversation": False,
    "conversationPending": False,
    "mergeBrazilContacts": False,
    "importContacts": False,
    "importMessages": False,
    "daysLimitImportMessages": 0,
    "organization": None,
    "logo": None,
    "ignoreJids": [],
}
_NO_CHATWOOT = {
    "enabled": False,
    "url": "",
    "accountId": "",
    "token": "",
    "signMsg": False,
    "nameInbox": "",
    "webhook_url": "",
}
_PROXY_TYPES: Mapping[str, type] = {
    "enabled": bool,
    "host": str,
    "port": str,
    "protocol": str,
    "username": str,
    "password": str,
}
_TRANSPORT = "{transport:websocket|rabbitmq|nats|sqs|kafka|pusher}"


@routes.post("/chatwoot/set/{name}")
async def set_chatwoot(request: web.Request) -> web.Response:
    world, instance, body = world_of(request), instance_of(request), await body_of(request)
    refuse_invalid(wrong_types(body, _CHATWOOT_TYPES) + missing_properties(body, _CHATWOOT_REQUIRED))
    if not world.options.chatwoot:
        raise bad_request("Chatwoot is disabled")
    if instance.live is None:
        raise thrown("Cannot read properties of undefined (reading 'setChatwoot')")
    stored = dict(body)
    if body["enabled"] is True and body["signMsg"] is False:
        stored["signDelimiter"] = None
    stored["nameInbox"] = body.get("nameInbox") or instance.name
    instance.chatwoot = {name: stored.get(name, default) for name, default in _CHATWOOT_COLUMNS.items()}
    return json_response(
        stored | {"webhook_url": f"{world.server_url}/chatwoot/webhook/{instance.name}"}, 201
    )


@routes.get("/chatwoot/find/{name}")
async def find_chatwoot(request: web.Request) -> web.Response:
    world, instance = world_of(request), instance_of(request)
    if not world.options.chatwoot:
        raise bad_request("Chatwoot is disabled")
    if instance.chatwoot is None or instance.live is None:
        return json_response(_NO_CHATWOOT)
    webhook_url = f"{world.server_url}/chatwoot/webhook/{instance.name}"
    return json_response(instance.chatwoot | {"webhook_url": webhook_url})


@routes.post("/proxy/set/{name}")
async def set_proxy(request: web.Request) -> web.Response:
    """An enabled proxy is tried out on a site outside, which no sandbox reaches."""
    instance, body = instance_of(request), await body_of(request)
    refuse_invalid(
        wrong_types(body, _PROXY_TYPES) + missing_properties(body, ("enabled", "host", "port", "protocol"))
    )
    if body["enabled"] is True:
        raise bad_request("Invalid proxy")
    proxy = dict.fromkeys(_PROXY_TYPES, "") | {"enabled": False}
    return json_response({"proxy": {"instanceName": instance.name, "proxy": proxy}}, 201)


@routes.get("/proxy/find/{name}")
async def find_proxy(request: web.Request) -> web.Response:
    instance_of(request)
    return json_response(None)


@routes.post(f"/{_TRANSPORT}/set/{{name}}")
async def set_transport(request: web.Request) -> web.Response:
    """All of them are off on this server, and then it answers null (recorded)."""
    transport = request.match_info["transport"]
    instance_of(request)
    body = await body_of(request)
    refuse_invalid(wrong_types(body, {transport: dict}) + missing_properties(body, (transport,)))
    return json_response(None, 201)


@routes.get(f"/{_TRANSPORT}/find/{{name}}")
async def find_transport(request: web.Request) -> web.Response:
    instance_of(request)
    return json_response(None)
