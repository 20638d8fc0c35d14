"""The types of the built-in kinds: their schemas and protobuf messages, from `kubernetes_types.json`.

The file is made from the Kubernetes 1.36 sources (Apache License 2.0) by `extract_types`.
"""

import functools
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, Final

import orjson

from . import go_types
from .structural import Schema, compile_schema, key_defaults

_REFERENCE: Final = "#/components/schemas/"
_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_TIMES: Final = {f"{_META}Time": go_types.TIME, f"{_META}MicroTime": go_types.MICRO_TIME}
# Hand-written validation decides these for built-in kinds; their schemas only describe.
_NOT_ENFORCED: Final = frozenset({"required", "enum", "oneOf", "allOf", "description"})


@functools.cache
def _types() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("kubernetes_types.json").read_bytes()
    loaded: dict[str, Any] = orjson.loads(text)
    return loaded


def definitions(names: tuple[str, ...]) -> dict[str, Any]:
    """These schemas and all they refer to, by name, for an OpenAPI document."""
    known, found, wanted = _types()["schemas"], {}, list(names)
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = known[name]
            wanted += references(known[name])
    return found


def references(value: Any) -> Iterator[str]:
    """The names of all schemas that a schema refers to."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key == "$ref" and isinstance(child, str):
                yield child.removeprefix(_REFERENCE)
            else:
                yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


@functools.cache
def _names() -> dict[tuple[str, str, str], str]:
    return {
        (known["group"], known["version"], known["kind"]): name
        for name, schema in _types()["schemas"].items()
        for known in schema.get("x-kubernetes-group-version-kind", ())
    }


def definition_name(group: str, version: str, kind: str) -> str:
    """The name of a kind's schema.

    Raises:
        KeyError: the kind is not among those extracted.

    """
    return _names()[(group, version, kind)]


def definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _types()["schemas"][name]
    return found


@functools.cache
def compiled(name: str) -> Schema:
    """A built-in kind's schema, ready for pruning, merging and reading objects of the kind."""
    if name in _TIMES:
        return Schema(types=("string",), nullable=True, format=_TIMES[name])
    return _compile(definition(name))


def _compile(source: Mapping[str, Any]) -> Schema:
    """As `compile_schema`, but with references, each compiled once."""
    target = source.get("$ref")
    if target is None and len(source.get("allOf", ())) == 1:
        target = source["allOf"][0].get("$ref")
    if target is not None:
        return compiled(target.removeprefix(_REFERENCE))
    own = {key: value for key, value in source.items() if key not in _NOT_ENFORCED}
    properties = own.pop("properties", {})
    items, additional = own.pop("items", None), own.pop("additionalProperties", None)
    schema = compile_schema(own)
    schema.nullable = True
    schema.properties = {name: _compile(child) for name, child in properties.items()}
    schema.items = _compile(items) if items is not None else None
    schema.additional = _compile(additional) if isinstance(additional, Mapping) else None
    schema.preserve_unknown = schema.type == "object" and not properties and additional is None
    schema.checks_lists = False
    schema.list_map_defaults = key_defaults(schema)
    return schema


def message(name: str) -> dict[int, tuple[str, str]]:
    """A protobuf message: field number -> name and type (`[]` before the type: repeated, `{}`: a map)."""
    fields: dict[str, str] = _types()["messages"][name]
    return {
        int(number): (field.partition(":")[0], field.partition(":")[2]) for number, field in fields.items()
    }


def is_message(name: str) -> bool:
    return name in _types()["messages"]


def message_name(group: str, version: str, kind: str) -> str | None:
    """The protobuf message of a kind; None when it is not among those extracted."""
    try:
        name = definition_name(group, version, kind).replace("io.k8s.", "k8s.io.", 1)
    except KeyError:
        return None
    return name if is_message(name) else None
