"""Objects seen through their schema: field sets, comparison, merging and removal for server-side apply.

Follows sigs.k8s.io/structured-merge-diff. Where the schema says nothing (`x-kubernetes-preserve-unknown-fields`), maps
are granular and lists atomic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from . import field_sets
from .field_sets import FieldSet
from .structural import Schema

_ABSENT: Final = object()
Path = tuple[str, ...]


class TypedError(ValueError):
    """The object does not fit the schema; the text names the place as the real server does."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one object became another."""

    added: FieldSet = field(default_factory=dict)
    modified: FieldSet = field(default_factory=dict)
    removed: FieldSet = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.removed)

    def without(self, names: frozenset[str]) -> "Comparison":
        if not names:
            return self
        parts = (self.added, self.modified, self.removed)
        return Comparison(*(field_sets.without(part, names) for part in parts))


def _below(schema: Schema | None, name: str) -> Schema | None:
    return (schema.properties.get(name) or schema.additional) if schema is not None else None


def _is_atomic(value: Any, schema: Schema | None) -> bool:
    if isinstance(value, dict):
        return schema is not None and schema.map_type == "atomic"
    if isinstance(value, list):
        return schema is None or schema.list_type not in {"set", "map"}
    return True


def _item_element(item: Any, schema: Schema) -> str:
    if schema.list_type == "set":
        return field_sets.set_item(item)
    if not isinstance(item, dict):
        raise TypedError("associative list with keys may not have non-map elements")
    keys = {}
    for key in schema.list_map_keys:
        if key in item:
            keys[key] = item[key]
        elif key in schema.list_map_defaults:
            keys[key] = schema.list_map_defaults[key]
    if not keys:
        names = " ".join(f'"{key}"' for key in schema.list_map_keys)
        raise TypedError(
            f"associative list with keys has an element that omits all key fields [{names}] (and doesn't have default"
            " values for any key fields)"
        )
    return field_sets.keyed_item(keys)


def _elements(items: list[Any], schema: Schema) -> list[str]:
    return [_item_element(item, schema) for item in items]


def check(value: Any, schema: Schema | None, path: Path = ()) -> None:
    """An applied configuration fits the schema: declared fields only, no item twice.

    Raises:
        TypedError: it does not.

    """
    if schema is not None and value is not None and (expected := _expected(value, schema)):
        shown = (
            f"&{{{value}}}" if expected in {"list", "map"} else f"&value.valueUnstructured{{Value:{value}}}"
        )
        raise TypedError(f"{field_sets.printed(path)}: expected {expected}, got {shown}")
    if isinstance(value, dict) and schema is not None:
        for name, child in value.items():
            below = _below(schema, name)
            known = (
                below is not None or schema.preserve_unknown or schema.additional_allowed or not schema.types
            )
            if not known:
                where = field_sets.printed((*path, field_sets.field(name)))
                raise TypedError(f"{where}: field not declared in schema")
            check(child, below, (*path, field_sets.field(name)))
    elif isinstance(value, list) and schema is not None and not _is_atomic(value, schema):
        seen: set[str] = set()
        for index, item in enumerate(value):
            try:
                element = _item_element(item, schema)
            except TypedError as error:
                raise TypedError(f"{field_sets.printed(path)}: element {index}: {error}") from None
            if element in seen:
                key = field_sets.printed((element,))
                raise TypedError(f"{field_sets.printed(path)}: duplicate entries for key {key}")
            seen.add(element)
            check(item, schema.items, (*path, element))


def _expected(value: Any, schema: Schema) -> str:
    """What the schema wants where it does not want such a value; empty where it does."""
    wanted = {
        "object": ("map", (dict,)),
        "array": ("list", (list,)),
        "string": ("string", (str,)),
        "boolean": ("boolean", (bool,)),
        "integer": ("numeric (int or float)", (int, float)),
        "number": ("numeric (int or float)", (int, float)),
    }
    allowed = [wanted[name] for name in schema.types]
    return "" if not allowed or any(isinstance(value, types) for _, types in allowed) else allowed[0][0]


def field_set(value: dict[str, Any], schema: Schema | None) -> FieldSet:
    """The fields that an applied configuration says something about."""
    found: FieldSet = {}
    _collect(value, schema, (), found)
    return found


def _collect(value: Any, schema: Schema | None, path: Path, found: FieldSet) -> None:
    if _is_atomic(value, schema):
        field_sets.insert(found, path)
    elif isinstance(value, dict):
        for name, child in value.items():
            child_path = (*path, field_sets.field(name))
            _collect(child, _below(schema, name), child_path, found)
            if child is None or child == {} or schema is None or name not in schema.properties:
                field_sets.insert(found, child_path)
    else:
        assert schema is not None  # noqa: S101 - a list without a schema is atomic
        elements = _elements(value, schema)
        for element, item in zip(elements, value, strict=True):
            field_sets.insert(found, (*path, element))
            if elements.count(element) == 1:
                _collect(item, schema.items, (*path, element), found)


def compare(old: dict[str, Any], new: dict[str, Any], schema: Schema | None) -> Comparison:
    """Which fields were added, modified and removed between two versions of an object."""
    result = Comparison()
    _compare(old, new, schema, (), result)
    return result


def _compare(old: Any, new: Any, schema: Schema | None, path: Path, result: Comparison) -> None:
    if old is not _ABSENT and new is not _ABSENT and type(old) is type(new) and old == new:
        return
    both_containers = {type(value) for value in (old, new) if value is not _ABSENT and value is not None}
    shown = new if new not in (_ABSENT, None) else old
    empty = not _content(old) and not _content(new)
    if len(both_containers) > 1 or empty or _is_atomic(shown, schema):
        _note(old, new, path, result)
        return
    if isinstance(shown, dict):
        before, after = _content(old) or {}, _content(new) or {}
        for name in {**before, **after}:
            child_path = (*path, field_sets.field(name))
            _compare(
                before.get(name, _ABSENT), after.get(name, _ABSENT), _below(schema, name), child_path, result
            )
    else:
        assert schema is not None  # noqa: S101 - a list without a schema is atomic
        _compare_items(_content(old) or [], _content(new) or [], schema, path, result)
    if old is _ABSENT:
        field_sets.insert(result.added, path)
    elif new is _ABSENT:
        field_sets.insert(result.removed, path)


def _content(value: Any) -> Any:
    return None if value is _ABSENT else value


def _note(old: Any, new: Any, path: Path, result: Comparison) -> None:
    if old is _ABSENT:
        field_sets.insert(result.added, path)
    elif new is _ABSENT:
        field_sets.insert(result.removed, path)
    else:
        field_sets.insert(result.modified, path)


def _compare_items(old: list[Any], new: list[Any], schema: Schema, path: Path, result: Comparison) -> None:
    before = dict(zip(_elements(old, schema), old, strict=True))
    after = dict(zip(_elements(new, schema), new, strict=True))
    for element in {**before, **after}:
        child_path = (*path, element)
        _compare(before.get(element, _ABSENT), after.get(element, _ABSENT), schema.items, child_path, result)


def merge(live: Any, config: Any, schema: Schema | None) -> Any:
    """What an object becomes when a configuration is applied to it; neither is changed."""
    if _is_atomic(config, schema) or type(live) is not type(config):
        return config
    if isinstance(config, dict):
        merged = dict(live)
        for name, child in config.items():
            merged[name] = merge(live[name], child, _below(schema, name)) if name in live else child
        return merged
    assert schema is not None  # noqa: S101 - a list without a schema is atomic
    return _merge_items(live, config, schema)


def _merge_items(live: list[Any], config: list[Any], schema: Schema) -> list[Any]:
    """Items in the order of the configuration; those that only the live list has keep their place among them."""
    live_elements, config_elements = _elements(live, schema), _elements(config, schema)
    known, wanted = (
        dict(zip(live_elements, live, strict=True)),
        dict(zip(config_elements, config, strict=True)),
    )
    shared = [element for element in config_elements if element in known]
    merged: list[Any] = []
    done: set[str] = set()
    left = right = 0

    def take(element: str) -> None:
        done.add(element)
        present = element in known
        merged.append(merge(known[element], wanted[element], schema.items) if present else wanted[element])
        if shared and shared[0] == element:
            del shared[0]

    while left < len(live) or right < len(config):
        if left < len(live):
            element = live_elements[left]
            if right < len(config) and element == config_elements[right]:
                take(element)
                left, right = left + 1, right + 1
                continue
            if element not in wanted:
                merged.append(live[left])
                left += 1
                continue
            if element in done or (shared and shared[0] != element):
                left += 1
                continue
        if right < len(config):
            take(config_elements[right])
            right += 1
        else:
            left += 1
    return merged


def remove(value: Any, fields: FieldSet, schema: Schema | None) -> Any:
    """The object without these fields and items; None for a container that becomes empty by it."""
    if not fields or not value or not isinstance(value, (dict, list)):
        return value
    if _is_atomic(value, schema):
        return None
    if isinstance(value, dict):
        return _remove_fields(value, fields, schema) or None
    assert schema is not None  # noqa: S101 - a list without a schema is atomic
    items = []
    for element, item in zip(_elements(value, schema), value, strict=True):
        below = fields.get(element)
        if below is None:
            items.append(item)
        elif not field_sets.is_member(below):
            items.append(remove(item, below, schema.items))
    return items or None


def _remove_fields(value: dict[str, Any], fields: FieldSet, schema: Schema | None) -> dict[str, Any]:
    kept = {}
    for name, child in value.items():
        below = fields.get(field_sets.field(name))
        if below is None:
            kept[name] = child
        elif (
            not field_sets.is_member(below)
            and (left := remove(child, below, _below(schema, name))) is not None
        ):
            kept[name] = left
    return kept


def with_named_fields(fields: FieldSet, schema: Schema | None) -> FieldSet:
    """The set with every declared field on the way to a member made a member itself."""
    result: FieldSet = {}
    for element, below in fields.items():
        if element == ".":
            result[element] = {}
            continue
        child_schema: Schema | None = None
        declared = False
        if element.startswith("f:"):
            name = element.removeprefix("f:")
            child_schema = _below(schema, name)
            declared = schema is not None and name in schema.properties
        elif schema is not None:
            child_schema = schema.items
        node = with_named_fields(below, child_schema)
        result[element] = {**node, ".": {}} if declared else node
    return result


def as_object(value: Any) -> dict[str, Any]:
    """The root after a removal, which is an object even when nothing is left of it."""
    return dict(value) if isinstance(value, Mapping) else {}
