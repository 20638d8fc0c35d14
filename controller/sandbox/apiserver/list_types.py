"""Lists that are sets (`x-kubernetes-list-type: set`) or maps (`map`): no item, no key twice."""

from typing import Any

import orjson

from . import field_errors
from .field_errors import FieldError
from .structural import Schema


def validate_lists(value: Any, schema: Schema, path: str = "") -> list[FieldError]:
    """Uniqueness of the items of sets and of the keys of maps, everywhere below `value`."""
    errors: list[FieldError] = []
    if not schema.checks_lists:
        return errors
    if isinstance(value, dict):
        for key, child in value.items():
            if (named := schema.properties.get(key)) is not None:
                errors += validate_lists(child, named, f"{path}.{key}" if path else key)
            elif schema.additional is not None:
                errors += validate_lists(child, schema.additional, f"{path}[{key}]")
    elif isinstance(value, list):
        errors += _validate_own_items(value, schema, path)
        if schema.items is not None:
            for index, item in enumerate(value):
                errors += validate_lists(item, schema.items, f"{path}[{index}]")
    return errors


def _validate_own_items(value: list[Any], schema: Schema, path: str) -> list[FieldError]:
    match schema.list_type:
        case "set":
            return [field_errors.duplicate(f"{path}[{i}]", value[i]) for i in _repeated(value)]
        case "map":
            return _validate_list_map(value, schema, path)
        case _:
            return []


def _validate_list_map(value: list[Any], schema: Schema, path: str) -> list[FieldError]:
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            detail = "must be an object for an array of list-type map"
            return [field_errors.invalid(f"{path}[{index}]", item, detail)]
    keys = [{key: item[key] for key in schema.list_map_keys if key in (item or {})} for item in value]
    return [field_errors.duplicate(f"{path}[{i}]", keys[i]) for i in _repeated(keys)]


def _repeated(items: list[Any]) -> list[int]:
    """Where each repeated item appears for the second time."""
    times: dict[bytes, int] = {}
    positions: list[int] = []
    for index, item in enumerate(items):
        token = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
        times[token] = times.get(token, 0) + 1
        if times[token] == 2:  # noqa: PLR2004 - only the first repetition is reported
            positions.append(index)
    return positions
