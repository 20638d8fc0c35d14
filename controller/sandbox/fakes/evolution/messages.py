"""Messages out and in."""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.context import (
    OUTBOUND,
    FlatRefusalError,
    body_of,
    instance_of,
    is_open,
    require_channel,
    world_of,
)
from controller.sandbox.fakes.evolution.errors import thrown
from controller.sandbox.fakes.evolution.graph import send_message
from controller.sandbox.fakes.evolution.message_log import store
from controller.sandbox.fakes.evolution.sending import announce_sent, on_whatsapp, send_text
from controller.sandbox.fakes.evolution.state import Instance, Integration, World
from controller.sandbox.fakes.evolution.validation import (
    check_text_message,
    missing_properties,
    refuse_invalid,
    wrong_types,
)
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()


@routes.post("/message/sendText/{name}")
async def post_text(request: web.Request) -> web.Response:
    world, instance, body = world_of(request), instance_of(request), await body_of(request)
    check_text_message(body)
    if instance.live is None:
        raise thrown("Cannot read properties of undefined (reading 'textMessage')")
    outbound = request.app[OUTBOUND]
    message = await send_text(world, outbound, instance, str(body["number"]), str(body["text"]))
    return json_response(message, 201)


@routes.post("/message/sendTemplate/{name}")
async def post_template(request: web.Request) -> web.Response:
    """The stored text is the template's name between two signs (recorded). Only Meta's channel has templates."""
    world, instance, body = world_of(request), instance_of(request), await body_of(request)
    texts = wrong_types(body, {"number": str, "name": str, "language": str, "components": list})
    refuse_invalid(texts + missing_properties(body, ("number", "name", "language")))
    if instance.integration is not Integration.BUSINESS:
        raise thrown("Method not available")
    template = {
        "name": body["name"],
        "language": {"code": body["language"]},
        "components": body.get("components") or [],
    }
    message = await send_message(
        world,
        request.app[OUTBOUND],
        instance,
        str(body["number"]),
        {"type": "template", "template": template},
        shown=f"\u25b6\ufe0f{body['name']}\u25c0\ufe0f",
    )
    if "key" in message:
        announce_sent(world, instance, message)
    return json_response(message, 201)


@routes.post("/chat/whatsappNumbers/{name}")
async def whatsapp_numbers(request: web.Request) -> web.Response:
    world, instance = world_of(request), instance_of(request)
    numbers = (await body_of(request)).get("numbers")
    require_channel(instance, whatsapp_numbers=True)
    if not is_open(instance):
        raise FlatRefusalError(400, {})
    if instance.socket_dead:
        raise thrown("Connection Closed")
    asked = [str(number) for number in numbers] if isinstance(numbers, list) else []
    return json_response([on_whatsapp(world, number) for number in asked])


@routes.post("/webhook/evolution")
async def inbound_evolution(request: web.Request) -> web.Response:
    """Inbound message of an EVOLUTION instance, found by its number; nobody is asked for a key."""
    world, body = world_of(request), await body_of(request)
    for instance in world.instances.values():
        if instance.integration is Integration.EVOLUTION and instance.number == body.get("numberId"):
            receive(world, instance, body)
            return json_response({"status": "success"})
    return json_response(None)


def receive(world: World, instance: Instance, inbound: Mapping[str, object]) -> dict[str, object]:
    """Store an inbound message and tell the instance's webhook of it, as `messages.upsert`; then ask its bots."""
    key = inbound.get("key")
    sent_key: Mapping[str, object] = key if isinstance(key, dict) else {}
    message = {
        "key": {
            "id": sent_key.get("id") or world.message_id(),
            "remoteJid": sent_key.get("remoteJid"),
            "fromMe": sent_key.get("fromMe") is True,
        },
        "pushName": inbound.get("pushName"),
        "message": inbound.get("message"),
        "messageType": inbound.get("messageType", "conversation"),
        "messageTimestamp": inbound.get("messageTimestamp") or world.unix_time(),
        "source": "unknown",
        "instanceId": instance.id,
    }
    store(world, instance, message)
    world.messages_received += 1
    world.emit(instance, "messages.upsert", message)
    world.ask_bots(instance, message)
    return message
