"""Reading JSON into Go's types, as the real server does for metadata and built-in kinds: its errors, its times."""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from .structural import Schema

TIME: Final = "go-time"
MICRO_TIME: Final = "go-micro-time"
"""Formats of schema nodes that stand for `metav1.Time` and `metav1.MicroTime`."""

_SECONDS: Final = (
    *(("2006", r"\d{4}"), ("-", "-"), ("01", r"\d\d"), ("-", "-"), ("02", r"\d\d"), ("T", "T")),
    *(("15", r"\d\d"), (":", ":"), ("04", r"\d\d"), (":", ":")),
)
_ZONE: Final = ("Z07:00", r"Z|[+-]\d\d:\d\d")
# A fraction of a second may follow where the layout names none.
_LAYOUTS: Final = {
    TIME: (*_SECONDS, ("05", r"\d\d(\.\d+)?"), _ZONE),
    MICRO_TIME: (*_SECONDS, ("05", r"\d\d"), (".000000", r"\.\d{6}"), _ZONE),
}

_PYTHON_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
_JSON_NAMES: Final = {
    bool: "bool",
    str: "string",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def read(value: Any, schema: Schema, owner: str) -> str | None:
    """Bring times into Go's form, in place; return Go's words for the first value that does not fit, if any.

    `owner` is the name of the Go struct that the value is read into.
    """
    problem, _ = _read(value, schema, owner, "")
    return problem


def _read(value: Any, schema: Schema, owner: str, path: str) -> tuple[str | None, Any]:
    """The problem, if any, and the value as Go writes it again."""
    if value is None or not schema.types:
        return None, value
    if not _fits(value, schema):
        return (
            f"json: cannot unmarshal {_JSON_NAMES[type(value)]} into Go struct field {owner}{path or '.'} of type"
            f" {_go_type(schema)}"
        ), value
    if isinstance(value, str):
        return _read_text(value, schema)
    for place, child, below, child_path in _children(value, schema, path):
        problem, value[place] = _read(child, below, owner, child_path)
        if problem is not None:
            return problem, value
    return None, value


def _fits(value: Any, schema: Schema) -> bool:
    if isinstance(value, bool):
        return schema.type == "boolean"
    return isinstance(value, _PYTHON_TYPES[schema.type])


def _children(value: Any, schema: Schema, path: str) -> Iterator[tuple[Any, Any, Schema, str]]:
    """Where each member or item stands, itself, its schema, and the path Go names (without map keys and indices)."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name in schema.properties:
                yield name, child, schema.properties[name], f"{path}.{name}"
            elif schema.additional is not None:
                yield name, child, schema.additional, path
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            yield index, item, schema.items, path


def _read_text(value: str, schema: Schema) -> tuple[str | None, str]:
    if schema.format in {TIME, MICRO_TIME} and value:
        if problem := _layout_problem(value, _LAYOUTS[schema.format]):
            return problem, value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return f'parsing time "{value}": day out of range', value
        moment = moment.astimezone(UTC)
        fraction = "" if schema.format == TIME else f".{moment.microsecond:06d}"
        return None, moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
    if schema.format == "byte":
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            match = _BASE64.match(value)
            return f"illegal base64 data at input byte {match.end() if match else 0}", value
    return None, value


def _layout_problem(value: str, layout: tuple[tuple[str, str], ...]) -> str | None:
    """Go's words for the first element of a time's layout that the text does not have."""
    rest = value
    for element, pattern in layout:
        match = re.match(pattern, rest)
        if match is None:
            whole = "".join(name for name, _ in layout)
            return f'parsing time "{value}" as "{whole}": cannot parse "{rest}" as "{element}"'
        rest = rest[match.end() :]
    return f'parsing time "{value}": extra text: "{rest}"' if rest else None


def _go_type(schema: Schema) -> str:
    match schema.type:
        case "string":
            return "[]uint8" if schema.format == "byte" else "string"
        case "integer":
            return schema.format if schema.format in {"int32", "int64"} else "int64"
        case "boolean":
            return "bool"
        case "number":
            return "float64"
        case "array":
            return f"[]{_go_type(schema.items)}" if schema.items is not None else "[]string"
        case _:
            return f"map[string]{_go_type(schema.additional)}" if schema.additional is not None else "object"
