"""Strategic merge patch: JSON merge patch that knows which lists are merged, and by which key.

Understands `$patch: replace | delete | merge`, `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD` and
`$retainKeys`.
"""

from collections.abc import Mapping
from typing import Any, Final

from . import errors
from .structural import Schema

_DIRECTIVE: Final = "$patch"
_DELETE_FROM: Final = "$deleteFromPrimitiveList/"
_ORDER: Final = "$setElementOrder/"
_RETAIN: Final = "$retainKeys"

Object = dict[str, Any]


def merge(target: Object, patch: Mapping[str, Any], schema: Schema | None) -> Object:
    """`target` with the patch applied; `target` is changed.

    Raises:
        ApiError: 400 for a patch that cannot be applied to such an object.

    """
    return _merge_object(target, patch, schema)


def _merge_object(target: Object, patch: Mapping[str, Any], schema: Schema | None) -> Object:
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in {None, "merge"}:
        raise errors.bad_request(f"unknown patch type: {directive}")
    return _merge_fields(target, patch, schema)


def _merge_fields(target: Object, patch: Mapping[str, Any], schema: Schema | None) -> Object:
    if _RETAIN in patch:
        target = {name: value for name, value in target.items() if name in patch[_RETAIN]}
    for name, change in patch.items():
        if name in {_DIRECTIVE, _RETAIN} or name.startswith(_ORDER):
            continue
        if name.startswith(_DELETE_FROM):
            field = name.removeprefix(_DELETE_FROM)
            target[field] = [item for item in target.get(field) or [] if item not in change]
        elif change is None:
            target.pop(name, None)
        else:
            target[name] = _merge_value(
                target.get(name), change, _child(schema, name), patch.get(_ORDER + name)
            )
    for name, order in patch.items():
        field = name.removeprefix(_ORDER)
        if name.startswith(_ORDER) and field not in patch and isinstance(target.get(field), list):
            target[field] = _ordered(
                target[field], order, target[field], _merge_key(_child(schema, field)) or ""
            )
    return target


def _child(schema: Schema | None, name: str) -> Schema | None:
    return (schema.properties.get(name) or schema.additional) if schema is not None else None


def _merge_key(schema: Schema | None) -> str | None:
    """The key that a list is merged by, empty for a merged list of scalars, None for one that is replaced."""
    if schema is None or "merge" not in schema.patch_strategy.split(","):
        return None
    return schema.patch_merge_key


def _merge_value(old: Any, change: Any, schema: Schema | None, order: list[Any] | None) -> Any:
    if isinstance(change, Mapping):
        return _merge_object(old if isinstance(old, dict) else {}, change, schema)
    if not isinstance(change, list):
        return change
    key = _merge_key(schema)
    if key is None:
        return [item for item in change if not (isinstance(item, Mapping) and _DIRECTIVE in item)]
    before = list(old) if isinstance(old, list) else []
    if not key:
        items = before + [item for item in dict.fromkeys(change) if item not in before]
    elif any(isinstance(item, Mapping) and item.get(_DIRECTIVE) == "replace" for item in change):
        return [item for item in change if _DIRECTIVE not in item]
    else:
        items = _merge_list(before, change, schema, key)
    return _ordered(items, order if order is not None else change, before, key)


def _merge_list(before: list[Any], change: list[Any], schema: Schema | None, key: str) -> list[Any]:
    items = list(before)
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
            items[position] = _merge_object(dict(items[position]), item, item_schema)
    return items


def _ordered(items: list[Any], order: list[Any], before: list[Any], key: str) -> list[Any]:
    """Items that `order` names come in its order; the others before the first of those that stood behind them."""

    def token(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, Mapping) else item

    ranks = {token(item): rank for rank, item in enumerate(order)}
    places = {token(item): place for place, item in enumerate(before)}
    named = sorted((item for item in items if token(item) in ranks), key=lambda item: ranks[token(item)])
    others = [item for item in items if token(item) not in ranks]
    merged: list[Any] = []
    while named and others:
        left, right = places.get(token(others[0])), places.get(token(named[0]))
        first = others if left is not None and right is not None and left < right else named
        merged.append(first.pop(0))
    return merged + named + others
