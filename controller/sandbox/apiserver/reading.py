"""GET and LIST: selection, paging, and the three forms an answer can have."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from . import errors, requests, selectors
from .requests import Form, Wanted
from .resources import Resource, Version
from .selectors import FieldTerm, LabelSelector
from .store import Collection, HistoryExpiredError, Key, Record, Store
from .table import TableRenderer

CONTINUE_EXPIRED: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without"
    " the continue parameter."
)


class Selection:
    """Which objects a list or watch is about, by label and field selectors."""

    def __init__(self, resource: Resource, version: Version, query: Mapping[str, str], key: Key) -> None:
        """Read the selectors of a request; `key` may name a namespace or a single object.

        Raises:
            ApiError: 400 for selectors that cannot be parsed or fields that cannot be selected by.
        """
        self.namespace, self._name = key
        self._labels = LabelSelector(query.get("labelSelector", ""))
        self._fields: list[FieldTerm] = []
        allowed = selectable_fields(resource, version)
        for term in selectors.parse_field_selector(query.get("fieldSelector", "")):
            if term.field == "metadata.name" and not term.negated:
                if self._name and self._name != term.value:
                    raise errors.bad_request("both a name and a field selector for another name were given")
                self._name = term.value
            elif term.field in allowed:
                self._fields.append(term)
            else:
                raise errors.bad_request(f"field label not supported: {term.field}")

    @property
    def is_everything(self) -> bool:
        return not (self.namespace or self._name or self._labels or self._fields)

    def matches(self, key: Key, record: Record) -> bool:
        if self.namespace and key[0] != self.namespace:
            return False
        if self._name and key[1] != self._name:
            return False
        if self._labels and not self._labels.matches(record.labels):
            return False
        if not self._fields:
            return True
        body = record.parse()
        return all((_field(body, term.field) == term.value) is not term.negated for term in self._fields)

    def filters(self) -> bool:
        """Whether more than the namespace decides."""
        return bool(self._name or self._labels or self._fields)


_FIELDS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("", "secrets"): frozenset({"type"}),
    ("", "namespaces"): frozenset({"status.phase", "name"}),
    ("", "pods"): frozenset(
        {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase"}
    ),
    ("", "events"): frozenset(
        {
            *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")),
            "reason",
            "reportingComponent",
            "source",
            "type",
        }
    ),
    ("events.k8s.io", "events"): frozenset(
        {
            *(f"regarding.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")),
            "reason",
            "reportingController",
            "type",
        }
    ),
}


def selectable_fields(resource: Resource, version: Version) -> frozenset[str]:
    common = {"metadata.name", "metadata.namespace"} if resource.namespaced else {"metadata.name"}
    own = _FIELDS.get((resource.group, resource.plural), frozenset())
    return own | common | frozenset(path.removeprefix(".") for path in version.selectable_fields)


_STORED_NAMES: Final = {
    "source": "source.component",
    "reportingController": "reportingComponent",
    "name": "metadata.name",
}


def _field(body: Any, path: str) -> str:
    if path.startswith("regarding."):
        path = "involvedObject." + path.removeprefix("regarding.")
    value = body
    for part in _STORED_NAMES.get(path, path).split("."):
        value = value.get(part) if isinstance(value, dict) else None
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


class Renderer:
    """Turns records into what a client asked for."""

    def __init__(
        self,
        resource: Resource,
        version: Version,
        wanted: Wanted,
        table: TableRenderer,
    ) -> None:
        self._resource = resource
        self.wanted = wanted
        self._table = table
        self._convert = resource.from_storage
        head = {"apiVersion": resource.api_version(version.name), "kind": resource.kind}
        self._prefix = orjson.dumps(head)[:-1] + b","
        self.api_version = head["apiVersion"]

    def item(self, record: Record) -> bytes:
        """One object in the form wanted, as a list of one row for a Table."""
        match self.wanted.form:
            case Form.TABLE:
                return self._table.table([self._parsed(record)], str(record.revision))
            case Form.METADATA | Form.METADATA_LIST:
                return orjson.dumps(self._metadata_of(record))
        return self._object(record)

    def watch_item(self, record: Record, *, first: bool) -> bytes:
        """As `item`; the column definitions come with a watch's first row only."""
        if self.wanted.form is Form.TABLE:
            return self._table.table([self._parsed(record)], str(record.revision), with_columns=first)
        return self.item(record)

    def bookmark(self, revision: int, annotations: Mapping[str, str]) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = dict(annotations)
        match self.wanted.form:
            case Form.TABLE:
                return self._table.table([], str(revision), with_columns=False)
            case Form.METADATA | Form.METADATA_LIST:
                head = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{self.wanted.version}"}
            case _:
                head = {"kind": self._resource.kind, "apiVersion": self.api_version}
        return orjson.dumps({**head, "metadata": {**metadata, "creationTimestamp": None}})

    def list(self, records: list[Record], metadata: dict[str, Any]) -> bytes:
        match self.wanted.form:
            case Form.TABLE:
                rows = map(self._parsed, records)
                return self._table.table(list(rows), metadata["resourceVersion"], list_metadata=metadata)
            case Form.METADATA | Form.METADATA_LIST:
                head = {
                    "kind": "PartialObjectMetadataList",
                    "apiVersion": f"meta.k8s.io/{self.wanted.version}",
                    "metadata": metadata,
                }
                items = b",".join(orjson.dumps(self._metadata_of(record)) for record in records)
            case _:
                head = {"kind": self._resource.list_kind, "apiVersion": self.api_version, "metadata": metadata}
                items = b",".join(self._list_items(records))
        return orjson.dumps(head)[:-1] + b',"items":[' + items + b"]}"

    def _list_items(self, records: list[Record]) -> Iterator[bytes]:
        # Items of built-in kinds come without apiVersion and kind, as the real server's typed lists have them.
        for record in records:
            if self._convert is not None:
                yield orjson.dumps(self._convert(record.parse()))
            else:
                yield self._object(record) if self._resource.is_custom else record.body

    def _object(self, record: Record) -> bytes:
        if self._convert is not None:
            return self._prefix + orjson.dumps(self._convert(record.parse()))[1:]
        return self._prefix + record.body[1:]

    def _parsed(self, record: Record) -> dict[str, Any]:
        body = record.parse()
        if self._convert is not None:
            body = self._convert(body)
        return {"apiVersion": self.api_version, "kind": self._resource.kind, **body}

    def _metadata_of(self, record: Record) -> dict[str, Any]:
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": f"meta.k8s.io/{self.wanted.version}",
            "metadata": record.parse()["metadata"],
        }


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next page of a list begins: behind a key, at a revision."""

    revision: int
    after: Key

    def token(self) -> str:
        content = {"v": "meta.k8s.io/v1", "rv": self.revision, "start": "\0".join(self.after)}
        return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> Position:
        """Read a continue token.

        Raises:
            ApiError: 400 when it is none of ours.
        """
        try:
            content = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            namespace, name = content["start"].split("\0")
            return cls(int(content["rv"]), (namespace, name))
        except (binascii.Error, ValueError, KeyError, TypeError):
            raise errors.bad_request("continue key is not valid: the token was not made by this server") from None


def list_objects(
    store: Store, collection: Collection, selection: Selection, renderer: Renderer, query: Mapping[str, str]
) -> bytes:
    """One page of a list (all of it without `limit`), consistent with the revision it names.

    Raises:
        ApiError: 400 for parameters that do not fit together, 410 for a revision that is no longer known.
    """
    limit = requests.integer(query, "limit")
    revision = requests.resource_version(query)
    match_ = query.get("resourceVersionMatch", "")
    position: Position | None = None
    if token := query.get("continue", ""):
        if revision:
            raise errors.bad_request(
                'specifying resource version is not allowed when using continue'
            )
        position = Position.parse(token)
        at = position.revision
    else:
        at = store.revision
        if match_ == "Exact" and revision:
            at = revision
        if revision is not None and revision > store.revision:
            raise errors.too_large_resource_version(revision, store.revision)
    records, last, remaining = _page(collection, selection, at, position, limit, store.revision)
    metadata: dict[str, Any] = {"resourceVersion": str(at)}
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
