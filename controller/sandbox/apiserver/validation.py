"""Schema validation with the wording of kube-openapi, and with the ratcheting of unchanged values.

Ratcheting: on update, errors below a value that is deeply equal to its old one are dropped, wherever old and new
can be correlated (properties, map values, items of `listType: map`; not items of sets and atomic lists).
"""

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
    wrong_type = _check_type(value, schema, path)
    errors += wrong_type
    if not wrong_type and value is not None:
        _validate_value(value, schema, path, old, errors)
    if schema.enum is not None and value not in schema.enum and not (wrong_type and value is None):
        errors.append(field_errors.not_supported(_field(path), value, list(schema.enum)))


def _check_type(value: Any, schema: Schema, path: str) -> list[FieldError]:
    if value is None:
        return [_wrong_type(path, schema, "null")] if schema.types and not schema.nullable else []
    if isinstance(value, float) and schema.format in _INTEGER_RANGES and not value.is_integer():
        detail = f'{path} in body must be of type {schema.format}: "float64"'
        return [field_errors.type_invalid(_field(path), "float64", detail), _out_of_range(schema, path)]
    if schema.types and not _has_type(value, schema.types):
        return [_wrong_type(path, schema, _json_type(value))]
    return []


def _validate_value(value: Any, schema: Schema, path: str, old: Any, errors: list[FieldError]) -> None:
    """What remains to be checked of a value of the right type."""
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


def _field(path: str) -> str:
    """The root's own errors name no field; Go prints its nil path so."""
    return path.removeprefix(".") or "<nil>"


def _wrong_type(path: str, schema: Schema, found: str) -> FieldError:
    detail = f'{path} in body must be of type {",".join(schema.types)}: "{found}"'
    return field_errors.type_invalid(_field(path), found, detail)


def _out_of_range(schema: Schema, path: str) -> FieldError:
    detail = f"Checked value must be of type {schema.type} with format {schema.format} in {path}"
    return field_errors.invalid("<nil>", "", detail)


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
        errors.append(_out_of_range(schema, path))
    if schema.multiple_of is not None and value % schema.multiple_of:
        refuse(f"should be a multiple of {schema.multiple_of:g}")
    minimum, maximum = schema.minimum, schema.maximum
    if minimum is not None and (value <= minimum if schema.exclusive_minimum else value < minimum):
        refuse(
            f"should be greater than {'' if schema.exclusive_minimum else 'or equal to '}{_bound(minimum)}"
        )
    if maximum is not None and (value >= maximum if schema.exclusive_maximum else value > maximum):
        refuse(f"should be less than {'' if schema.exclusive_maximum else 'or equal to '}{_bound(maximum)}")


def _bound(value: float) -> str:
    # A bound that the schema writes as a whole number is printed as one.
    return f"{value:g}" if value != int(value) else str(int(value))


def _validate_object(
    value: dict[str, Any], schema: Schema, path: str, old: Any, errors: list[FieldError]
) -> None:
    size = len(value)
    if schema.min_properties is not None and size < schema.min_properties:
        detail = f"{path} in body should have at least {schema.min_properties} properties"
        errors.append(field_errors.invalid(_field(path), size, detail))
    if schema.max_properties is not None and size > schema.max_properties:
        errors.append(field_errors.too_many(_field(path), size, schema.max_properties))
    old_values: dict[str, Any] = old if isinstance(old, dict) else {}
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

    any_of, one_of, all_of = (
        [validate(value, option, path) for option in options]
        for options in (schema.any_of, schema.one_of, schema.all_of)
    )
    if any_of and all(any_of):
        refuse("must validate at least one schema (anyOf)")
        errors += _fewest(any_of)
    valid = sum(not outcome for outcome in one_of)
    if one_of and valid == 0:
        refuse("must validate one and only one schema (oneOf). Found none valid")
        errors += _fewest(one_of)
    elif valid > 1:
        refuse(f"must validate one and only one schema (oneOf). Found {valid} valid alternatives")
    if any(all_of):
        errors += [error for outcome in all_of for error in outcome]
        refuse(f"must validate all the schemas (allOf){'. None validated' if all(all_of) else ''}")
    if schema.not_ is not None and not validate(value, schema.not_, path):
        refuse("must not validate the schema (not)")


def _fewest(outcomes: list[list[FieldError]]) -> list[FieldError]:
    """The errors of the alternative that the value comes closest to."""
    fewest = min(map(len, outcomes))
    return next(outcome for outcome in outcomes if len(outcome) == fewest)
