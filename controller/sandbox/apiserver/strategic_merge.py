"""Strategic merge patch: JSON merge patch that knows which lists are merged, and by which key.

Understands `$patch: replace | delete | merge`, `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD` and
`$retainKeys`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from . import errors
from .metadata import OBJECT_META
from .structural import Schema

_DIRECTIVE: Final = "$patch"
_DELETE_FROM: Final = "$deleteFromPrimitiveList/"
_ORDER: Final = "$setElementOrder/"
_RETAIN: Final = "$retainKeys"
_METADATA_MERGED: Final = {"finalizers": "", "ownerReferences": "uid"}

Object = dict[str, Any]


def merge(target: Object, patch: Mapping[str, Any], schema: Schema | None) -> Object:
    """`target` with the patch applied; `target` is changed.

    Raises:
        ApiError: 400 for a patch that cannot be applied to such an object.
    """
    return _merge_object(target, patch, schema, is_root=True)


def _merge_object(target: Object, patch: Mapping[str, Any], schema: Schema | None, *, is_root: bool = False) -> Object:
    match patch.get(_DIRECTIVE):
        case "replace":
            return {name: value for name, value in patch.items() if name != _DIRECTIVE}
        case "delete":
            return {}
        case None | "merge":
            pass
        case directive:
            raise errors.bad_request(f"unknown patch type: {directive}")
    if _RETAIN in patch:
        target = {name: value for name, value in target.items() if name in patch[_RETAIN]}
    orders: dict[str, list[Any]] = {}
    for name, change in patch.items():
        if name in {_DIRECTIVE, _RETAIN}:
            continue
        if name.startswith(_DELETE_FROM):
            field = name.removeprefix(_DELETE_FROM)
            target[field] = [item for item in target.get(field) or [] if item not in change]
        elif name.startswith(_ORDER):
            orders[name.removeprefix(_ORDER)] = change
        elif change is None:
            target.pop(name, None)
        else:
            child = OBJECT_META if is_root and name == "metadata" else _child(schema, name)
            target[name] = _merge_value(target.get(name), change, child, _merge_key(schema, name, child))
    for name, order in orders.items():
        if isinstance(target.get(name), list):
            target[name] = _ordered(target[name], order, _merge_key(schema, name, _child(schema, name)) or "")
    return target


def _child(schema: Schema | None, name: str) -> Schema | None:
    return (schema.properties.get(name) or schema.additional) if schema is not None else None


def _merge_key(parent: Schema | None, name: str, schema: Schema | None) -> str | None:
    """The key that a list is merged by, empty for a merged list of scalars, None for one that is replaced."""
    if parent is OBJECT_META:
        return _METADATA_MERGED.get(name)
    if schema is None or "merge" not in schema.patch_strategy.split(","):
        return None
    return schema.patch_merge_key


def _merge_value(old: Any, change: Any, schema: Schema | None, key: str | None) -> Any:
    if isinstance(change, Mapping):
        return _merge_object(old if isinstance(old, dict) else {}, change, schema)
    if isinstance(change, list) and key is not None:
        items = list(old) if isinstance(old, list) else []
        return _merge_list(items, change, schema, key) if key else _merge_scalars(items, change)
    if isinstance(change, list):
        return [item for item in change if not (isinstance(item, Mapping) and _DIRECTIVE in item)]
    return change


def _merge_scalars(items: list[Any], change: list[Any]) -> list[Any]:
    return items + [item for item in dict.fromkeys(change) if item not in items]


def _merge_list(items: list[Any], change: list[Any], schema: Schema | None, key: str) -> list[Any]:
    if any(isinstance(item, Mapping) and item.get(_DIRECTIVE) == "replace" for item in change):
        return [item for item in change if _DIRECTIVE not in item]
    item_schema = schema.items if schema is not None else None
    for item in change:
        if not isinstance(item, Mapping) or key not in item:
            raise errors.bad_request(f"map: {item} does not contain declared merge key: {key}")
        position = next((i for i, present in enumerate(items) if present.get(key) == item[key]), None)
        if item.get(_DIRECTIVE) == "delete":
            if position is not None:
                del items[position]
        elif position is None:
            items.append(_merge_object({}, item, item_schema))
        else:
            items[position] = _merge_object(items[position], item, item_schema)
    return items


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Those that are named come in the order given; the others keep their place behind what they stood behind."""

    def token(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, Mapping) else item

    ranks = {token(item): rank for rank, item in enumerate(order)}
    rank = -1.0
    ranked = []
    for position, item in enumerate(items):
        rank = ranks.get(token(item), rank)
        ranked.append((rank, token(item) not in ranks, position, item))
    ranked.sort(key=lambda entry: entry[:3])
    return [item for *_, item in ranked]
