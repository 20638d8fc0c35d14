"""AvailablePhoneNumbers: which types a country sells, and which numbers are for sale."""

import re
from collections.abc import Iterable, Mapping

from aiohttp import web

from controller.sandbox.fakes.twilio.context import account_of, account_uri, flag, world_of
from controller.sandbox.fakes.twilio.errors import not_found, refused
from controller.sandbox.fakes.twilio.inventory import AddressRequirement, Country, NumberType, Shelf
from controller.sandbox.fakes.twilio.pages import page_size
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_KIND_BY_PATH = {kind.path_name: kind for kind in NumberType}
_SCANNED = 20_000
"""How many candidates a `Contains` search looks at."""


@routes.get("/2010-04-01/Accounts/{account}/AvailablePhoneNumbers.json")
async def list_countries(request: web.Request) -> web.Response:
    account = account_of(request).sid
    countries = [_country(account, country) for country in world_of(request).inventory.values()]
    return json_response({"countries": countries, "uri": request.path})


@routes.get("/2010-04-01/Accounts/{account}/AvailablePhoneNumbers/{country}.json")
async def fetch_country(request: web.Request) -> web.Response:
    country = world_of(request).inventory.get(request.match_info["country"].upper())
    if country is None:
        raise not_found(request.path)
    return json_response(_country(account_of(request).sid, country))


@routes.get("/2010-04-01/Accounts/{account}/AvailablePhoneNumbers/{country}/{type}.json")
async def search(request: web.Request) -> web.Response:
    world = world_of(request)
    country = world.inventory.get(request.match_info["country"].upper())
    kind = _KIND_BY_PATH.get(request.match_info["type"])
    shelf = country.shelves.get(kind) if country is not None and kind is not None else None
    if country is None or shelf is None:
        raise not_found(request.path)
    size = page_size(request.query)
    limit = size if shelf.stock is None else min(size, shelf.stock)
    found = _select(shelf, shelf.candidates(world.taken()), request.query, limit)
    return json_response(
        {
            "available_phone_numbers": [_candidate(country, shelf, number) for number in found],
            "uri": request.path,
        },
    )


def contains(pattern: str) -> re.Pattern[str]:
    """Compile a number pattern: `*` is any one digit; with a leading + it must match from the beginning.

    Raises TwilioError when it holds anything but digits, letters, + and *.
    """
    if re.fullmatch(r"\+?[0-9A-Za-z*]+", pattern) is None:
        raise refused(21451, f"The pattern {pattern!r} is not valid: use digits and * only")
    keypad = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
    digits = pattern.lower().translate(keypad)
    expression = "".join(r"\d" if sign == "*" else re.escape(sign) for sign in digits)
    return re.compile(("^" if pattern.startswith("+") else "") + expression)


def _select(shelf: Shelf, candidates: Iterable[str], query: Mapping[str, str], limit: int) -> list[str]:
    if limit == 0 or not _shelf_matches(shelf, query):
        return []
    pattern = contains(query["Contains"]) if query.get("Contains") else None
    area = query.get("AreaCode")
    found: list[str] = []
    for scanned, number in enumerate(candidates):
        if scanned == _SCANNED or len(found) == limit:
            break
        if pattern is not None and pattern.search(number) is None:
            continue
        if area and not number.startswith(f"+1{area}"):
            continue
        found.append(number)
    return found


def _shelf_matches(shelf: Shelf, query: Mapping[str, str]) -> bool:
    has = {
        "SmsEnabled": shelf.capabilities.sms,
        "MmsEnabled": shelf.capabilities.mms,
        "VoiceEnabled": shelf.capabilities.voice,
        "FaxEnabled": False,
    }
    if any(flag(query.get(name)) not in (None, value) for name, value in has.items()):
        return False
    excluded = {
        "ExcludeAllAddressRequired": shelf.address_requirements is not AddressRequirement.NONE,
        "ExcludeLocalAddressRequired": shelf.address_requirements is AddressRequirement.LOCAL,
        "ExcludeForeignAddressRequired": shelf.address_requirements is AddressRequirement.FOREIGN,
    }
    return not any(value and flag(query.get(name)) for name, value in excluded.items())


def _country(account_sid: str, country: Country) -> dict[str, object]:
    uri = f"{account_uri(account_sid)}/AvailablePhoneNumbers/{country.code}"
    return {
        "beta": False,
        "country": country.name,
        "country_code": country.code,
        "subresource_uris": {kind.value: f"{uri}/{kind.path_name}.json" for kind in country.shelves},
        "uri": f"{uri}.json",
    }


def _candidate(country: Country, shelf: Shelf, number: str) -> dict[str, object]:
    return {
        "address_requirements": shelf.address_requirements,
        "beta": False,
        # Mixed case here, lower case on an owned number: as seen in captures of the live API.
        "capabilities": {
            "voice": shelf.capabilities.voice,
            "SMS": shelf.capabilities.sms,
            "MMS": shelf.capabilities.mms,
        },
        "friendly_name": friendly(number),
        "iso_country": country.code,
        "lata": None,
        "latitude": None,
        "locality": None,
        "longitude": None,
        "phone_number": number,
        "postal_code": None,
        "rate_center": None,
        "region": None,
    }


def friendly(number: str) -> str:
    """Return the name a number has until somebody gives it one."""
    if re.fullmatch(r"\+1\d{10}", number):
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number
