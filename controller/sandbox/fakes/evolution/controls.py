"""Control routes: what people and tests do behind the operator's back.

- `DELETE /_sandbox/instances/{name}` (`?ghost=1` leaves it in memory without its row)
- `POST /_sandbox/instances/{name}/scan {"number": "371...", "profileName": "..."}`: a phone links it
- `POST /_sandbox/instances/{name}/close {"code": 401}`: WhatsApp ends the connection;
  `"announced": true` also sends the meaningless webhook of a close during an open
- `POST /_sandbox/instances/{name}/expire`: the last of its QR codes has run out, unscanned
- `POST /_sandbox/instances/{name}/webhook {"url": ..., "enabled": ..., "events": [...], "headers": {...}}`
- `POST /_sandbox/instances/{name}/settings {"rejectCall": true}`
- `POST /_sandbox/instances/{name}/inbound {"from": "371...", "text": "hi", "pushName": "Ana"}`
- `POST /_sandbox/instances/{name}/counts {"messages": 5, "contacts": 2, "chats": 1}`
- `POST /_sandbox/whatsapp {"reachable": false, "flapping": true, "unknownNumbers": ["371..."]}`; `flapping`: the
  instances try again at once and tell their webhooks each time, as real ones do
- `GET /_sandbox/deliveries`: the newest webhook deliveries and how they ended
"""

from aiohttp import web

from controller.sandbox.fakes.evolution import lifecycle
from controller.sandbox.fakes.evolution.context import DELIVERIES, control_instance, world_of
from controller.sandbox.fakes.evolution.instances import row
from controller.sandbox.fakes.evolution.messages import receive
from controller.sandbox.fakes.evolution.state import Instance, Integration, Webhook
from controller.sandbox.fakes.evolution.webhooks import change_webhook, webhook_row
from controller.sandbox.fakes.wire import MalformedBodyError, json_response, read_object

routes = web.RouteTableDef()


@routes.delete("/_sandbox/instances/{name}")
async def vanish(request: web.Request) -> web.Response:
    world, instance = world_of(request), control_instance(request)
    if request.query.get("ghost") in ("1", "true"):
        instance.row_gone = True
    else:
        instance.attempt += 1
        instance.live = None
        lifecycle.forget(world, instance)
    return web.Response(status=204)


@routes.post("/_sandbox/instances/{name}/scan")
async def scan(request: web.Request) -> web.Response:
    world, instance = world_of(request), control_instance(request)
    body = await read_object(request)
    number, profile_name = body.get("number", instance.number), body.get("profileName")
    if not isinstance(number, str) or not number:
        raise MalformedBodyError('The body must be {"number": "<the phone that scans>"}.')
    if instance.integration is not Integration.BAILEYS or instance.live is None:
        raise MalformedBodyError(f'Instance "{instance.name}" is not one that a phone can scan.')
    if isinstance(profile_name, str):
        instance.account.name = profile_name
    lifecycle.scan(world, instance, number)
    return json_response(describe(instance))


@routes.post("/_sandbox/instances/{name}/close")
async def close(request: web.Request) -> web.Response:
    world, instance = world_of(request), control_instance(request)
    body = await read_object(request)
    code = body.get("code", 401)
    if not isinstance(code, int):
        raise MalformedBodyError(
            'The body must be {"code": <number>}; 401, 402, 403 and 406 unlink for good.'
        )
    lifecycle.close(world, instance, code, announced=body.get("announced") is True)
    return json_response(describe(instance))


@routes.post("/_sandbox/instances/{name}/expire")
async def expire(request: web.Request) -> web.Response:
    instance = control_instance(request)
    lifecycle.run_out_of_codes(world_of(request), instance)
    return json_response(describe(instance))


@routes.post("/_sandbox/instances/{name}/webhook")
async def edit_webhook(request: web.Request) -> web.Response:
    world, instance = world_of(request), control_instance(request)
    wanted = await read_object(request)
    now = world.timestamp()
    webhook = instance.webhook or Webhook(world.cuid(), now, now)
    change_webhook(webhook, wanted)
    events = wanted.get("events")
    if isinstance(events, list):
        webhook.events = [str(event) for event in events]
    instance.webhook = webhook
    return json_response(webhook_row(instance, webhook))


@routes.post("/_sandbox/instances/{name}/settings")
async def edit_settings(request: web.Request) -> web.Response:
    values = control_instance(request).setting.values
    wanted = await read_object(request)
    unknown = sorted(set(wanted) - set(values))
    if unknown:
        raise MalformedBodyError(f"Unknown settings {unknown}; the settings are {sorted(values)}.")
    values.update(wanted)
    return json_response(values)


@routes.post("/_sandbox/instances/{name}/inbound")
async def inbound(request: web.Request) -> web.Response:
    world, instance = world_of(request), control_instance(request)
    body = await read_object(request)
    sender, text = body.get("from"), body.get("text")
    if not isinstance(sender, str) or not isinstance(text, str):
        raise MalformedBodyError('The body must be {"from": "<number>", "text": "<message>"}.')
    key = {"id": body.get("id"), "remoteJid": lifecycle.jid(sender), "fromMe": body.get("fromMe") is True}
    message = receive(
        world,
        instance,
        {
            "key": key,
            "pushName": body.get("pushName", "Sandbox"),
            "message": {"conversation": text},
            "messageType": "conversation",
        },
    )
    return json_response(message, 201)


@routes.post("/_sandbox/instances/{name}/counts")
async def set_counts(request: web.Request) -> web.Response:
    counts, body = control_instance(request).counts, await read_object(request)
    counts.messages = _count(body, "messages", counts.messages)
    counts.contacts = _count(body, "contacts", counts.contacts)
    counts.chats = _count(body, "chats", counts.chats)
    return json_response({"messages": counts.messages, "contacts": counts.contacts, "chats": counts.chats})


@routes.post("/_sandbox/whatsapp")
async def set_whatsapp(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    unknown = body.get("unknownNumbers")
    if isinstance(unknown, list):
        world.not_on_whatsapp = {lifecycle.jid(str(number)).split("@")[0] for number in unknown}
    if body.get("reachable") is False:
        lifecycle.whatsapp_unreachable(world, flapping=body.get("flapping") is True)
    elif body.get("reachable") is True:
        lifecycle.whatsapp_reachable(world)
    return json_response(
        {
            "reachable": world.whatsapp_reachable,
            "flapping": world.flapping,
            "unknownNumbers": sorted(world.not_on_whatsapp),
        },
    )


@routes.get("/_sandbox/deliveries")
async def deliveries(request: web.Request) -> web.Response:
    sent = request.app[DELIVERIES]
    return json_response(
        {
            "delivered": sent.delivered,
            "failed": sent.failed,
            "dropped": sent.dropped,
            "newest": [delivery.describe() for delivery in sent.newest],
        },
    )


@routes.get("/_sandbox/instances/{name}")
async def show(request: web.Request) -> web.Response:
    instance = control_instance(request)
    return json_response(describe(instance) | {"row": row(world_of(request), instance)})


def describe(instance: Instance) -> dict[str, object]:
    """The instance as `/_sandbox/state` shows it. It includes what a caller of the API cannot see."""
    webhook = instance.webhook
    return {
        "id": instance.id,
        "integration": instance.integration,
        "number": instance.number,
        "live": instance.live,
        "stored": instance.stored,
        "ownerJid": instance.owner_jid,
        "profileName": instance.account.name,
        "profileStatus": instance.account.about,
        "deleting": instance.deleting,
        "rowGone": instance.row_gone,
        "qrCount": instance.qr_count,
        "settings": instance.setting.values,
        "webhook": webhook_row(instance, webhook) if webhook is not None else None,
        "messages": instance.counts.messages,
    }


def _count(body: dict[str, object], name: str, present: int) -> int:
    value = body.get(name, present)
    if not isinstance(value, int):
        raise MalformedBodyError(f'"{name}" must be a number.')
    return value
