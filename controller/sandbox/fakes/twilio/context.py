"""What a handler needs from its request."""

from aiohttp import web

from controller.sandbox.fakes.twilio.errors import not_found
from controller.sandbox.fakes.twilio.state import Account, OwnedNumber, World

WORLD = web.AppKey("WORLD", World)

API_VERSION = "2010-04-01"


def world_of(request: web.Request) -> World:
    return request.app[WORLD]


def account_of(request: web.Request) -> Account:
    """Return the account the path names; authentication has made sure that it exists."""
    return world_of(request).accounts[request.match_info["account"]]


def number_of(request: web.Request) -> OwnedNumber:
    """Return the number the path names, if this account owns it. Raises TwilioError."""
    world = world_of(request)
    number = world.by_sid.get(request.match_info["sid"])
    if number is None or number.account_sid != request.match_info["account"] or not world.shows(number):
        raise not_found(request.path)
    return number


def account_uri(account_sid: str) -> str:
    return f"/{API_VERSION}/Accounts/{account_sid}"


async def form_of(request: web.Request) -> dict[str, str]:
    """Return the form's text fields."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def flag(text: str | None) -> bool | None:
    """Read a query's boolean; None when it is absent or unreadable."""
    return {"true": True, "false": False}.get((text or "").lower())
