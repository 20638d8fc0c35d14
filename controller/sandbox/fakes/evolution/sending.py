"""Text messages out, through whichever channel an instance has."""

from collections.abc import Awaitable, Callable, Mapping

from controller.sandbox.fakes.evolution.context import is_open
from controller.sandbox.fakes.evolution.errors import bad_request, thrown
from controller.sandbox.fakes.evolution.graph import send_message
from controller.sandbox.fakes.evolution.lifecycle import jid
from controller.sandbox.fakes.evolution.message_log import store
from controller.sandbox.fakes.evolution.outbound import Outbound
from controller.sandbox.fakes.evolution.state import Connection, Instance, Integration, World


async def send_text(
    world: World, outbound: Outbound, instance: Instance, number: str, text: str, *, bot_id: str | None = None
) -> dict[str, object]:
    """Send, store and announce a text message, and return it; Meta's error object where the Graph API refused.

    Raises RefusalError.
    """
    message = await _SENDERS[instance.integration](world, outbound, instance, number, text)
    if "key" in message:
        announce_sent(world, instance, message, bot_id=bot_id)
    return message


def announce_sent(
    world: World, instance: Instance, message: dict[str, object], *, bot_id: str | None = None
) -> None:
    """Store a sent message and tell the instance's webhook of it."""
    world.messages_sent += 1
    store(world, instance, message, bot_id=bot_id)
    world.emit(instance, "send.message", message)


def on_whatsapp(world: World, number: str) -> dict[str, object]:
    """What WhatsApp says of a number."""
    address = jid(number)
    exists = address.split("@")[0] not in world.not_on_whatsapp
    return {"jid": address, "exists": exists, "number": number}


async def _send_baileys(
    world: World, _outbound: Outbound, instance: Instance, number: str, text: str
) -> dict[str, object]:
    if not is_open(instance):
        if not world.whatsapp_reachable and instance.linked:
            raise bad_request("Error: Connection Closed")
        if not instance.had_socket and instance.live is Connection.CLOSE:
            raise thrown("Cannot read properties of undefined (reading 'onWhatsApp')")
        raise thrown("Connection Closed")
    if instance.socket_dead:
        raise thrown("Connection Closed")
    known = on_whatsapp(world, number)
    if not known["exists"]:
        raise bad_request(known)
    return {
        "key": {"remoteJid": jid(number), "fromMe": True, "id": world.message_id()},
        "pushName": "Você",
        "status": "PENDING",
        "message": {"conversation": text},
        "contextInfo": {
            "mentionedJid": [],
            "groupMentions": [],
            "ephemeralSettingTimestamp": {"low": world.unix_time(), "high": 0, "unsigned": False},
            "disappearingMode": {"initiator": 0},
        },
        "messageType": "conversation",
        "messageTimestamp": world.unix_time(),
        "instanceId": instance.id,
        "source": "web",
    }


async def _send_business(
    world: World, outbound: Outbound, instance: Instance, number: str, text: str
) -> dict[str, object]:
    content: Mapping[str, object] = {"type": "text", "text": {"body": text, "preview_url": False}}
    return await send_message(world, outbound, instance, number, content, shown=text)


async def _send_evolution(
    world: World, _outbound: Outbound, instance: Instance, number: str, text: str
) -> dict[str, object]:
    """Only stored: the address is the number as it was sent (recorded)."""
    return {
        "key": {"fromMe": True, "id": world.uuid(), "remoteJid": number},
        "message": {"conversation": text},
        "messageType": "conversation",
        "messageTimestamp": world.unix_time(),
        "source": "unknown",
        "instanceId": instance.id,
    }


_SENDERS: Mapping[
    Integration, Callable[[World, Outbound, Instance, str, str], Awaitable[dict[str, object]]]
] = {
    Integration.BAILEYS: _send_baileys,
    Integration.BUSINESS: _send_business,
    Integration.EVOLUTION: _send_evolution,
}
