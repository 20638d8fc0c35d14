"""Pruning of unknown fields and defaulting: what happens to an object before it is validated."""

import copy
from typing import Any, Final

from .structural import Schema

_TYPE_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})


def prune(value: Any, schema: Schema | None, *, is_root: bool = False, path: str = "") -> list[str]:
    """Remove in place every field the schema does not know; return their paths, sorted."""
    unknown: list[str] = []
    _prune(value, schema, path, unknown, keep_type_fields=is_root or (schema is not None and schema.embedded))
    unknown.sort()
    return unknown


def _prune(
    value: Any, schema: Schema | None, path: str, unknown: list[str], *, keep_type_fields: bool
) -> None:
    if isinstance(value, dict):
        _prune_object(value, schema, path, unknown, keep_type_fields=keep_type_fields)
    elif isinstance(value, list):
        items = schema.items if schema is not None else None
        if schema is not None and schema.preserve_unknown and items is None:
            return
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)):
                embedded = items is not None and items.embedded
                _prune(item, items, f"{path}[{index}]", unknown, keep_type_fields=embedded)


def _prune_object(
    value: dict[str, Any], schema: Schema | None, path: str, unknown: list[str], *, keep_type_fields: bool
) -> None:
    keeps_unknown = schema is not None and (schema.preserve_unknown or schema.additional_allowed)
    removed: list[str] = []
    for key, child in value.items():
        if keep_type_fields and key in _TYPE_FIELDS:
            continue
        below = (schema.properties.get(key) or schema.additional) if schema is not None else None
        if below is None:
            if not keeps_unknown:
                removed.append(key)
        elif isinstance(child, (dict, list)):
            child_path = f"{path}.{key}" if path else key
            _prune(child, below, child_path, unknown, keep_type_fields=below.embedded)
    for key in removed:
        del value[key]
        unknown.append(f"{path}.{key}" if path else key)


def drop_forbidden_nulls(value: Any, schema: Schema) -> None:
    """Remove in place the nulls of fields that may not be null: they count as left out."""
    if isinstance(value, dict):
        dropped: list[str] = []
        for name, child in value.items():
            child_schema = schema.properties.get(name) or schema.additional
            if child_schema is None:
                continue
            if child is None:
                if not child_schema.nullable:
                    dropped.append(name)
            elif isinstance(child, (dict, list)):
                drop_forbidden_nulls(child, child_schema)
        for name in dropped:
            del value[name]
    elif isinstance(value, list) and schema.items is not None:
        for item in value:
            drop_forbidden_nulls(item, schema.items)


def apply_defaults(value: Any, schema: Schema) -> None:
    """Fill in defaults in place, top down, so that a default object gets its own fields' defaults."""
    if isinstance(value, dict):
        for name, child in schema.properties.items():
            if child.has_default and name not in value:
                value[name] = copy.deepcopy(child.default)
            if child.has_defaults_below and name in value:
                apply_defaults(value[name], child)
        if schema.additional is not None and schema.additional.has_defaults_below:
            for name in value.keys() - schema.properties.keys():
                apply_defaults(value[name], schema.additional)
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            if item is None and schema.items.has_default and not schema.items.nullable:
                value[index] = copy.deepcopy(schema.items.default)
            apply_defaults(value[index], schema.items)


def drop_nulls(value: Any) -> None:
    """Remove null fields in place, everywhere: to Go's typed objects they are the same as absent ones."""
    if isinstance(value, dict):
        for name in [name for name, child in value.items() if child is None]:
            del value[name]
        for child in value.values():
            drop_nulls(child)
    elif isinstance(value, list):
        for item in value:
            drop_nulls(item)
