"""`meta.k8s.io` Tables: what `kubectl get` prints."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from .age import age
from .json_path import compile_path
from .resources import Column

NAME_DESCRIPTION: Final = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a"
    " client to request the generation of an appropriate name automatically. Name is primarily intended for creation"
    " idempotence and configuration definition. Cannot be updated. More info:"
    " https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
AGE_DESCRIPTION: Final = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed"
    " to be set in happens-before order across separate operations. Clients may not set this value. It is represented"
    " in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info:"
    " https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
NAME: Final = Column("Name", "string", ".metadata.name", NAME_DESCRIPTION, "name")
AGE: Final = Column("Age", "date", ".metadata.creationTimestamp", AGE_DESCRIPTION)


class TableRenderer:
    """Tables of one kind."""

    def __init__(
        self, columns: Sequence[Column], now: Callable[[], datetime], version: str, include_object: str
    ) -> None:
        """`include_object` is None, Metadata (the usual) or Object: what comes along with each row."""
        self._columns = [*columns] if any(column.format == "name" for column in columns) else [NAME, *columns]
        self._now = now
        self._version = version
        self._include_object = include_object or "Metadata"

    def table(
        self, objects: Sequence[Mapping[str, Any]], revision: str, *, with_columns: bool = True
    ) -> bytes:
        """A table of few objects: one, or (a bookmark) none."""
        return bytes(self.table_of(objects, {"resourceVersion": revision}, with_columns=with_columns))

    def table_of(
        self, objects: Iterable[Mapping[str, Any]], metadata: Mapping[str, Any], *, with_columns: bool = True
    ) -> bytearray:
        """A table of any number of objects, with the metadata of a list."""
        now = self._now()
        head = {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{self._version}",
            "metadata": {name: value for name, value in metadata.items() if value != ""},
            "columnDefinitions": [_definition(column) for column in self._columns] if with_columns else None,
        }
        buffer = bytearray(orjson.dumps(head)[:-1])
        buffer += b',"rows":['
        separator = b""
        for item in objects:
            buffer += separator
            buffer += orjson.dumps(self._row(item, now))
            separator = b","
        buffer += b"]}"
        return buffer

    def _row(self, item: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        row: dict[str, Any] = {"cells": [cell(column, item, now) for column in self._columns]}
        match self._include_object:
            case "Object":
                row["object"] = item
            case "Metadata":
                row["object"] = {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": f"meta.k8s.io/{self._version}",
                    "metadata": item["metadata"],
                }
            case _:
                row["object"] = None
        return row


# Columns of built-in kinds are rendered by the server, and announced as text.
_SHOWN_TYPES: Final = {"age": "string", "date-time": "string"}


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": _SHOWN_TYPES.get(column.type, column.type),
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def cell(column: Column, item: Mapping[str, Any], now: datetime) -> Any:
    """The value of a column for one object: None where there is none."""
    if column.json_path.startswith("#"):
        return _counted(column.json_path.removeprefix("#"), item)
    if column.json_path.startswith("@"):
        return _reference(item.get(column.json_path.removeprefix("@"), {}))
    found = compile_path(column.json_path)(item)
    if not found or found[0] is None:
        return column.missing
    value = found[0]
    match column.type:
        case "date" | "age":
            return age(value, now)
        case "integer":
            return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
        case "number":
            return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
        case "boolean":
            return value if isinstance(value, bool) else None
    return _printed(value)


def _counted(path: str, item: Mapping[str, Any]) -> int:
    """How many entries there are, of several maps together (`.data+.binaryData`)."""
    return sum(len(value) for part in path.split("+") for value in compile_path(part)(item))


def _reference(reference: Mapping[str, Any]) -> str:
    """`kind/name`, as the columns of built-in kinds show what an object refers to."""
    kind = reference.get("kind", "")
    shown = kind if "apiGroup" in reference else kind.lower()
    return f"{shown}/{reference.get('name', '')}"


def _printed(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return orjson.dumps(value).decode()
        case _:
            return str(value)
