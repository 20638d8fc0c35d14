"""Schema validation with the wording of kube-openapi, and with the ratcheting of unchanged values.

Ratcheting: on update, errors below a value that is deeply equal to its old one are dropped, wherever old and new
can be correlated (properties, map values, items of `listType: map`; not items of sets and atomic lists).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from . import field_errors
from .field_errors import FieldError
from .structural import Schema

ABSENT: Final = object()
"""There is no old value, or it cannot be correlated."""

_INTEGER_RANGES: Final = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def same(new: Any, old: Any) -> bool:
    """Deep equality that tells 1 from true and from 1.0, unlike Python's."""
    if new is old:
        return True
    if new != old:
        return False
    return orjson.dumps(new, option=orjson.OPT_SORT_KEYS) == orjson.dumps(old, option=orjson.OPT_SORT_KEYS)


def validate(value: Any, schema: Schema, path: str = "", old: Any = ABSENT) -> list[FieldError]:
    """All violations below `value`; none below what has not changed since `old`."""
    errors: list[FieldError] = []
    _validate(value, schema, path, old, errors)
    return errors


def _validate(value: Any, schema: Schema, path: str, old: Any, errors: list[FieldError]) -> None:
    if old is not ABSENT and same(value, old):
        return
    if value is None:
        if schema.types and not schema.nullable:
            errors.append(_wrong_type(path, ",".join(schema.types), "null"))
        elif schema.enum is not None and None not in schema.enum:
            errors.append(field_errors.not_supported(_field(path), None, list(schema.enum)))
        return
    if schema.types and not _has_type(value, schema.types):
        errors.append(_wrong_type(path, ",".join(schema.types), _json_type(value)))
        if schema.enum is not None and value not in schema.enum:
            errors.append(field_errors.not_supported(_field(path), value, list(schema.enum)))
        return
    if schema.any_of or schema.one_of or schema.all_of or schema.not_ is not None:
        _validate_combinations(value, schema, path, errors)
    if isinstance(value, str):
        _validate_string(value, schema, path, errors)
    elif isinstance(value, dict):
        _validate_object(value, schema, path, old, errors)
    elif isinstance(value, list):
        _validate_list(value, schema, path, old, errors)
    elif not isinstance(value, bool):
        _validate_number(value, schema, path, errors)
    if schema.enum is not None and value not in schema.enum:
        errors.append(field_errors.not_supported(_field(path), value, list(schema.enum)))


def _field(path: str) -> str:
    """The root's own errors name no field; Go prints its nil path so."""
    return path.removeprefix(".") or "<nil>"


def _wrong_type(path: str, expected: str, found: str) -> FieldError:
    return field_errors.type_invalid(
        _field(path), found, f'{path} in body must be of type {expected}: "{found}"'
    )


def _json_type(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "number"
        case list():
            return "array"
        case _:
            return "object"


def _has_type(value: Any, types: tuple[str, ...]) -> bool:
    found = _json_type(value)
    if found in types:
        return True
    if found == "integer":
        return "number" in types
    return found == "number" and "integer" in types and value.is_integer()


def _validate_string(value: str, schema: Schema, path: str, errors: list[FieldError]) -> None:
    # kube-openapi stops at the first of these three.
    if schema.max_length is not None and len(value) > schema.max_length:
        errors.append(field_errors.too_long(_field(path), schema.max_length))
    elif schema.min_length is not None and len(value) < schema.min_length:
        detail = f"{path} in body should be at least {schema.min_length} chars long"
        errors.append(field_errors.invalid(_field(path), value, detail))
    elif schema.pattern_search is not None and not schema.pattern_search(value):
        detail = f"{path} in body should match '{schema.pattern}'"
        errors.append(field_errors.invalid(_field(path), value, detail))
    if schema.format_check is not None and not schema.format_check(value):
        detail = f"{path} in body must be of type {schema.format}: {field_errors.printed(value)}"
        errors.append(field_errors.type_invalid(_field(path), value, detail))


def _validate_number(value: float, schema: Schema, path: str, errors: list[FieldError]) -> None:
    def refuse(detail: str) -> None:
        errors.append(field_errors.invalid(_field(path), value, f"{path} in body {detail}"))

    bounds = _INTEGER_RANGES.get(schema.format)
    if bounds is not None and not bounds[0] <= value <= bounds[1]:
        detail = f"Checked value must be of type {schema.type} with format {schema.format} in {path}"
        errors.append(field_errors.invalid("<nil>", "", detail))
    if schema.multiple_of is not None and value % schema.multiple_of:
        refuse(f"should be a multiple of {schema.multiple_of:g}")
    minimum, maximum = schema.minimum, schema.maximum
    if minimum is not None and (value <= minimum if schema.exclusive_minimum else value < minimum):
        words = "greater than" if schema.exclusive_minimum else "greater than or equal to"
        refuse(f"should be {words} {minimum:g}" if isinstance(minimum, float) else f"should be {words} {minimum}")
    if maximum is not None and (value >= maximum if schema.exclusive_maximum else value > maximum):
        words = "less than" if schema.exclusive_maximum else "less than or equal to"
        refuse(f"should be {words} {maximum:g}" if isinstance(maximum, float) else f"should be {words} {maximum}")


def _validate_object(
    value: dict[str, Any], schema: Schema, path: str, old: Any, errors: list[FieldError]
) -> None:
    size = len(value)
    if schema.min_properties is not None and size < schema.min_properties:
        detail = f"{path} in body should have at least {schema.min_properties} properties"
        errors.append(field_errors.invalid(_field(path), size, detail))
    if schema.max_properties is not None and size > schema.max_properties:
        errors.append(field_errors.too_many(_field(path), size, schema.max_properties))
    old_values: Mapping[str, Any] = old if isinstance(old, dict) else {}
    for key, child in value.items():
        child_schema = schema.properties.get(key) or schema.additional
        if child_schema is not None:
            child_path = f"{path}.{key}" if path else key
            _validate(child, child_schema, child_path, old_values.get(key, ABSENT), errors)
    errors.extend(
        field_errors.required(_field(f"{path}.{name}")) for name in schema.required if name not in value
    )


def _validate_list(value: list[Any], schema: Schema, path: str, old: Any, errors: list[FieldError]) -> None:
    if schema.items is not None:
        old_items = old_items_by_key(schema, old)
        for index, item in enumerate(value):
            old_item = old_items.get(list_map_key(schema, item), ABSENT) if old_items else ABSENT
            _validate(item, schema.items, f"{path}[{index}]", old_item, errors)
    if schema.min_items is not None and len(value) < schema.min_items:
        detail = f"{path} in body should have at least {schema.min_items} items"
        errors.append(field_errors.invalid(_field(path), len(value), detail))
    if schema.max_items is not None and len(value) > schema.max_items:
        errors.append(field_errors.too_many(_field(path), len(value), schema.max_items))


def list_map_key(schema: Schema, item: Any) -> tuple[Any, ...]:
    """The key of an item of a `listType: map`; a key field that is left out counts with its default."""
    if not isinstance(item, dict):
        return ()
    return tuple(
        str(item.get(key, schema.list_map_defaults.get(key, ABSENT))) for key in schema.list_map_keys
    )


def old_items_by_key(schema: Schema, old: Any) -> dict[tuple[Any, ...], Any]:
    """The items of an old `listType: map` by key; nothing for lists whose items cannot be correlated."""
    if schema.list_type != "map" or not isinstance(old, list):
        return {}
    return {list_map_key(schema, item): item for item in old}


def _validate_combinations(value: Any, schema: Schema, path: str, errors: list[FieldError]) -> None:
    def refuse(detail: str) -> None:
        errors.append(field_errors.invalid("<nil>", "", f'"{path}" {detail}'))

    if schema.any_of:
        outcomes = [validate(value, option, path) for option in schema.any_of]
        if all(outcomes):
            refuse("must validate at least one schema (anyOf)")
            errors.extend(min(outcomes, key=len))
    if schema.one_of:
        outcomes = [validate(value, option, path) for option in schema.one_of]
        valid = sum(not outcome for outcome in outcomes)
        if valid == 0:
            refuse("must validate one and only one schema (oneOf). Found none valid")
            errors.extend(min(outcomes, key=len))
        elif valid > 1:
            refuse(f"must validate one and only one schema (oneOf). Found {valid} valid alternatives")
    if schema.all_of:
        outcomes = [validate(value, part, path) for part in schema.all_of]
        if any(outcomes):
            for outcome in outcomes:
                errors.extend(outcome)
            none = ". None validated" if all(outcomes) else ""
            refuse(f"must validate all the schemas (allOf){none}")
    if schema.not_ is not None and not validate(value, schema.not_, path):
        refuse("must not validate the schema (not)")


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
        if schema.list_type == "set":
            errors += [field_errors.duplicate(f"{path}[{i}]", value[i]) for i in _repeated(value)]
        elif schema.list_type == "map":
            errors += _validate_list_map(value, schema, path)
        if schema.items is not None:
            for index, item in enumerate(value):
                errors += validate_lists(item, schema.items, f"{path}[{index}]")
    return errors


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
