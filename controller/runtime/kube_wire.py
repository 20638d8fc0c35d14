"""How lists, watches and errors of the Kubernetes API look on the wire."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import aiohttp
import orjson

from controller.runtime.kube_connection import Answer, Request
from controller.runtime.kube_errors import ApiUnavailable, error_from_status, parse_status
from controller.runtime.kube_resources import Resource

JsonObject: TypeAlias = dict[str, Any]

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
METADATA_OF_OBJECT: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_OF_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a list, or a page of them, of one moment; a watch goes on from `resource_version`."""

    items: tuple[JsonObject, ...]
    resource_version: str


class WatchEventType(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change. A bookmark tells only how far the watch has come; its `body` is metadata at most."""

    type: WatchEventType
    body: JsonObject
    resource_version: str


def request_for(
    verb: str,
    method: str,
    resource: Resource,
    name: str | None,
    namespace: str | None,
    *,
    subresource: str | None = None,
    query: Mapping[str, str] | None = None,
    body: object | None = None,
    content_type: str = JSON,
    accept: str = JSON,
) -> Request:
    """A request about one object, or about a collection when `name` is None."""
    return Request(
        verb=verb,
        resource=f"{resource.plural}/{subresource}" if subresource else resource.plural,
        subject="/".join(part for part in (namespace, name) if part),
        method=method,
        path=resource.path(name, namespace, subresource),
        query=query or {},
        body=body,
        content_type=content_type,
        accept=accept,
    )


def is_missing_object(answer: Answer) -> bool:
    """Whether the object is absent. An unknown group, version or plural gets a bare page, not a Status."""
    return answer.status == HTTPStatus.NOT_FOUND and parse_status(answer.body).get("reason") == "NotFound"


def object_in(answer: Answer, request: Request, resource: Resource) -> JsonObject:
    """The object of a successful answer; raises the error that any other stands for."""
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise error_from_status(
            str(request),
            answer.status,
            parse_status(answer.body),
            retry_after=answer.retry_after,
            quiet=resource.may_hold_secrets,
        )
    try:
        parsed: JsonObject = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise ApiUnavailable(f"{request}: the answer is not JSON.", outcome_unknown=True) from error
    return parsed


async def lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes]:
    """Lines of a stream, of any length: a single object may be larger than aiohttp's line limit."""
    rest: list[bytes] = []
    async for chunk in content.iter_any():
        *complete, tail = chunk.split(b"\n")
        for line in complete:
            yield b"".join((*rest, line))
            rest.clear()
        if tail:
            rest.append(tail)


def watch_event_in(line: bytes, request: Request, resource: Resource) -> WatchEvent:
    """The event in a line of a watch; raises the error that an ERROR event stands for."""
    try:
        parsed = orjson.loads(line)
        body = parsed["object"]
        if parsed["type"] != "ERROR":
            return WatchEvent(WatchEventType(parsed["type"]), body, body["metadata"]["resourceVersion"])
        status = int(body.get("code") or HTTPStatus.INTERNAL_SERVER_ERROR)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ApiUnavailable(f"{request}: the watch was cut off inside an event.") from error
    raise error_from_status(str(request), status, body, quiet=resource.may_hold_secrets)


def is_newer(version: str, held: str) -> bool:
    """Whether a resourceVersion comes after the one held: comparable numbers in the API server (guaranteed since
    1.35); others are always taken.
    """
    if version.isdecimal() and held.isdecimal():
        return int(version) > int(held)
    return version != held
