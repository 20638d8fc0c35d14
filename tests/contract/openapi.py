"""Checks a JSON value against an OpenAPI 3.0 schema: types, enums, patterns, unknown and required names."""

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


class OpenApi:
    def __init__(self, document: Schema) -> None:
        self._document = document

    def response(self, path: str, method: str, status: str) -> Schema:
        operation = self._document["paths"][path][method]
        found: Schema = operation["responses"][status]["content"]["application/json"]["schema"]
        return found

    def example(self, path: str, method: str, status: str) -> Schema:
        """Return the first documented example of a response."""
        content = self._document["paths"][path][method]["responses"][status]["content"]["application/json"]
        found: Schema = next(iter(content["examples"].values()))["value"]
        return found

    def violations(self, value: object, schema: Schema, place: str = "$") -> Iterator[str]:
        schema = self._resolve(schema)
        if value is None:
            # Enumerations of this file are references and cannot say that they are nullable.
            if not schema.get("nullable") and "enum" not in schema and "type" in schema:
                yield f"{place} is null"
            return
        yield from self._scalar(value, schema, place)
        if isinstance(value, dict):
            yield from self._members(value, schema, place)
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.violations(item, schema.get("items", {}), f"{place}[{index}]")

    def _members(self, value: Schema, schema: Schema, place: str) -> Iterator[str]:
        properties = schema.get("properties", {})
        yield from (f"{place}.{name} is missing" for name in schema.get("required", []) if name not in value)
        for name, item in value.items():
            if name in properties:
                yield from self.violations(item, properties[name], f"{place}.{name}")
            elif properties:
                yield f"{place}.{name} is not documented"

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return schema

    @staticmethod
    def _scalar(value: object, schema: Schema, place: str) -> Iterator[str]:
        kinds: dict[str, tuple[type, ...]] = {
            "string": (str,),
            "integer": (int,),
            "number": (int, float),
            "boolean": (bool,),
            "object": (dict,),
            "array": (list,),
        }
        expected = kinds.get(schema.get("type", ""))
        if expected is not None and not isinstance(value, expected):
            yield f"{place} is {type(value).__name__}, not {schema['type']}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{place} is {value!r}, not one of {schema['enum']}"
        if (
            isinstance(value, str)
            and value
            and "pattern" in schema
            and not re.search(schema["pattern"], value)
        ):
            yield f"{place} is {value!r}, which does not match {schema['pattern']}"
