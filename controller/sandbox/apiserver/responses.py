"""HTTP answers."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import yaml
from aiohttp import web

from . import errors


def json_response(
    document: Mapping[str, Any], *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    return raw_response(orjson.dumps(document), status=status, headers=headers)


def raw_response(
    body: bytes | bytearray,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
    as_yaml: bool = False,
) -> web.Response:
    """An answer whose body is JSON already; `warnings` are what kubectl prints as warnings."""
    content_type = "application/json"
    if as_yaml:
        body, content_type = yaml.safe_dump(orjson.loads(body)).encode(), "application/yaml"
    response = web.Response(
        body=body, status=status, headers={"Content-Type": content_type, **(headers or {})}
    )
    for text in dict.fromkeys(warnings):
        response.headers.add("Warning", f"299 - {errors.quoted(text)}")
    return response


def refusal(error: errors.ApiError) -> web.Response:
    headers = {"Retry-After": "1"} if error.code == HTTPStatus.GATEWAY_TIMEOUT else None
    return json_response(error.body(), status=error.code, headers=headers)


def not_found_page() -> web.Response:
    """What stands where nothing is served."""
    return web.Response(
        body=b"404 page not found\n",
        status=HTTPStatus.NOT_FOUND,
        headers={"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"},
    )
