"""Control routes: what people and tests do behind the operator's back.

- `DELETE /_sandbox/numbers/{number}`: the number vanishes from its account
- `POST /_sandbox/numbers/{number} {"moHttpUrl": "...", "app_id": ""}`: somebody edits it in the dashboard
- `POST /_sandbox/numbers {"account": "...", "country": "LV", "msisdn": "371...", "app_id": "..."}`: one is owned
- `POST /_sandbox/applications {"account": "...", "name": "...", "capabilities": {...}}`: somebody makes one
- `DELETE /_sandbox/applications/{id}`: somebody deletes one
- `POST /_sandbox/inventory {"LV": {"mobile-lvn": {...} | null} | null}`: see `_edit_shelf`; null is not sold
- `POST /_sandbox/prices {"LV": {"mobile-lvn": "3.00" | null}}`
- `POST /_sandbox/reclaim {"days": 30}`: numbers that old vanish, as if nobody had used them
"""

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from controller.sandbox.fakes.number_shelf import Capabilities
from controller.sandbox.fakes.vonage import applications, numbers
from controller.sandbox.fakes.vonage.context import world_of
from controller.sandbox.fakes.vonage.inventory import NumberType, Shelf
from controller.sandbox.fakes.vonage.search import names_of
from controller.sandbox.fakes.vonage.state import OwnedNumber, World
from controller.sandbox.fakes.wire import MalformedBodyError, days_of, json_response, read_object

routes = web.RouteTableDef()


@routes.delete("/_sandbox/numbers/{number}")
async def vanish(request: web.Request) -> web.Response:
    world_of(request).remove(_number(request))
    return web.Response(status=204)


@routes.post("/_sandbox/numbers/{number}")
async def edit(request: web.Request) -> web.Response:
    number = _number(request)
    numbers.write(number, _texts(await read_object(request)), keeps_omitted=True)
    return json_response(numbers.describe(number))


@routes.post("/_sandbox/numbers")
async def own(request: web.Request) -> web.Response:
    world, body = world_of(request), _texts(await read_object(request))
    msisdn = body.get("msisdn", "")
    if not msisdn.isdecimal() or len(body.get("country", "")) != 2:  # noqa: PLR2004
        raise MalformedBodyError('A number needs "country" such as "LV" and "msisdn" such as "37120000001".')
    if msisdn in world.numbers:
        raise MalformedBodyError(f"{msisdn} is owned already, by {world.numbers[msisdn].account}.")
    number = numbers.new_number(world, _account(world, body.get("account")), body["country"], msisdn)
    numbers.write(number, body, keeps_omitted=True)
    world.numbers[msisdn] = number
    return json_response(numbers.describe(number), 201)


@routes.post("/_sandbox/applications")
async def make_application(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    if not body.get("name"):
        raise MalformedBodyError('An application needs a "name".')
    application = applications.add(world, _account(world, body.get("account")), body)
    return json_response(applications.describe(application), 201)


@routes.delete("/_sandbox/applications/{id}")
async def delete_application(request: web.Request) -> web.Response:
    world, wanted = world_of(request), request.match_info["id"]
    if wanted not in world.applications:
        raise LookupError(f"There is no application {wanted}.")
    applications.remove(world, world.applications[wanted])
    return web.Response(status=204)


@routes.post("/_sandbox/reclaim")
async def reclaim_idle(request: web.Request) -> web.Response:
    world = world_of(request)
    until = world.now() - days_of(await read_object(request))
    idle = [number for number in world.numbers.values() if number.bought <= until]
    for number in idle:
        world.remove(number)
    return json_response([number.msisdn for number in idle])


@routes.post("/_sandbox/inventory")
async def set_inventory(request: web.Request) -> web.Response:
    world = world_of(request)
    for country, kinds in (await read_object(request)).items():
        if kinds is None:
            world.inventory.pop(country, None)
            continue
        shelves = world.inventory.setdefault(country, {})
        for name, wanted in _object(kinds, country).items():
            kind = _kind(name)
            if wanted is None:
                shelves.pop(kind, None)
            else:
                shelves[kind] = _edit_shelf(shelves.get(kind), _object(wanted, f"{country}.{name}"))
    return json_response(describe_inventory(world))


@routes.post("/_sandbox/prices")
async def set_prices(request: web.Request) -> web.Response:
    world = world_of(request)
    for country, kinds in (await read_object(request)).items():
        for name, price in _object(kinds, country).items():
            shelf = world.inventory.get(country, {}).get(_kind(name))
            if shelf is None:
                raise LookupError(f"{country} sells no {name} numbers: POST /_sandbox/inventory first.")
            shelf.price = None if price is None else str(price)
    return json_response(describe_inventory(world))


def describe_inventory(world: World) -> dict[str, object]:
    return {
        country: {
            kind.value: {
                "prefix": shelf.prefix,
                "stock": shelf.stock,
                "price": shelf.price,
                "features": names_of(shelf.capabilities),
                "dashboard_only": shelf.dashboard_only,
            }
            for kind, shelf in shelves.items()
        }
        for country, shelves in world.inventory.items()
    }


def _edit_shelf(shelf: Shelf | None, wanted: Mapping[str, object]) -> Shelf:
    """Change only what is named.

    `candidates` (a list), `stock` (0: nothing for sale; null: no limit), `features` (a list), `dashboard_only`,
    `price`, `prefix` with `digits`.
    """
    present = shelf or Shelf("0", 9)
    listed, stock, features = wanted.get("candidates"), wanted.get("stock"), wanted.get("features")
    if shelf is None and not isinstance(listed, list) and "prefix" not in wanted:
        raise MalformedBodyError('A type that was not sold needs "candidates", or "prefix" with "digits".')
    if stock is not None and not isinstance(stock, int):
        raise MalformedBodyError('"stock" must be a number, or null for no limit.')
    price = wanted.get("price", present.price)
    return replace(
        present,
        prefix=str(wanted.get("prefix", present.prefix)),
        digits=int(str(wanted.get("digits", present.digits))),
        listed=tuple(str(number) for number in listed) if isinstance(listed, list) else present.listed,
        stock=stock if "stock" in wanted else present.stock,
        capabilities=(
            Capabilities("VOICE" in features, "SMS" in features, "MMS" in features)
            if isinstance(features, list)
            else present.capabilities
        ),
        dashboard_only=wanted.get("dashboard_only", present.dashboard_only) is True,
        price=None if price is None else str(price),
        first=0,
    )


def _number(request: web.Request) -> OwnedNumber:
    """Find a number by msisdn, with or without a plus."""
    wanted = request.match_info["number"].removeprefix("+")
    number = world_of(request).numbers.get(wanted)
    if number is None:
        raise LookupError(f"Nobody owns {wanted}.")
    return number


def _account(world: World, key: object) -> str:
    if str(key) not in world.accounts:
        raise LookupError(f"There is no account {key}; the accounts are {sorted(world.accounts)}.")
    return str(key)


def _kind(name: str) -> NumberType:
    try:
        return NumberType(name)
    except ValueError:
        raise MalformedBodyError(f"{name!r} is no number type; the types are {[*NumberType]}.") from None


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise MalformedBodyError(f'"{name}" must be an object.')
    return value


def _texts(body: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in body.items()}
