"""Message templates of a business account: list, create, edit, delete."""

from aiohttp import web

from controller.sandbox.fakes.graph.context import (
    NODE,
    account_of,
    body_of,
    chosen,
    template_of,
    world_of,
)
from controller.sandbox.fakes.graph.errors import (
    being_deleted,
    invalid_parameter,
    language_exists,
    refused_parameter,
    template_not_found,
)
from controller.sandbox.fakes.graph.guard import token_text
from controller.sandbox.fakes.graph.pages import page_of
from controller.sandbox.fakes.graph.review import send_to_review
from controller.sandbox.fakes.graph.state import Status, Template, World
from controller.sandbox.fakes.graph.template_checks import (
    check_category,
    check_components,
    check_language,
    check_name,
)
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

# What a list shows unless fields are named.
TEMPLATE_FIELDS = frozenset({"name", "parameter_format", "components", "language", "status", "category"})
_EDITABLE = frozenset({Status.APPROVED, Status.REJECTED, Status.PAUSED})
_PATH = NODE + "/message_templates"


@routes.get(_PATH)
async def list_templates(request: web.Request) -> web.Response:
    world, query = world_of(request), request.query
    templates = [
        template
        for template in world.templates_of(account_of(request))
        if query.get("name", template.name) in template.name
        and query.get("language", template.language) == template.language
        and query.get("status", template.status) == template.status
    ]
    return json_response(
        page_of(
            templates,
            query=query,
            url=world.base_url + request.path,
            token=token_text(request),
            position_of=lambda template: template.position,
            describe=lambda template: chosen(describe_template(template), query, TEMPLATE_FIELDS),
        )
    )


@routes.post(_PATH)
async def create_template(request: web.Request) -> web.Response:
    world, account, body = world_of(request), account_of(request), await body_of(request)
    name, language = check_name(body.get("name")), check_language(body.get("language"))
    category = check_category(body.get("category"))
    components = check_components(body.get("components"), category)
    if world.blocked.get((account, name, language), world.now()) > world.now():
        raise being_deleted()
    if world.template(account, name, language) is not None:
        raise language_exists(language)
    template = add_template(
        world, account, name=name, language=language, category=category, components=components
    )
    send_to_review(world, template)
    return json_response({"id": template.id, "status": template.status, "category": template.category})


@routes.post(NODE)
async def edit_template(request: web.Request) -> web.Response:
    world, template, body = world_of(request), template_of(request), await body_of(request)
    if template.status not in _EDITABLE:
        raise invalid_parameter(
            "Message template cannot be edited",
            f"Only approved, rejected or paused templates can be edited; this one is {template.status}.",
        )
    category = check_category(body.get("category", template.category))
    approved = template.status is Status.APPROVED
    if approved and category != template.category:
        raise invalid_parameter(
            "Category cannot be changed", "The category of an approved template cannot be edited."
        )
    again = template.edited_at is not None and world.now() < template.edited_at + world.pace.between_edits
    if approved and again:
        raise invalid_parameter(
            "Edit limit reached", "An approved template can be edited once in 24 hours. Try again later."
        )
    if "components" not in body and "category" not in body:
        raise refused_parameter("The parameter components is required.")
    if "components" in body:
        template.components = check_components(body["components"], category)
    template.category = category
    if approved:
        template.edited_at = world.now()
    send_to_review(world, template)
    return json_response({"success": True})


@routes.delete(_PATH)
async def delete_template(request: web.Request) -> web.Response:
    """By name: all languages. By name and `hsm_id`: that one."""
    world, account, query = world_of(request), account_of(request), request.query
    name, id_ = query.get("name"), query.get("hsm_id")
    if not name:
        raise refused_parameter("The parameter name is required.")
    found = [
        template
        for template in world.templates_of(account)
        if template.name == name and id_ in (None, template.id)
    ]
    if not found:
        raise template_not_found(name)
    if any(template.status is Status.DISABLED for template in found):
        raise invalid_parameter("Template is disabled", "A disabled template cannot be deleted.")
    for template in found:
        remove_template(world, template)
    return json_response({"success": True})


def add_template(
    world: World,
    account: str,
    *,
    name: str,
    language: str,
    category: str,
    components: list[dict[str, object]],
) -> Template:
    world.created += 1
    template = Template(world.id(), account, name, language, category, components, world.created)
    world.templates[template.id] = template
    return template


def remove_template(world: World, template: Template) -> None:
    """Name and language of an approved one stay blocked for a while."""
    del world.templates[template.id]
    template.review += 1
    if template.status is Status.APPROVED:
        until = world.now() + world.pace.name_blocked
        world.blocked[template.account_id, template.name, template.language] = until


def describe_template(template: Template) -> dict[str, object]:
    named = any("named_params" in str(component.get("example")) for component in template.components)
    return {
        "name": template.name,
        "parameter_format": "NAMED" if named else "POSITIONAL",
        "components": template.components,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "rejected_reason": template.rejected_reason,
        "quality_score": {"score": template.quality, "date": 0},
        "id": template.id,
    }
