"""The business profile of a phone number."""

from collections.abc import Mapping

from aiohttp import web

from controller.providers.meta.vertical import Vertical
from controller.sandbox.fakes.graph.context import NODE, body_of, number_of
from controller.sandbox.fakes.graph.errors import refused_parameter
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_LONGEST = {"about": 139, "address": 256, "description": 512, "email": 128}
_LONGEST_WEBSITE = 256
_MOST_WEBSITES = 2
_VERTICALS = tuple(vertical.value for vertical in Vertical)
_PATH = NODE + "/whatsapp_business_profile"


@routes.get(_PATH)
async def fetch_profile(request: web.Request) -> web.Response:
    """Only what was asked for and ever set."""
    wanted = request.query.get("fields", "").split(",")
    shown = {name: value for name, value in number_of(request).profile.items() if name in wanted}
    return json_response({"data": [{**shown, "messaging_product": "whatsapp"}]})


@routes.post(_PATH)
async def update_profile(request: web.Request) -> web.Response:
    number, body = number_of(request), await body_of(request)
    if body.get("messaging_product") != "whatsapp":
        raise refused_parameter("The parameter messaging_product is required.")
    number.profile |= checked(body)
    return json_response({"success": True})


def checked(body: Mapping[str, object]) -> dict[str, object]:
    """Return the profile fields of a body; unknown ones are ignored. Raises GraphRefusalError."""
    written: dict[str, object] = {}
    for name, longest in _LONGEST.items():
        if name not in body:
            continue
        text = body[name]
        if not isinstance(text, str):
            raise refused_parameter(f"Param {name} must be a string.")
        if len(text) > longest:
            raise refused_parameter(f"Param {name} must be at most {longest} characters long.")
        written[name] = text
    if written.get("about") == "":
        raise refused_parameter("Param about must be at least 1 characters long.")
    if written.get("email") and "@" not in str(written["email"]):
        raise refused_parameter("Param email must be a valid email address.")
    if "websites" in body:
        written["websites"] = _websites(body["websites"])
    if "vertical" in body:
        if body["vertical"] not in _VERTICALS:
            choices = ", ".join(_VERTICALS)
            raise refused_parameter(
                f'Param vertical must be one of {{{choices}}} - got "{body["vertical"]}".'
            )
        written["vertical"] = body["vertical"]
    return written


def _websites(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > _MOST_WEBSITES:
        raise refused_parameter(f"Param websites must have at most {_MOST_WEBSITES} elements.")
    for website in value:
        if not isinstance(website, str) or not website.startswith(("http://", "https://")):
            raise refused_parameter("Param websites[0] should represent a valid URL.")
        if len(website) > _LONGEST_WEBSITE:
            raise refused_parameter(f"Param websites[0] must be at most {_LONGEST_WEBSITE} characters long.")
    # A bare host comes back with a slash behind it.
    return [website + "/" if website.count("/") == 2 else website for website in value]  # noqa: PLR2004
