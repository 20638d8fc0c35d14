"""LIST: pages that are consistent with the revision they name."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson

from . import errors, field_errors, requests
from .rendering import Renderer
from .selection import Selection
from .store import Collection, HistoryExpiredError, Key, Record, Store

CONTINUE_EXPIRED: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without"
    " the continue parameter."
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next page of a list begins: behind a key, at a revision."""

    revision: int
    after: Key

    def token(self) -> str:
        content = {"v": "meta.k8s.io/v1", "rv": self.revision, "start": "\0".join(self.after)}
        return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> Self:
        """Read a continue token.

        Raises:
            ApiError: 400 when it is none of ours.

        """
        try:
            content = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            namespace, name = content["start"].split("\0")
            return cls(int(content["rv"]), (namespace, name))
        except (binascii.Error, ValueError, KeyError, TypeError):
            text = "invalid continue token: continue key is not valid: the token was not made by this server"
            raise errors.bad_request(text) from None


_VERSION_MATCHES: Final = ("Exact", "NotOlderThan", "")


def _check_list_options(query: Mapping[str, str]) -> str:
    """The wanted `resourceVersionMatch`.

    Raises:
        ApiError: 422 for options that do not go with a list.

    """
    match_ = query.get("resourceVersionMatch", "")
    if "sendInitialEvents" in query:
        raise list_options_error("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if match_ not in _VERSION_MATCHES:
        problem = field_errors.not_supported("resourceVersionMatch", match_, list(_VERSION_MATCHES))
        raise errors.invalid("meta.k8s.io", "ListOptions", "", [problem])
    if match_ and not query.get("resourceVersion"):
        raise list_options_error(
            "resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"
        )
    return match_


def list_options_error(field: str, why: str) -> errors.ApiError:
    return errors.invalid("meta.k8s.io", "ListOptions", "", [field_errors.forbidden(field, why)])


def list_objects(
    store: Store, collection: Collection, selection: Selection, renderer: Renderer, query: Mapping[str, str]
) -> bytearray:
    """One page of a list (all of it without `limit`), consistent with the revision it names.

    Raises:
        ApiError: 400 for parameters that do not fit together, 410 for a revision that is no longer known.

    """
    limit = requests.integer(query, "limit")
    revision = requests.resource_version(query)
    match_ = _check_list_options(query)
    position: Position | None = None
    if token := query.get("continue", ""):
        if revision:
            raise errors.bad_request("specifying resource version is not allowed when using continue")
        position = Position.parse(token)
        at = position.revision
    else:
        at = store.revision
        if match_ == "Exact" and revision:
            at = revision
        if revision is not None and revision > store.revision:
            raise errors.too_large_resource_version(revision, store.revision)
    records, last, remaining = _page(collection, selection, at, position, limit, store.revision)
    # Lists of custom kinds always name the field.
    metadata: dict[str, Any] = {"continue": ""} if renderer.is_custom else {}
    metadata["resourceVersion"] = str(at)
    if remaining and last is not None:
        metadata["continue"] = Position(at, last).token()
        if not selection.filters():
            metadata["remainingItemCount"] = remaining
    return renderer.list(records, metadata)


def _page(
    collection: Collection, selection: Selection, at: int, position: Position | None, limit: int, current: int
) -> tuple[list[Record], Key | None, int]:
    """The records of a page, the key of the last and how many follow it."""
    try:
        changed = collection.at(at) if at != current else {}
    except HistoryExpiredError as error:
        raise errors.expired(CONTINUE_EXPIRED if position is not None else str(error)) from None
    after = position.after if position is not None else None
    keys: Any = collection.scan(selection.namespace, after)
    if changed:
        gone = (key for key in changed if key not in collection.objects)
        later = [key for key in gone if after is None or key > after]
        keys = sorted({*keys, *later})
    records: list[Record] = []
    last: Key | None = None
    remaining = 0
    for key in keys:
        record = changed[key] if key in changed else collection.objects[key]
        if record is None or not selection.matches(key, record):
            continue
        if limit and len(records) == limit:
            remaining += 1
            if selection.filters():
                break
            continue
        records.append(record)
        last = key
    return records, last, remaining
