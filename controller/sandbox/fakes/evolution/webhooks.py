"""The webhook endpoints. Names differ between what is sent and what is answered."""

from aiohttp import web

from controller.sandbox.fakes.evolution.context import body_of, instance_of, world_of
from controller.sandbox.fakes.evolution.errors import thrown
from controller.sandbox.fakes.evolution.events import EVENTS
from controller.sandbox.fakes.evolution.state import Instance, Webhook
from controller.sandbox.fakes.evolution.validation import check_webhook
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()


@routes.post("/webhook/set/{name}")
async def set_webhook(request: web.Request) -> web.Response:
    instance = instance_of(request)
    wanted = check_webhook(await body_of(request))
    if instance.live is None:
        raise thrown("Cannot read properties of undefined (reading 'instanceId')")
    events = wanted.get("events")
    if wanted["enabled"] and not isinstance(events, list):
        raise thrown("Cannot read properties of undefined (reading 'length')")
    world = world_of(request)
    now = world.timestamp()
    webhook = instance.webhook or Webhook(world.cuid(), now, now)
    if not wanted["enabled"]:
        webhook.events = []
    elif isinstance(events, list):
        webhook.events = [str(event) for event in events] or list(EVENTS)
    change_webhook(webhook, wanted)
    webhook.updated_at = now
    instance.webhook = webhook
    return json_response(webhook_row(instance, webhook), 201)


@routes.get("/webhook/find/{name}")
async def find_webhook(request: web.Request) -> web.Response:
    instance = instance_of(request)
    if instance.webhook is None or instance.live is None:
        return json_response(None)
    return json_response(webhook_row(instance, instance.webhook))


def change_webhook(webhook: Webhook, wanted: dict[str, object]) -> None:
    """Write the fields that were sent; what was left out keeps its value."""
    if "url" in wanted:
        webhook.url = str(wanted["url"])
    if "enabled" in wanted:
        webhook.enabled = wanted["enabled"] is True
    headers = wanted.get("headers")
    if isinstance(headers, dict):
        webhook.headers = {str(name): str(value) for name, value in headers.items()}
    if wanted.get("byEvents") is not None:
        webhook.by_events = wanted["byEvents"] is True
    if wanted.get("base64") is not None:
        webhook.base64 = wanted["base64"] is True


def webhook_row(instance: Instance, webhook: Webhook) -> dict[str, object]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "headers": webhook.headers,
        "enabled": webhook.enabled,
        "events": webhook.events,
        "webhookByEvents": webhook.by_events,
        "webhookBase64": webhook.base64,
        "createdAt": webhook.created_at,
        "updatedAt": webhook.updated_at,
        "instanceId": instance.id,
    }
