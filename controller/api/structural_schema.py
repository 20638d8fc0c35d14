"""Turns a pydantic model into a structural schema as the API server wants it, or refuses to.

Bounds are not decoration: without `maxLength`, `maxItems` and `maxProperties` the API server prices a CEL
rule at its worst case and rejects the whole CRD (measured: a hundredfold over the budget).
"""

from typing import Any, Final, TypeAlias

from pydantic import BaseModel

Schema: TypeAlias = dict[str, Any]
"""A JSON schema; at this border its shape is known by its keywords only."""

_VALIDATIONS: Final = "x-kubernetes-validations"
_LIST_TYPE: Final = "x-kubernetes-list-type"
_LIST_MAP_KEYS: Final = "x-kubernetes-list-map-keys"
_PRESERVE_UNKNOWN: Final = "x-kubernetes-preserve-unknown-fields"
_INT32_MAX: Final = 2**31 - 1
_DROPPED: Final = frozenset({"title", "$defs", "examples"})
_KEYWORDS: Final = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    _LIST_TYPE,
    _LIST_MAP_KEYS,
    _PRESERVE_UNKNOWN,
    _VALIDATIONS,
    "items",
    "additionalProperties",
    "properties",
)
"""Every keyword that may stand in the result, in the order in which it is written."""


class UnboundedSchemaError(ValueError):
    """A model says less than the API server, or a reader, must know; the message names the path."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """Schema of a model without references, nulls and titles.

    Raises `UnboundedSchemaError` for a field without a description, for a string, list or map without a
    maximum, and for what has no structural form (unions, defaults, keywords the API server does not know).
    """
    schema = model.model_json_schema(by_alias=True)
    return _structural(schema, schema.get("$defs", {}), model.__name__)


def _structural(schema: Schema, definitions: dict[str, Schema], path: str) -> Schema:
    plain = _inlined(schema, definitions, path)
    match plain.get("type"):
        case "object":
            _complete_object(plain, definitions, path)
        case "array":
            _complete_list(plain, definitions, path)
        case "string":
            _check_string(plain, path)
        case "integer":
            plain["format"] = "int32" if plain.get("maximum", _INT32_MAX + 1) <= _INT32_MAX else "int64"
        case "boolean":
            pass
        case other:
            raise UnboundedSchemaError(
                f"{path}: type {other!r} has no structural form; use a model or a string"
            )
    if "description" in plain:
        plain["description"] = _unwrapped(plain["description"])
    if _VALIDATIONS in plain:
        plain[_VALIDATIONS] = _distinct_rules(plain[_VALIDATIONS])
    if unknown := plain.keys() - set(_KEYWORDS):
        raise UnboundedSchemaError(f"{path}: the API server does not know {', '.join(sorted(unknown))}")
    return {keyword: plain[keyword] for keyword in _KEYWORDS if keyword in plain}


def _inlined(schema: Schema, definitions: dict[str, Schema], path: str) -> Schema:
    """Follow references and `X | None`; what stands at the field wins, rules of both are kept."""
    if schema.get("default") is not None:
        raise UnboundedSchemaError(
            f"{path}: the schema must carry no default; let the field be None and describe what leaving it"
            " out means"
        )
    outer = {key: value for key, value in schema.items() if key not in _DROPPED and key != "default"}
    if "$ref" in outer:
        name = outer.pop("$ref").removeprefix("#/$defs/")
        return _merged(_inlined(definitions[name], definitions, path), outer)
    if "anyOf" in outer:
        choices = [choice for choice in outer.pop("anyOf") if choice != {"type": "null"}]
        if len(choices) != 1:
            raise UnboundedSchemaError(f"{path}: a union of several types has no structural form")
        return _merged(_inlined(choices[0], definitions, path), outer)
    if "const" in outer:
        outer["enum"] = [outer.pop("const")]
    return outer


def _merged(inner: Schema, outer: Schema) -> Schema:
    merged = inner | outer
    if _VALIDATIONS in merged:
        merged[_VALIDATIONS] = inner.get(_VALIDATIONS, []) + outer.get(_VALIDATIONS, [])
    return merged


def _distinct_rules(rules: list[Schema]) -> list[Schema]:
    """Each expression once, the innermost message; the expression is written first (pydantic sorts keys)."""
    by_expression: dict[str, Schema] = {}
    for rule in rules:
        by_expression.setdefault(rule["rule"], {"rule": rule["rule"], **rule})
    return list(by_expression.values())


def _unwrapped(text: str) -> str:
    """A docstring's lines as they were meant: paragraphs stay, line breaks within one do not."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _complete_object(plain: Schema, definitions: dict[str, Schema], path: str) -> None:
    if "properties" in plain:
        # `extra="forbid"` says false; the API server prunes or refuses unknown fields by itself.
        if plain.pop("additionalProperties", False):
            raise UnboundedSchemaError(f"{path}: an object has either named fields or the keys of a map")
        plain["properties"] = {
            name: _field(child, definitions, f"{path}.{name}") for name, child in plain["properties"].items()
        }
        return
    values = plain.get("additionalProperties")
    if plain.get(_PRESERVE_UNKNOWN) and values in (None, True):
        plain.pop("additionalProperties", None)
        return
    if not isinstance(values, dict):
        raise UnboundedSchemaError(f"{path}: name the object's fields, or say {_PRESERVE_UNKNOWN}")
    if "maxProperties" not in plain:
        raise UnboundedSchemaError(f"{path}: a map needs maxProperties; give the field a max_length")
    # Bounds on keys have no structural form; the API server prices them by the request's size.
    plain.pop("propertyNames", None)
    plain["additionalProperties"] = _structural(values, definitions, f"{path}.*")


def _field(schema: Schema, definitions: dict[str, Schema], path: str) -> Schema:
    field = _structural(schema, definitions, path)
    # Checked after references were followed: pydantic leaves out a field's text where it equals the model's.
    if not field.get("description"):
        raise UnboundedSchemaError(f"{path}: a field needs a description; pass one to Field()")
    return field


def _complete_list(plain: Schema, definitions: dict[str, Schema], path: str) -> None:
    if "maxItems" not in plain:
        raise UnboundedSchemaError(f"{path}: a list needs maxItems; give the field a max_length")
    if _LIST_TYPE not in plain:
        raise UnboundedSchemaError(
            f"{path}: a list needs {_LIST_TYPE}; pass list_set(), list_map() or list_atomic() to Field()"
        )
    plain["items"] = items = _structural(plain.get("items", {}), definitions, f"{path}[]")
    keys = set(plain.get(_LIST_MAP_KEYS, []))
    if missing := keys - set(items.get("required", [])):
        raise UnboundedSchemaError(
            f"{path}: list map key {', '.join(sorted(missing))} must be a required field"
        )
    if plain[_LIST_TYPE] == "set" and items["type"] in {"object", "array"}:
        raise UnboundedSchemaError(f"{path}: items of a set must be scalars; use list_map() or list_atomic()")


def _check_string(plain: Schema, path: str) -> None:
    if "enum" not in plain and "maxLength" not in plain:
        raise UnboundedSchemaError(
            f"{path}: a string needs maxLength or an enum; give the field a max_length"
        )
