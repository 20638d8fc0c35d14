"""Pruning of unknown fields and defaulting: what happens to an object before it is validated."""

from __future__ import annotations

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
    if isinstance(value, list):
        item_schema = schema.items if schema is not None else None
        if schema is not None and schema.preserve_unknown and item_schema is None:
            return
        embedded = item_schema is not None and item_schema.embedded
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)):
                _prune(item, item_schema, f"{path}[{index}]", unknown, keep_type_fields=embedded)
        return
    if not isinstance(value, dict):
        return
    removed: list[str] = []
    for key, child in value.items():
        if keep_type_fields and key in _TYPE_FIELDS:
            continue
        child_schema = schema.properties.get(key) if schema is not None else None
        if child_schema is None and schema is not None:
            child_schema = schema.additional
            if child_schema is None:
                if schema.preserve_unknown or schema.additional_allowed:
                    continue
                removed.append(key)
                continue
        elif child_schema is None:
            removed.append(key)
            continue
        if isinstance(child, (dict, list)):
            child_path = f"{path}.{key}" if path else key
            _prune(child, child_schema, child_path, unknown, keep_type_fields=child_schema.embedded)
    for key in removed:
        del value[key]
        unknown.append(f"{path}.{key}" if path else key)


def apply_defaults(value: Any, schema: Schema) -> None:
    """Fill in defaults in place, top down, so that a default object gets its own fields' defaults.

    A null where the schema does not allow one counts as absent when there is a default for it.
    """
    if isinstance(value, dict):
        for name, child in schema.properties.items():
            if child.has_default and (name not in value or (value[name] is None and not child.nullable)):
                value[name] = copy.deepcopy(child.default)
            if child.has_defaults_below and name in value:
                apply_defaults(value[name], child)
        additional = schema.additional
        if additional is not None and (additional.has_default or additional.has_defaults_below):
            for name, item in value.items():
                if name in schema.properties:
                    continue
                if item is None and additional.has_default and not additional.nullable:
                    value[name] = copy.deepcopy(additional.default)
                apply_defaults(value[name], additional)
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
