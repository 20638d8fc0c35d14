"""Structural schemas (the OpenAPI subset of CRDs), compiled once into nodes that are cheap to walk."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .formats import FORMATS

JsonObject = dict[str, Any]


@dataclass(slots=True)
class Schema:
    """One node. `types` is empty where any JSON type is allowed."""

    types: tuple[str, ...] = ()
    nullable: bool = False
    preserve_unknown: bool = False
    embedded: bool = False
    properties: Mapping[str, "Schema"] = field(default_factory=dict)
    additional: "Schema | None" = None
    additional_allowed: bool = False
    items: "Schema | None" = None
    required: tuple[str, ...] = ()
    default: Any = None
    has_default: bool = False
    has_defaults_below: bool = False
    enum: tuple[Any, ...] | None = None
    format: str = ""
    format_check: Callable[[str], bool] | None = None
    pattern: str = ""
    pattern_search: Callable[[str], Any] | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    min_properties: int | None = None
    max_properties: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    multiple_of: float | None = None
    all_of: tuple["Schema", ...] = ()
    any_of: tuple["Schema", ...] = ()
    one_of: tuple["Schema", ...] = ()
    not_: "Schema | None" = None
    list_type: str = "atomic"
    list_map_keys: tuple[str, ...] = ()
    list_map_defaults: Mapping[str, Any] = field(default_factory=dict)
    map_type: str = "granular"
    rules: tuple[Mapping[str, Any], ...] = ()
    checks_lists: bool = False
    patch_strategy: str = ""
    patch_merge_key: str = ""

    @property
    def type(self) -> str:
        return self.types[0] if self.types else ""


def compile_schema(source: Mapping[str, Any]) -> Schema:
    """Compile one schema of a CRD (or of a built-in kind, `$ref` resolved beforehand)."""
    properties = {name: compile_schema(child) for name, child in source.get("properties", {}).items()}
    additional_source = source.get("additionalProperties")
    additional = compile_schema(additional_source) if isinstance(additional_source, Mapping) else None
    items_source = source.get("items")
    items = compile_schema(items_source) if isinstance(items_source, Mapping) else None
    schema = Schema(
        types=_types(source),
        nullable=bool(source.get("nullable")),
        preserve_unknown=bool(source.get("x-kubernetes-preserve-unknown-fields")),
        embedded=bool(source.get("x-kubernetes-embedded-resource")),
        properties=properties,
        additional=additional,
        additional_allowed=bool(additional_source) or additional is not None,
        items=items,
        required=tuple(source.get("required", ())),
        default=source.get("default"),
        has_default=source.get("default") is not None,
        enum=tuple(source["enum"]) if source.get("enum") else None,
        pattern=source.get("pattern", ""),
        pattern_search=re.compile(_python_pattern(source["pattern"])).search
        if source.get("pattern")
        else None,
        min_length=source.get("minLength"),
        max_length=source.get("maxLength"),
        min_items=source.get("minItems"),
        max_items=source.get("maxItems"),
        min_properties=source.get("minProperties"),
        max_properties=source.get("maxProperties"),
        minimum=source.get("minimum"),
        maximum=source.get("maximum"),
        exclusive_minimum=bool(source.get("exclusiveMinimum")),
        exclusive_maximum=bool(source.get("exclusiveMaximum")),
        multiple_of=source.get("multipleOf"),
        all_of=_all(source.get("allOf", ())),
        any_of=_all(source.get("anyOf", ())),
        one_of=_all(source.get("oneOf", ())),
        not_=compile_schema(source["not"]) if source.get("not") else None,
        list_type=source.get("x-kubernetes-list-type", "atomic"),
        list_map_keys=tuple(source.get("x-kubernetes-list-map-keys", ())),
        map_type=source.get("x-kubernetes-map-type", "granular"),
        rules=tuple(source.get("x-kubernetes-validations", ())),
        patch_strategy=source.get("x-kubernetes-patch-strategy", ""),
        patch_merge_key=source.get("x-kubernetes-patch-merge-key", ""),
    )
    _set_format(schema, source.get("format", ""))
    children = [*properties.values(), *(child for child in (additional, items) if child is not None)]
    schema.has_defaults_below = any(child.has_default or child.has_defaults_below for child in children)
    schema.checks_lists = schema.list_type in {"set", "map"} or any(child.checks_lists for child in children)
    schema.list_map_defaults = key_defaults(schema)
    return schema


def key_defaults(schema: Schema) -> dict[str, Any]:
    """The defaults of the key fields of a `listType: map`."""
    fields = schema.items.properties if schema.items is not None else {}
    return {
        key: fields[key].default for key in schema.list_map_keys if key in fields and fields[key].has_default
    }


def _types(source: Mapping[str, Any]) -> tuple[str, ...]:
    if source.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    return (source["type"],) if source.get("type") else ()


def _all(sources: Sequence[Mapping[str, Any]]) -> tuple[Schema, ...]:
    return tuple(map(compile_schema, sources))


def _set_format(schema: Schema, name: str) -> None:
    known = FORMATS.get(name.replace("-", ""))
    if known is not None:
        schema.format, schema.format_check = name, known
    elif name in {"int32", "int64", "float", "double"}:
        schema.format = name


def _python_pattern(pattern: str) -> str:
    r"""RE2 to `re`: Python's `$` also matches before a last newline, and knows `\Z` only in capitals.

    `$` is left alone where it is escaped or a member of a character class.
    """
    out: list[str] = []
    in_class = False
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            pair = pattern[position : position + 2]
            out.append(r"\Z" if pair == r"\z" else pair)
            position += 2
            continue
        if character == "[":
            in_class = True
        elif character == "]":
            in_class = False
        out.append(r"\Z" if character == "$" and not in_class else character)
        position += 1
    return "".join(out)
