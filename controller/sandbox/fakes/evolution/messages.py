"""Messages out and in."""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.context import (
    FlatRefusalError,
    body_of,
    instance_of,
    is_open,
    require_channel,
    world_of,
)
from controller.sandbox.fakes.evolution.errors import bad_request, thrown
from controller.sandbox.fakes.evolution.lifecycle import jid
from controller.sandbox.fakes.evolution.state import Connection, Instance, Integration, World
from controller.sandbox.fakes.evolution.validation import check_text_message
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()


@routes.post("/message/sendText/{name}")
async def send_text(request: web.Request) -> web.Response:
    world, instance, body = world_of(request), instance_of(request), await body_of(request)
    check_text_message(body)
    if instance.live is None:
        raise thrown("Cannot read properties of undefined (reading 'textMessage')")
    message = _SENDERS[instance.integration](world, instance, str(body["number"]), str(body["text"]))
    world.messages_sent += 1
    instance.counts.messages += 1
    world.emit(instance, "send.message", message)
    return json_response(message, 201)


@routes.post("/chat/whatsappNumbers/{name}")
async def whatsapp_numbers(request: web.Request) -> web.Response:
    world, instance = world_of(request), instance_of(request)
    numbers = (await body_of(request)).get("numbers")
    require_channel(instance, whatsapp_numbers=True)
    if not is_open(instance):
        raise FlatRefusalError(400, {})
    asked = [str(number) for number in numbers] if isinstance(numbers, list) else []
    return json_response([_on_whatsapp(world, number) for number in asked])


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
    """Store an inbound message and tell the instance's webhook of it, as `messages.upsert`."""
    key = inbound.get("key")
    sent_key: Mapping[str, object] = key if isinstance(key, dict) else {}
    message = {
        "key": {
            "id": sent_key.get("id") or _message_id(world),
            "remoteJid": sent_key.get("remoteJid"),
            "fromMe": sent_key.get("fromMe") is True,
        },
        "pushName": inbound.get("pushName"),
        "message": inbound.get("message"),
        "messageType": inbound.get("messageType", "conversation"),
        "messageTimestamp": _unix(world),
        "source": "unknown",
        "instanceId": instance.id,
    }
    instance.counts.messages += 1
    world.messages_received += 1
    world.emit(instance, "messages.upsert", message)
    return message


def _send_baileys(world: World, instance: Instance, number: str, text: str) -> dict[str, object]:
    if not is_open(instance):
        if not world.whatsapp_reachable and instance.linked:
            raise bad_request("Error: Connection Closed")
        if not instance.had_socket and instance.live is Connection.CLOSE:
            raise thrown("Cannot read properties of undefined (reading 'onWhatsApp')")
        raise thrown("Connection Closed")
    known = _on_whatsapp(world, number)
    if not known["exists"]:
        raise bad_request(known)
    return {
        "key": {"remoteJid": jid(number), "fromMe": True, "id": _message_id(world)},
        "pushName": "Você",
        "status": "PENDING",
        "message": {"conversation": text},
        "contextInfo": {
            "mentionedJid": [],
            "groupMentions": [],
            "ephemeralSettingTimestamp": {"low": _unix(world), "high": 0, "unsigned": False},
            "disappearingMode": {"initiator": 0},
        },
        "messageType": "conversation",
        "messageTimestamp": _unix(world),
        "instanceId": instance.id,
        "source": "web",
    }


def _send_business(world: World, instance: Instance, number: str, text: str) -> dict[str, object]:
    return {
        "key": {"fromMe": True, "id": f"wamid.{_message_id(world)}", "remoteJid": jid(number)},
        "message": {"conversation": text},
        "messageType": "conversation",
        "messageTimestamp": _unix(world),
        "instanceId": instance.id,
        "status": "PENDING",
        "source": "unknown",
    }


def _send_evolution(world: World, instance: Instance, number: str, text: str) -> dict[str, object]:
    """Only stored: the address is the number as it was sent (recorded)."""
    return {
        "key": {"fromMe": True, "id": world.uuid(), "remoteJid": number},
        "message": {"conversation": text},
        "messageType": "conversation",
        "messageTimestamp": _unix(world),
        "source": "unknown",
        "instanceId": instance.id,
    }


_SENDERS = {
    Integration.BAILEYS: _send_baileys,
    Integration.BUSINESS: _send_business,
    Integration.EVOLUTION: _send_evolution,
}


def _on_whatsapp(world: World, number: str) -> dict[str, object]:
    address = jid(number)
    exists = address.split("@")[0] not in world.not_on_whatsapp
    return {"jid": address, "exists": exists, "number": number}


def _message_id(world: World) -> str:
    return f"3EB0{world.random.getrandbits(72):018X}"


def _unix(world: World) -> int:
    return int(world.now().timestamp())
