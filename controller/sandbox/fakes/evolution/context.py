"""What a handler needs from its request: the world, the named instance, the decoded body."""

from aiohttp import web

from controller.sandbox.fakes.evolution.delivery import Deliveries
from controller.sandbox.fakes.evolution.errors import (
    RefusalError,
    malformed_json,
    unknown_instance,
)
from controller.sandbox.fakes.evolution.outbound import Outbound
from controller.sandbox.fakes.evolution.state import Connection, Instance, Integration, World
from controller.sandbox.fakes.wire import MalformedBodyError, read_json

WORLD = web.AppKey("WORLD", World)
DELIVERIES = web.AppKey("DELIVERIES", Deliveries)
OUTBOUND = web.AppKey("OUTBOUND", Outbound)

_CHANNEL_NAMES = {
    Integration.BUSINESS: "WhatsApp Business API",
    Integration.EVOLUTION: "Evolution Channel",
}


def world_of(request: web.Request) -> World:
    return request.app[WORLD]


def instance_of(request: web.Request) -> Instance:
    """Return the instance the path names. The guard saw it; it may be gone by now. Raises RefusalError."""
    name = request.match_info["name"]
    instance = world_of(request).known(name)
    if instance is None:
        raise unknown_instance(name)
    return instance


def control_instance(request: web.Request) -> Instance:
    """Return the instance a control names. Raises LookupError."""
    name = request.match_info["name"]
    instance = world_of(request).instances.get(name)
    if instance is None:
        raise LookupError(f'There is no instance "{name}".')
    return instance


async def body_of(request: web.Request) -> dict[str, object]:
    """Return the body's object. As with the real server, anything that is no JSON object counts as empty."""
    if request.content_type != "application/json":
        return {}
    try:
        decoded = await read_json(request)
    except MalformedBodyError as error:
        raw = (await request.read()).strip()
        truncated = raw[:1] in (b"{", b"[") and raw[-1:] not in (b"}", b"]")
        raise malformed_json("Unexpected end of JSON input" if truncated else str(error)) from error
    return decoded if isinstance(decoded, dict) else {}


def require_channel(instance: Instance, *, whatsapp_numbers: bool = False) -> None:
    """Refuse what only WHATSAPP-BAILEYS can do. The answer of `whatsappNumbers` has a shape of its own."""
    channel = _CHANNEL_NAMES.get(instance.integration)
    if channel is None:
        return
    text = f"Method not available on {channel}"
    if whatsapp_numbers:
        raise FlatRefusalError(400, {"status": 400, "error": "Bad Request", "message": [text]})
    raise RefusalError(400, [text])


def is_open(instance: Instance) -> bool:
    return instance.live is Connection.OPEN


class FlatRefusalError(Exception):
    """A refusal whose whole body differs from the usual shape."""

    def __init__(self, status: int, body: dict[str, object]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
