"""Control routes: what people and tests do behind the operator's back.

- `DELETE /_sandbox/numbers/{number}`: the number vanishes from its account
- `POST /_sandbox/numbers/{number} {"VoiceUrl": "...", "TrunkSid": ""}`: somebody edits it in the Console
- `POST /_sandbox/numbers {"account": "AC...", "PhoneNumber": "+371...", "FriendlyName": "..."}`: one is owned
- `POST /_sandbox/inventory {"LV": {"mobile": {...} | null} | null}`: see `_edit_shelf`; null is not sold
- `POST /_sandbox/prices {"LV": {"mobile": "3.00" | null}}`
- `POST /_sandbox/accounts/{sid} {"type": "Trial", "status": "suspended", "api_keys": {"SK...": "secret"}}`
- `POST /_sandbox/bundles/{sid} {"account": "AC...", "status": "in-review"}`: one is made, or its review goes on
- `POST /_sandbox/lag {"seconds": 5}`: numbers younger than that are bought, but neither listed nor found
- `POST /_sandbox/errors {"shape": "problem"}`: errors come as RFC 9457 has them, or "classic" again
- `POST /_sandbox/reclaim {"days": 30}`: numbers that old with fewer than 3 calls of 12 s in that time vanish
- `POST /_sandbox/calls {"account": "AC...", "to": "+371...", "from": "+371...", "duration": 12}`
- `POST /_sandbox/messages {"to": "+371...", "from": "WhatsApp", "body": "..."}`: an owned number receives an SMS;
  with `"account": "AC..."` any number does
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aiohttp import web

from controller.sandbox.fakes.number_shelf import Capabilities
from controller.sandbox.fakes.twilio import bundles, calls, incoming_numbers, messages, purchase
from controller.sandbox.fakes.twilio.context import world_of
from controller.sandbox.fakes.twilio.errors import ErrorShape, TwilioError
from controller.sandbox.fakes.twilio.inventory import (
    AddressRequirement,
    Country,
    NumberType,
    Shelf,
)
from controller.sandbox.fakes.twilio.number_fields import apply_fields
from controller.sandbox.fakes.twilio.state import Account, BundleStatus, Call, Message, OwnedNumber, World
from controller.sandbox.fakes.wire import MalformedBodyError, days_of, json_response, read_object

routes = web.RouteTableDef()

_CALLS_OF_USE, _SECONDS_OF_USE = 3, 12
"""A month's calls, and their length, that keep a number from being reclaimed
(https://www.twilio.com/docs/phone-numbers/best-practices).
"""


@routes.delete("/_sandbox/numbers/{number}")
async def vanish(request: web.Request) -> web.Response:
    world_of(request).remove(_number(request))
    return web.Response(status=204)


@routes.post("/_sandbox/numbers/{number}")
async def edit(request: web.Request) -> web.Response:
    number = _number(request)
    _write(number, await read_object(request))
    number.updated = world_of(request).now()
    return json_response(incoming_numbers.describe(number))


@routes.post("/_sandbox/numbers")
async def own(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    account, wanted = _account(world, body.get("account")), body.get("PhoneNumber")
    if not isinstance(wanted, str) or not wanted.startswith("+"):
        raise MalformedBodyError('"PhoneNumber" must be an E.164 number such as "+37120000001".')
    if wanted in world.numbers:
        raise MalformedBodyError(f"{wanted} is owned already, by {world.numbers[wanted].account_sid}.")
    number = purchase.new_number(world, account.sid, wanted)
    _write(number, body)
    world.add(number)
    return json_response(incoming_numbers.describe(number), 201)


@routes.post("/_sandbox/inventory")
async def set_inventory(request: web.Request) -> web.Response:
    world = world_of(request)
    for code, kinds in (await read_object(request)).items():
        if kinds is None:
            world.inventory.pop(code, None)
            continue
        country = world.inventory.setdefault(code, Country(code, code, {}))
        for kind, wanted in _object(kinds, code).items():
            number_type = _kind(kind)
            if wanted is None:
                country.shelves.pop(number_type, None)
            else:
                country.shelves[number_type] = _edit_shelf(
                    country.shelves.get(number_type),
                    _object(wanted, f"{code}.{kind}"),
                )
    return json_response(describe_inventory(world))


@routes.post("/_sandbox/prices")
async def set_prices(request: web.Request) -> web.Response:
    world = world_of(request)
    for code, kinds in (await read_object(request)).items():
        if code not in world.inventory:
            raise LookupError(f"{code} is not in the inventory: POST /_sandbox/inventory first.")
        for kind, price in _object(kinds, code).items():
            shelf = world.inventory[code].shelves.get(_kind(kind))
            if shelf is None:
                raise LookupError(f"{code} sells no {kind} numbers: POST /_sandbox/inventory first.")
            shelf.price = None if price is None else str(price)
    return json_response(describe_inventory(world))


@routes.post("/_sandbox/accounts/{sid}")
async def edit_account(request: web.Request) -> web.Response:
    account, body = _account(world_of(request), request.match_info["sid"]), await read_object(request)
    account.kind = str(body.get("type", account.kind))
    account.status = str(body.get("status", account.status))
    account.owner_sid = str(body.get("owner_account_sid", account.owner_sid))
    keys = body.get("api_keys")
    if keys is not None:
        account.api_keys = {sid: str(secret) for sid, secret in _object(keys, "api_keys").items()}
    return json_response({"sid": account.sid, "type": account.kind, "status": account.status})


@routes.post("/_sandbox/bundles/{sid}")
async def review_bundle(request: web.Request) -> web.Response:
    world, sid, body = world_of(request), request.match_info["sid"], await read_object(request)
    if re.fullmatch(r"BU[0-9a-fA-F]{32}", sid) is None:
        raise MalformedBodyError(f"{sid!r} is no bundle's SID: BU and 32 hex digits.")
    present = world.bundles.get(sid)
    owner = _account(world, body.get("account", present.account_sid if present else None))
    try:
        status = BundleStatus(str(body.get("status")))
    except ValueError:
        raise MalformedBodyError(f'"status" must be one of {[*BundleStatus]}.') from None
    return json_response(bundles.describe(world.put_bundle(sid, owner.sid, status)))


@routes.post("/_sandbox/lag")
async def lag_behind(request: web.Request) -> web.Response:
    seconds = (await read_object(request)).get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        raise MalformedBodyError('The body must be {"seconds": <a number from 0>}.')
    world_of(request).lag = timedelta(seconds=seconds)
    return json_response({"seconds": seconds})


@routes.post("/_sandbox/errors")
async def shape_errors(request: web.Request) -> web.Response:
    shape = (await read_object(request)).get("shape")
    if shape not in list(ErrorShape):
        raise MalformedBodyError(f'"shape" must be one of {[*ErrorShape]}.')
    world_of(request).error_shape = ErrorShape(str(shape))
    return json_response({"shape": shape})


@routes.post("/_sandbox/reclaim")
async def reclaim_idle(request: web.Request) -> web.Response:
    world = world_of(request)
    since = world.now() - days_of(await read_object(request))
    used = Counter(
        number
        for recorded in world.calls.values()
        for call in recorded
        if call.started >= since and call.duration >= _SECONDS_OF_USE
        for number in (call.source, call.destination)
    )
    idle = [
        number
        for number in world.numbers.values()
        if number.created <= since and used[number.phone_number] < _CALLS_OF_USE
    ]
    for number in idle:
        world.remove(number)
    return json_response([number.phone_number for number in idle])


@routes.post("/_sandbox/calls")
async def record_call(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    account = _account(world, body.get("account"))
    source, destination, duration = body.get("from"), body.get("to"), body.get("duration", 0)
    if not isinstance(source, str) or not isinstance(destination, str) or not isinstance(duration, int):
        raise MalformedBodyError('The body must be {"account", "from", "to", "duration": <seconds>}.')
    started = body.get("start_time")
    owned = world.numbers.get(destination) or world.numbers.get(source)
    call = Call(
        sid=world.sid("CA"),
        account_sid=account.sid,
        source=source,
        destination=destination,
        direction=str(body.get("direction", "inbound")),
        status=str(body.get("status", "completed")),
        duration=duration,
        started=_moment(started) if isinstance(started, str) else world.now(),
        price=None if body.get("price") is None else str(body["price"]),
        phone_number_sid=owned.sid if owned is not None else None,
    )
    world.calls.setdefault(account.sid, []).append(call)
    return json_response(calls.describe(call), 201)


@routes.post("/_sandbox/messages")
async def receive_message(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    source, destination, text = body.get("from"), body.get("to"), body.get("body")
    if not isinstance(source, str) or not isinstance(destination, str) or not isinstance(text, str):
        raise MalformedBodyError('The body must be {"from", "to", "body": "<text>"}.')
    owned, sent = world.numbers.get(destination), body.get("date_sent")
    message = Message(
        sid=world.sid("SM"),
        account_sid=_account(world, body.get("account", owned.account_sid if owned else None)).sid,
        source=source,
        destination=destination,
        direction=str(body.get("direction", "inbound")),
        body=text,
        sent=_moment(sent) if isinstance(sent, str) else world.now(),
    )
    world.messages.setdefault(message.account_sid, []).append(message)
    return json_response(messages.describe(message), 201)


def describe_inventory(world: World) -> dict[str, object]:
    return {
        code: {
            kind.value: {
                "prefix": shelf.prefix,
                "stock": shelf.stock,
                "price": shelf.price,
                "address_requirements": shelf.address_requirements,
                "bundle_required": shelf.bundle_required,
            }
            for kind, shelf in country.shelves.items()
        }
        for code, country in world.inventory.items()
    }


def _edit_shelf(shelf: Shelf | None, wanted: Mapping[str, object]) -> Shelf:
    """Change only what is named.

    `candidates` (a list), `stock` (0: nothing for sale; null: no limit), `address_requirements`,
    `capabilities` ({voice, sms, mms}), `bundle_required`, `price`, `prefix` with `digits`.
    """
    present = shelf or Shelf("+0", 9)
    listed, stock, capabilities = wanted.get("candidates"), wanted.get("stock"), wanted.get("capabilities")
    if shelf is None and not isinstance(listed, list) and "prefix" not in wanted:
        raise MalformedBodyError('A type that was not sold needs "candidates", or "prefix" with "digits".')
    if stock is not None and not isinstance(stock, int):
        raise MalformedBodyError('"stock" must be a number, or null for no limit.')
    requirement = str(wanted.get("address_requirements", present.address_requirements))
    if requirement not in list(AddressRequirement):
        raise MalformedBodyError(f'"address_requirements" must be one of {[*AddressRequirement]}.')
    price = wanted.get("price", present.price)
    return replace(
        present,
        prefix=str(wanted.get("prefix", present.prefix)),
        digits=int(str(wanted.get("digits", present.digits))),
        listed=tuple(str(number) for number in listed) if isinstance(listed, list) else present.listed,
        stock=stock if "stock" in wanted else present.stock,
        address_requirements=AddressRequirement(requirement),
        bundle_required=wanted.get("bundle_required", present.bundle_required) is True,
        capabilities=(
            Capabilities(**{name: capabilities.get(name) is True for name in ("voice", "sms", "mms")})
            if isinstance(capabilities, dict)
            else present.capabilities
        ),
        price=None if price is None else str(price),
        first=0,
    )


def _write(number: OwnedNumber, body: Mapping[str, object]) -> None:
    try:
        apply_fields(number.fields, {name: str(value) for name, value in body.items()})
    except TwilioError as error:
        raise MalformedBodyError(error.message) from error


def _number(request: web.Request) -> OwnedNumber:
    """Find a number by E.164, with or without its +, or by SID."""
    world, wanted = world_of(request), request.match_info["number"]
    number = world.numbers.get(wanted) or world.numbers.get(f"+{wanted}") or world.by_sid.get(wanted)
    if number is None:
        raise LookupError(f"Nobody owns {wanted}.")
    return number


def _account(world: World, sid: object) -> Account:
    account = world.accounts.get(str(sid))
    if account is None:
        raise LookupError(f"There is no account {sid}; the accounts are {sorted(world.accounts)}.")
    return account


def _kind(name: str) -> NumberType:
    try:
        return NumberType(name)
    except ValueError:
        raise MalformedBodyError(f"{name!r} is no number type; the types are {[*NumberType]}.") from None


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise MalformedBodyError(f'"{name}" must be an object.')
    return value


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedBodyError(f"A time must be ISO 8601, not {text!r}.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
