"""JSON in and out of a fake, as plain Python values."""

from collections.abc import Mapping
from datetime import timedelta

import orjson
from aiohttp import web


class MalformedBodyError(ValueError):
    """The request's body is not the JSON it should be."""


def json_response(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


async def read_json(request: web.Request) -> object:
    """Return the decoded body; an empty body is None. Raises MalformedBodyError."""
    raw = await request.read()
    if not raw:
        return None
    try:
        decoded: object = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError(str(error)) from error
    return decoded


async def read_object(request: web.Request) -> dict[str, object]:
    """Return the decoded body, `{}` when there is none. Raises MalformedBodyError when it is no object."""
    decoded = await read_json(request)
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise MalformedBodyError("The body must be a JSON object.")
    return decoded


def days_of(body: Mapping[str, object]) -> timedelta:
    """Read `{"days": 30}`; left out: 30. Raises MalformedBodyError."""
    days = body.get("days", 30)
    if not isinstance(days, int | float) or isinstance(days, bool) or days < 0:
        raise MalformedBodyError(f'"days" must be a number from 0, not {days!r}.')
    return timedelta(days=days)
