"""Message templates. Meta holds them; the server keeps a row of those it created, to forward their status.

Nobody asks whether the instance is a WHATSAPP-BUSINESS one (measured). Refusals have a flat shape of their own.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from controller.sandbox.fakes.evolution.context import (
    OUTBOUND,
    FlatRefusalError,
    body_of,
    instance_of,
    world_of,
)
from controller.sandbox.fakes.evolution.errors import RefusalError, database_text
from controller.sandbox.fakes.evolution.graph import ask_graph, graph_error
from controller.sandbox.fakes.evolution.outbound import OutboundError
from controller.sandbox.fakes.evolution.state import Template, World
from controller.sandbox.fakes.evolution.validation import (
    missing_properties,
    refuse_invalid,
    wrong_choice,
    wrong_types,
)
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")
_TYPES: Mapping[str, type] = {
    "name": str,
    "category": str,
    "language": str,
    "components": list,
    "allowCategoryChange": bool,
    "webhookUrl": str,
    "templateId": str,
    "hsmId": str,
    "ttl": int,
}
_SENT_AS = {"allowCategoryChange": "allow_category_change", "ttl": "message_send_ttl_seconds"}


@routes.post("/template/create/{name}")
async def create_template(request: web.Request) -> web.Response:
    """A name that another row has, of any tenant, fails only after Meta has accepted it (measured)."""
    world, instance, body = world_of(request), instance_of(request), await body_of(request)
    required = ("name", "category", "language", "components")
    _check(world, body, required, "template_creation")
    wanted = _for_meta(body, ("name", "category", "allowCategoryChange", "language", "components"))
    path = f"{_account(instance.business_id)}/message_templates"
    try:
        answer = await ask_graph(world, request.app[OUTBOUND], instance, "POST", path, wanted)
    except OutboundError as error:
        raise _refused_by_meta(world, error, "template_creation") from error
    name, now = str(body["name"]), world.timestamp()
    if any(template.name == name for template in world.database.templates.values()):
        text = database_text(
            "this.prismaRepository.integrationSession.findFirst()",
            "Unique constraint failed on the fields: (`name`)",
        )
        raise _flat(world, text, "template_creation", code="P2002")
    webhook_url = body.get("webhookUrl")
    template = Template(
        id=world.cuid(),
        template_id=str(answer.field("id")),
        name=name,
        template=answer.body,
        webhook_url=str(webhook_url) if webhook_url else None,
        created_at=now,
        updated_at=now,
        instance_id=instance.id,
    )
    world.database.templates[template.id] = template
    return json_response(_row(template), 201)


@routes.get("/template/find/{name}")
async def find_templates(request: web.Request) -> web.Response:
    """Meta's first page, or null whatever went wrong (measured)."""
    world, instance = world_of(request), instance_of(request)
    path = f"{_account(instance.business_id)}/message_templates"
    try:
        answer = await ask_graph(world, request.app[OUTBOUND], instance, "GET", path)
    except OutboundError:
        return json_response(None)
    return json_response(answer.field("data"))


@routes.post("/template/edit/{name}")
async def edit_template(request: web.Request) -> web.Response:
    world, instance, body = world_of(request), instance_of(request), await body_of(request)
    _check(world, body, ("templateId",), "template_edit")
    wanted = _for_meta(body, ("category", "components", "allowCategoryChange", "ttl"))
    try:
        answer = await ask_graph(
            world, request.app[OUTBOUND], instance, "POST", str(body["templateId"]), wanted
        )
    except OutboundError as error:
        raise _refused_by_meta(world, error, "template_edit") from error
    for template in world.database.templates.values():
        if template.template_id == body["templateId"]:
            template.updated_at = world.timestamp()
    return json_response(answer.body)


@routes.delete("/template/delete/{name}")
async def delete_template(request: web.Request) -> web.Response:
    world, instance, body = world_of(request), instance_of(request), await body_of(request)
    _check(world, body, ("name",), "template_delete")
    query = {"name": str(body["name"]), **({"hsm_id": str(body["hsmId"])} if body.get("hsmId") else {})}
    path = f"{_account(instance.business_id)}/message_templates?{urlencode(query)}"
    try:
        answer = await ask_graph(world, request.app[OUTBOUND], instance, "DELETE", path)
    except OutboundError as error:
        raise _refused_by_meta(world, error, "template_delete") from error
    templates = world.database.templates
    for template in [found for found in templates.values() if found.name == body["name"]]:
        if template.instance_id == instance.id:
            del templates[template.id]
    return json_response(answer.body)


def _account(business_id: str | None) -> str:
    return business_id or "null"


def _for_meta(body: Mapping[str, object], names: tuple[str, ...]) -> dict[str, object]:
    return {_SENT_AS.get(name, name): body[name] for name in names if body.get(name) is not None}


def _check(world: World, body: Mapping[str, object], required: tuple[str, ...], context: str) -> None:
    texts = wrong_types(body, _TYPES) + wrong_choice(body, "category", _CATEGORIES)
    try:
        refuse_invalid(texts + missing_properties(body, required))
    except RefusalError as refusal:
        raise _flat(world, refusal.message, context) from refusal


def _refused_by_meta(world: World, error: OutboundError, context: str) -> FlatRefusalError:
    found = graph_error(error)
    text = found.get("message", "The Graph API did not answer")
    details = {
        "whatsapp_error": found.get("error_user_msg") or text,
        "whatsapp_code": found.get("code", "UNKNOWN_ERROR"),
        "error_user_title": found.get("error_user_title") or text,
        "error_user_msg": found.get("error_user_msg") or text,
        "error_type": found.get("type", "UNKNOWN"),
        "error_subcode": found.get("error_subcode"),
        "fbtrace_id": found.get("fbtrace_id"),
        "context": context,
        "type": "whatsapp_api_error",
    }
    return _refusal(world, details["error_user_title"], details)


def _flat(world: World, message: object, context: str, *, code: str = "UNKNOWN_ERROR") -> FlatRefusalError:
    details = {
        "whatsapp_error": message,
        "whatsapp_code": code,
        "error_user_title": message,
        "error_user_msg": message,
        "error_type": "UNKNOWN",
        "error_subcode": None,
        "fbtrace_id": None,
        "context": context,
        "type": "whatsapp_api_error",
    }
    return _refusal(world, message, details)


def _refusal(world: World, message: object, details: dict[str, object]) -> FlatRefusalError:
    body = {"status": 400, "error": "Bad Request", "message": message, "details": details}
    return FlatRefusalError(400, {**body, "timestamp": world.timestamp()})


def _row(template: Template) -> dict[str, object]:
    return {
        "id": template.id,
        "templateId": template.template_id,
        "name": template.name,
        "template": template.template,
        "webhookUrl": template.webhook_url,
        "createdAt": template.created_at,
        "updatedAt": template.updated_at,
        "instanceId": template.instance_id,
    }
