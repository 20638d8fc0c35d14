"""`meta.k8s.io` Tables: what `kubectl get` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
AGE: Final = Column("Age", "date", ".metadata.creationTimestamp", AGE_DESCRIPTION)


class TableRenderer:
    """Tables of one kind."""

    def __init__(
        self, columns: Sequence[Column], now: Callable[[], datetime], version: str, include_object: str
    ) -> None:
        """`include_object` is None, Metadata (the usual) or Object: what comes along with each row."""
        self._columns = [Column("Name", "string", ".metadata.name", NAME_DESCRIPTION, "name"), *columns]
        self._now = now
        self._version = version
        self._include_object = include_object or "Metadata"

    def table(
        self,
        objects: Sequence[Mapping[str, Any]],
        revision: str,
        *,
        with_columns: bool = True,
        list_metadata: Mapping[str, Any] | None = None,
    ) -> bytes:
        now = self._now()
        return orjson.dumps(
            {
                "kind": "Table",
                "apiVersion": f"meta.k8s.io/{self._version}",
                "metadata": list_metadata or {"resourceVersion": revision},
                "columnDefinitions": [_definition(column) for column in self._columns] if with_columns else None,
                "rows": [self._row(item, now) for item in objects],
            }
        )

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


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
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
        return None
    value = found[0]
    match column.type:
        case "date":
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
