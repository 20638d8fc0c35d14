"""`/webhook/meta`: what Meta sends for WHATSAPP-BUSINESS instances. Nobody is asked for a key."""

from collections.abc import Iterator, Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.context import OUTBOUND, body_of, world_of
from controller.sandbox.fakes.evolution.errors import thrown
from controller.sandbox.fakes.evolution.lifecycle import jid
from controller.sandbox.fakes.evolution.messages import receive
from controller.sandbox.fakes.evolution.outbound import OutboundError
from controller.sandbox.fakes.evolution.state import Instance, Integration, World
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

PATH = "/webhook/meta"
VERIFY_TOKEN = "evolution"  # noqa: S105  what the real server is documented to start with


@routes.get(PATH)
async def verify(request: web.Request) -> web.Response:
    known = request.query.get("hub.verify_token") == VERIFY_TOKEN
    text = request.query.get("hub.challenge", "") if known else "Error, wrong validation token"
    return web.Response(text=text, content_type="text/html")


@routes.post(PATH)
async def inbound(request: web.Request) -> web.Response:
    world, body = world_of(request), await body_of(request)
    for field, value in _changes(body):
        if field == "message_template_status_update":
            await _template_status(request, value)
            return json_response(None)
        instance = _instance_of(world, value)
        if instance is not None:
            _messages(world, instance, value)
            _statuses(world, instance, value)
    return json_response({"status": "success"})


async def _template_status(request: web.Request, value: Mapping[str, object]) -> None:
    """Forwarded raw to where the template's creator said, and nowhere else (recorded)."""
    wanted = str(value.get("message_template_id"))
    for template in world_of(request).database.templates.values():
        if template.template_id == wanted:
            if template.webhook_url is None:
                raise thrown("Invalid URL")
            try:
                await request.app[OUTBOUND].call("POST", template.webhook_url, body=value)
            except OutboundError as error:
                raise thrown(str(error)) from error


def _messages(world: World, instance: Instance, value: Mapping[str, object]) -> None:
    for message, contact in zip(
        _objects(value.get("messages")), _objects(value.get("contacts")), strict=False
    ):
        profile, text = contact.get("profile"), message.get("text")
        push_name = profile.get("name") if isinstance(profile, dict) else None
        sender = str(message.get("from"))
        receive(
            world,
            instance,
            {
                "key": {"id": message.get("id"), "remoteJid": jid(sender), "fromMe": False},
                "pushName": push_name,
                "message": {"conversation": text.get("body") if isinstance(text, dict) else None},
                "messageType": "conversation",
                "messageTimestamp": int(str(message.get("timestamp") or 0)),
            },
        )
        contact_row = {"remoteJid": sender, "pushName": push_name, "instanceId": instance.id}
        world.emit(instance, "contacts.upsert", contact_row)


def _statuses(world: World, instance: Instance, value: Mapping[str, object]) -> None:
    for status in _objects(value.get("statuses")):
        for logged in instance.log:
            key = logged.row.get("key")
            if isinstance(key, dict) and key.get("id") == status.get("id"):
                address = jid(str(status.get("recipient_id")))
                world.emit(
                    instance,
                    "messages.update",
                    {
                        "messageId": logged.id,
                        "keyId": status.get("id"),
                        "remoteJid": address,
                        "fromMe": False,
                        "participant": address,
                        "status": str(status.get("status")).upper(),
                        "instanceId": instance.id,
                    },
                )


def _changes(body: Mapping[str, object]) -> Iterator[tuple[object, Mapping[str, object]]]:
    for entry in _objects(body.get("entry")):
        for change in _objects(entry.get("changes")):
            value = change.get("value")
            if isinstance(value, dict):
                yield change.get("field"), value


def _instance_of(world: World, value: Mapping[str, object]) -> Instance | None:
    metadata = value.get("metadata")
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    for instance in world.instances.values():
        if instance.integration is Integration.BUSINESS and instance.number == number:
            return instance
    return None


def _objects(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
