"""What a handler needs from its request: the world, the object the path names, the body, the chosen fields."""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.graph.errors import invalid_parameter, unknown_object
from controller.sandbox.fakes.graph.state import PhoneNumber, Template, Token, World
from controller.sandbox.fakes.wire import MalformedBodyError, read_object

WORLD = web.AppKey("WORLD", World)
TOKEN = web.RequestKey("TOKEN", Token)

VERSION = r"/{version:v\d+\.\d+}"
NODE = VERSION + r"/{id:\d+}"


def world_of(request: web.Request) -> World:
    return request.app[WORLD]


def account_of(request: web.Request) -> str:
    """Return the business account the path names. Raises GraphRefusalError."""
    wanted = request.match_info["id"]
    if wanted not in world_of(request).accounts or wanted not in request[TOKEN].accounts:
        raise unknown_object(request.method, wanted)
    return wanted


def number_of(request: web.Request) -> PhoneNumber:
    """Return the phone number the path names. Raises GraphRefusalError."""
    number = world_of(request).numbers.get(request.match_info["id"])
    if number is None or number.account_id not in request[TOKEN].accounts:
        raise unknown_object(request.method, request.match_info["id"])
    return number


def template_of(request: web.Request) -> Template:
    """Return the template the path names. Raises GraphRefusalError."""
    template = world_of(request).templates.get(request.match_info["id"])
    if template is None or template.account_id not in request[TOKEN].accounts:
        raise unknown_object(request.method, request.match_info["id"])
    return template


async def body_of(request: web.Request) -> dict[str, object]:
    """Return the fields of a JSON or form body. Raises GraphRefusalError."""
    if request.content_type == "application/json":
        try:
            return await read_object(request)
        except MalformedBodyError as error:
            raise invalid_parameter("Invalid JSON", str(error)) from error
    return dict(await request.post())


def chosen(
    node: Mapping[str, object], query: Mapping[str, str], default: frozenset[str]
) -> dict[str, object]:
    """Return the fields that `?fields=` names and the id; without it those of `default`."""
    asked = query.get("fields")
    wanted = default if asked is None else frozenset(name.strip() for name in asked.split(","))
    return {name: value for name, value in node.items() if name in wanted or name == "id"}
