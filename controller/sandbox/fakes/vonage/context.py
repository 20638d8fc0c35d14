"""What a handler needs from its request: the world, the account that signs it, its form or number."""

import base64
import binascii
import hmac
from urllib.parse import parse_qsl

from aiohttp import web

from controller.sandbox.fakes.vonage.errors import VonageError, method_failed
from controller.sandbox.fakes.vonage.state import OwnedNumber, World

WORLD = web.AppKey("WORLD", World)

_FORM = "application/x-www-form-urlencoded"


def world_of(request: web.Request) -> World:
    return request.app[WORLD]


def account_of(request: web.Request) -> str:
    """Return the API key of the account that signs the request by Basic authentication. Raises VonageError."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise VonageError(401) from None
    expected = world_of(request).accounts.get(key)
    if scheme.lower() != "basic" or expected is None:
        raise VonageError(401)
    if not hmac.compare_digest(expected.encode(), secret.encode()):
        raise VonageError(401)
    return key


async def form_of(request: web.Request) -> dict[str, str]:
    """Return the form. One that is labelled JSON is refused like one without fields (vonage-python-sdk#323)."""
    if request.content_type != _FORM:
        raise method_failed()
    form = dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
    if not form.get("country") or not form.get("msisdn"):
        raise method_failed("country and msisdn are required")
    return form


def number_of(request: web.Request, form: dict[str, str]) -> OwnedNumber:
    """Return the number the form names, if this account owns it in that country. Raises VonageError."""
    number = world_of(request).numbers.get(form["msisdn"])
    if number is None or number.account != account_of(request) or number.country != form["country"]:
        raise method_failed()
    return number


def whole_number(query: str | None, default: int, largest: int | None = None) -> int:
    """Read a page number or size, from 1. Raises VonageError."""
    if query is None:
        return default
    if not query.isdecimal() or int(query) < 1:
        raise VonageError(400, f"{query!r} is not a number from 1")
    return int(query) if largest is None else min(int(query), largest)
