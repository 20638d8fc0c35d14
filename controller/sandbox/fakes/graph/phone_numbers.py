"""A phone number, and the numbers of a business account."""

from aiohttp import web

from controller.sandbox.fakes.graph.context import (
    NODE,
    TOKEN,
    account_of,
    chosen,
    number_of,
    world_of,
)
from controller.sandbox.fakes.graph.state import PhoneNumber
from controller.sandbox.fakes.graph.templates import TEMPLATE_FIELDS, describe_template
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

# Without `status`, which must be asked for.
_FIELDS = frozenset(
    {
        "verified_name",
        "code_verification_status",
        "display_phone_number",
        "quality_rating",
        "platform_type",
        "throughput",
    }
)


@routes.get(NODE)
async def fetch_node(request: web.Request) -> web.Response:
    """A phone number, a business account or a template: all of them stand at /{id}."""
    world, id_ = world_of(request), request.match_info["id"]
    if id_ in world.templates and world.templates[id_].account_id in request[TOKEN].accounts:
        node = describe_template(world.templates[id_])
        return json_response(chosen(node, request.query, TEMPLATE_FIELDS))
    if id_ in world.accounts:
        account = account_of(request)
        node = {"id": account, "name": f"WhatsApp account {account}", "timezone_id": "1"}
        return json_response(chosen(node, request.query, frozenset(node)))
    return json_response(chosen(describe_number(number_of(request)), request.query, _FIELDS))


@routes.get(NODE + "/phone_numbers")
async def list_numbers(request: web.Request) -> web.Response:
    account = account_of(request)
    numbers = [number for number in world_of(request).numbers.values() if number.account_id == account]
    return json_response(
        {"data": [chosen(describe_number(number), request.query, _FIELDS) for number in numbers]}
    )


def describe_number(number: PhoneNumber) -> dict[str, object]:
    return {**number.fields, "id": number.id}
