"""`GET /number/search`: numbers for sale."""

from collections.abc import Iterator, Mapping
from itertools import islice

from aiohttp import web

from controller.sandbox.fakes.number_shelf import Capabilities
from controller.sandbox.fakes.vonage.context import whole_number, world_of
from controller.sandbox.fakes.vonage.errors import method_failed
from controller.sandbox.fakes.vonage.inventory import NumberType, Shelf
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_SCANNED = 20_000
"""How many candidates of a type a search looks at."""


@routes.get("/number/search")
async def search(request: web.Request) -> web.Response:
    world, query = world_of(request), request.query
    if len(query.get("country", "")) != 2:  # noqa: PLR2004
        raise method_failed("country must be a two-letter code")
    shelves = world.inventory.get(query["country"], {})
    wanted = [NumberType(query["type"])] if query.get("type") in list(NumberType) else list(NumberType)
    size = whole_number(query.get("size"), 10, 100)
    start = (whole_number(query.get("index"), 1) - 1) * size
    total, found = 0, []
    for kind in wanted:
        shelf = shelves.get(kind)
        if shelf is None or not features(query.get("features")) <= set(names_of(shelf.capabilities)):
            continue
        matching = list(islice(_matching(shelf, world.taken(), query), start + size))
        exhausted = len(matching) < start + size
        total += len(matching) if exhausted or shelf.stock is not None else shelf.size
        found += [_describe(query["country"], kind, shelf, number) for number in matching]
    if not total:
        return json_response({})
    return json_response({"count": total, "numbers": found[start : start + size]})


def names_of(capabilities: Capabilities) -> list[str]:
    able = {"VOICE": capabilities.voice, "SMS": capabilities.sms, "MMS": capabilities.mms}
    return [name for name, has in able.items() if has]


def features(text: str | None) -> set[str]:
    return {name for name in (text or "").split(",") if name}


def fits(msisdn: str, query: Mapping[str, str]) -> bool:
    """Whether a number matches `pattern`, by `search_pattern`: 0 begins with it, 1 contains it, 2 ends with it."""
    pattern = query.get("pattern", "")
    match query.get("search_pattern", "0"):
        case "0":
            return msisdn.startswith(pattern)
        case "1":
            return pattern in msisdn
        case "2":
            return msisdn.endswith(pattern)
        case other:
            raise method_failed(f"search_pattern must be 0, 1 or 2, not {other!r}")


def _matching(shelf: Shelf, taken: Mapping[str, object], query: Mapping[str, str]) -> Iterator[str]:
    if shelf.stock == 0:
        return
    candidates = islice(shelf.candidates(taken), _SCANNED)
    yield from islice((one for one in candidates if fits(one, query)), shelf.stock)


def _describe(country: str, kind: NumberType, shelf: Shelf, msisdn: str) -> dict[str, object]:
    described: dict[str, object] = {
        "country": country,
        "msisdn": msisdn,
        "type": kind,
        "features": names_of(shelf.capabilities),
    }
    return described if shelf.price is None else {**described, "cost": shelf.price}
