"""Sets of field paths, as `managedFields` records them.

A set is a tree of path elements: `f:NAME` for a field, `k:{"KEY":VALUE}` for an item of a keyed list, `v:VALUE` for an
item of a set. A `.` says that the path itself is a member. (In `fieldsV1` a leaf leaves its `.` out.)
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

FieldSet = dict[str, Any]
_MEMBER: Final = "."


def field(name: str) -> str:
    """The path element of a field."""
    return f"f:{name}"


def keyed_item(keys: Mapping[str, Any]) -> str:
    """The path element of an item of a keyed list."""
    return f"k:{orjson.dumps(dict(keys), option=orjson.OPT_SORT_KEYS).decode()}"


def set_item(value: Any) -> str:
    """The path element of an item of a set."""
    return f"v:{orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()}"


def insert(target: FieldSet, path: Iterable[str]) -> None:
    for element in path:
        target = target.setdefault(element, {})
    target[_MEMBER] = {}


def is_member(node: FieldSet) -> bool:
    return _MEMBER in node


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    if not right:
        return left
    result = dict(left)
    for element, below in right.items():
        result[element] = union(result[element], below) if element in result else below
    return result


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in `left` and not in `right`; paths below one of `right` stay."""
    if not right:
        return left
    result: FieldSet = {}
    for element, below in left.items():
        if element not in right:
            result[element] = below
        elif element != _MEMBER and (kept := difference(below, right[element])):
            result[element] = kept
    return result


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    result: FieldSet = {}
    for element, below in left.items():
        if element not in right:
            continue
        if element == _MEMBER:
            result[element] = {}
        elif kept := intersection(below, right[element]):
            result[element] = kept
    return result


def without(fields: FieldSet, names: Iterable[str]) -> FieldSet:
    """The set without these top-level fields and everything below them."""
    excluded = {field(name) for name in names}
    return {element: below for element, below in fields.items() if element not in excluded}


def members(fields: FieldSet, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """All paths of a set, the shallow before the deep, as conflicts are listed."""
    ordered = sorted(children(fields))
    yield from ((*path, element) for element, below in ordered if is_member(below))
    for element, below in ordered:
        yield from members(below, (*path, element))


def children(fields: FieldSet) -> Iterator[tuple[str, FieldSet]]:
    return ((element, below) for element, below in fields.items() if element != _MEMBER)


def load(fields_v1: Mapping[str, Any]) -> FieldSet:
    """Read `fieldsV1`."""
    return {element: {} if element == _MEMBER else _load(below) for element, below in fields_v1.items()}


def _load(node: Mapping[str, Any]) -> FieldSet:
    return load(node) if node else {_MEMBER: {}}


def dump(fields: FieldSet) -> dict[str, Any]:
    """Write `fieldsV1`."""
    return {element: _dump(below) for element, below in sorted(fields.items())}


def _dump(node: FieldSet) -> dict[str, Any]:
    return {} if len(node) == 1 and _MEMBER in node else dump(node)


def printed(path: Iterable[str]) -> str:
    """A path as conflict messages show it: `.spec.ports[name="http"].port`."""
    text = ""
    for element in path:
        kind, _, value = element.partition(":")
        match kind:
            case "f":
                text += f".{value}"
            case "k":
                pairs = (
                    f"{key}={orjson.dumps(v).decode()}" for key, v in sorted(orjson.loads(value).items())
                )
                text += f"[{','.join(pairs)}]"
            case _:
                text += f"[={value}]"
    return text
