"""The subset of Kubernetes' JSONPath that printer columns and selectable fields use.

Fields, quoted fields, indices, wildcards, and filters `[?(@.a=="b")]` with `==` and `!=`.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

Step = Callable[[Any], list[Any]]

_STEP: Final = re.compile(
    r"""\.(?P<field>(?:[\w-]|\\.)+)"""
    r"""|\[\s*(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\s*\]"""
    r"""|\[(?P<index>-?\d+)\]"""
    r"""|(?P<wildcard>\[\*\]|\.\*)"""
    r"""|\[\?\(\s*@(?P<path>[^=!]*?)\s*(?P<operator>==|!=)\s*(?P<value>"[^"]*"|'[^']*'|[\w.-]+)\s*\)\]"""
)


class JsonPathError(ValueError):
    """The path uses something outside the subset."""


@cache
def compile_path(path: str) -> Callable[[Any], list[Any]]:
    """A function from a document to all values at `path`, in order.

    Raises:
        JsonPathError: the path is malformed or outside the subset.

    """
    steps: list[Step] = []
    position = 1 if path.startswith("$") else 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise JsonPathError(f"unrecognized JSONPath at {path[position:]!r} in {path!r}")
        steps.append(_step(match))
        position = match.end()

    def find(document: Any) -> list[Any]:
        values = [document]
        for step in steps:
            values = [found for value in values for found in step(value)]
        return values

    return find


def _step(match: re.Match[str]) -> Step:
    if match["field"] is not None or match["quoted"] is not None:
        name = match["quoted"] if match["quoted"] is not None else re.sub(r"\\(.)", r"\1", match["field"])
        return lambda value: [value[name]] if isinstance(value, dict) and name in value else []
    if match["index"] is not None:
        index = int(match["index"])
        return lambda value: value[index : index + 1 or None] if isinstance(value, list) else []
    if match["wildcard"]:
        return _children
    wanted = match["value"].strip("\"'")
    equal = match["operator"] == "=="
    inner = compile_path(match["path"])

    def keep(value: Any) -> list[Any]:
        return [item for item in _children(value) if (str(next(iter(inner(item)), "")) == wanted) is equal]

    return keep


def _children(value: Any) -> list[Any]:
    match value:
        case list():
            return value
        case dict():
            return list(value.values())
        case _:
            return []
