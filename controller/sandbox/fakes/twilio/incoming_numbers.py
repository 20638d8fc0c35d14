"""IncomingPhoneNumbers: the numbers an account owns."""

import re

from aiohttp import web

from controller.sandbox.fakes.twilio import purchase
from controller.sandbox.fakes.twilio.available_numbers import contains
from controller.sandbox.fakes.twilio.context import (
    API_VERSION,
    account_of,
    account_uri,
    form_of,
    number_of,
    world_of,
)
from controller.sandbox.fakes.twilio.number_fields import apply_fields
from controller.sandbox.fakes.twilio.pages import page_of
from controller.sandbox.fakes.twilio.state import OwnedNumber, World, rfc2822
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_WHOLE_NUMBER = re.compile(r"\+\d{9,15}")


@routes.get("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json")
async def list_numbers(request: web.Request) -> web.Response:
    world, query = world_of(request), request.query
    numbers = _matching(world, account_of(request).sid, query.get("PhoneNumber", ""))
    if "FriendlyName" in query:
        numbers = [number for number in numbers if number.fields["friendly_name"] == query["FriendlyName"]]
    return json_response(
        page_of(
            numbers,
            name="incoming_phone_numbers",
            path=request.path,
            query=query,
            describe=describe,
            token_of=lambda number: number.sid,
            is_after=lambda number, sid: number.position < world.positions.get(sid, 0),
        ),
    )


@routes.post("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json")
async def buy_number(request: web.Request) -> web.Response:
    number = purchase.buy(world_of(request), account_of(request), await form_of(request))
    return json_response(describe(number), 201)


@routes.get("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json")
async def fetch_number(request: web.Request) -> web.Response:
    return json_response(describe(number_of(request)))


@routes.post("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json")
async def update_number(request: web.Request) -> web.Response:
    number = number_of(request)
    apply_fields(number.fields, await form_of(request))
    number.updated = world_of(request).now()
    return json_response(describe(number))


@routes.delete("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json")
async def release_number(request: web.Request) -> web.Response:
    world_of(request).remove(number_of(request))
    return web.Response(status=204)


def describe(number: OwnedNumber) -> dict[str, object]:
    return {
        "account_sid": number.account_sid,
        "address_requirements": number.address_requirements,
        "api_version": API_VERSION,
        "beta": False,
        "capabilities": {
            "voice": number.capabilities.voice,
            "sms": number.capabilities.sms,
            "mms": number.capabilities.mms,
            "fax": False,
        },
        "date_created": rfc2822(number.created),
        "date_updated": rfc2822(number.updated),
        "emergency_address_status": "unregistered",
        "origin": "twilio",
        "phone_number": number.phone_number,
        "sid": number.sid,
        "status": "in-use",
        "type": number.kind.pricing_name,
        "uri": f"{account_uri(number.account_sid)}/IncomingPhoneNumbers/{number.sid}.json",
        **number.fields,
    }


def _matching(world: World, account_sid: str, pattern: str) -> list[OwnedNumber]:
    if _WHOLE_NUMBER.fullmatch(pattern):
        # The question asked before every purchase: answered without walking 10,000 numbers.
        number = world.numbers.get(pattern)
        mine = number is not None and number.account_sid == account_sid and world.shows(number)
        return [number] if number is not None and mine else []
    owned = [number for number in world.owned_by(account_sid) if world.shows(number)]
    if not pattern:
        return owned
    expression = contains(pattern)
    return [number for number in owned if expression.search(number.phone_number)]
