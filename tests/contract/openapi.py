"""Checks exchanges and JSON values against an OpenAPI 3.0 file. Stricter than the files ask for: what they do not
document (a field, a query parameter, a status) is a violation too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Schema = dict[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as they went over the wire. `content` is decoded JSON; None: no body."""

    method: str
    path: str
    query: str
    content_type: str
    body: bytes
    authorization: str
    status: int
    content: object

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


@dataclass(frozen=True)
class OpenApi:
    """`prefix` is what the file's server URL puts before its paths."""

    document: Schema
    prefix: str = ""

    # ---- single values ------------------------------------------------------------------------------------

    def response(self, path: str, method: str, status: str) -> Schema:
        found: Schema = self._operation(path, method)["responses"][status]["content"][JSON]["schema"]
        return found

    def example(self, path: str, method: str, status: str) -> Schema:
        """Return the first documented example of a response."""
        content = self._operation(path, method)["responses"][status]["content"][JSON]
        found: Schema = next(iter(content["examples"].values()))["value"]
        return found

    def violations(self, value: object, schema: Schema, place: str = "$") -> Iterator[str]:
        schema = self._resolve(schema)
        if value is None:
            # Enumerations of these files are references and cannot say that they are nullable.
            if not schema.get("nullable") and "enum" not in schema and "type" in schema:
                yield f"{place} is null"
            return
        yield from _scalar(value, schema, place)
        yield from self._alternatives(value, schema, place)
        if isinstance(value, dict):
            yield from self._members(value, schema, place)
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.violations(item, schema.get("items", {}), f"{place}[{index}]")

    # ---- exchanges ----------------------------------------------------------------------------------------

    def knows(self, exchange: Exchange) -> bool:
        """Whether a path of this file matches."""
        return self._find(exchange.path) is not None

    def request_violations(self, exchange: Exchange) -> Iterator[str]:
        """What is wrong with a request: its parameters, its body, its credentials."""
        found = self._find(exchange.path)
        if found is None or exchange.method.lower() not in found[1]:
            yield f"{exchange.method} {exchange.path} is not documented"
            return
        item, operation = found[1], found[1][exchange.method.lower()]
        parameters = [
            self._resolve(one) for one in [*item.get("parameters", ()), *operation.get("parameters", ())]
        ]
        yield from self._parameters(found[2], parameters, "path")
        yield from self._parameters(
            dict(parse_qsl(exchange.query, keep_blank_values=True)), parameters, "query"
        )
        if not exchange.authorization.startswith("Basic "):
            yield "the request carries no Basic credentials"
        yield from self._request_body(exchange, operation)

    def response_violations(self, exchange: Exchange) -> Iterator[str]:
        """What is wrong with an answer: its status, or its body."""
        found = self._find(exchange.path)
        if found is None or exchange.method.lower() not in found[1]:
            return  # the request's violation
        responses = found[1][exchange.method.lower()]["responses"]
        if str(exchange.status) not in responses:
            yield f"status {exchange.status} is not documented, only {sorted(responses)}"
            return
        content = self._resolve(responses[str(exchange.status)]).get("content")
        if content is None:
            if exchange.content is not None:
                yield "there is a body where none is documented"
            return
        yield from self.violations(exchange.content, content[JSON]["schema"])

    def _operation(self, path: str, method: str) -> Schema:
        found: Schema = self.document["paths"][path][method]
        return found

    def _find(self, path: str) -> tuple[str, Schema, dict[str, str]] | None:
        """The path of the file that matches, with the most fixed parts first."""
        for template in sorted(self.document["paths"], key=lambda one: (one.count("{"), -len(one))):
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", re.escape(self.prefix + template))
            match = re.fullmatch(pattern.removesuffix("/") + "/?", path)
            if match is not None:
                return template, self.document["paths"][template], match.groupdict()
        return None

    def _parameters(self, given: Mapping[str, str], parameters: list[Schema], where: str) -> Iterator[str]:
        known = {one["name"]: one for one in parameters if one["in"] == where}
        for name, one in known.items():
            if one.get("required") and name not in given:
                yield f"{where} parameter {name} is missing"
        for name, text in given.items():
            if name not in known:
                yield f"{where} parameter {name} is not documented"
                continue
            schema = self._resolve(known[name]["schema"])
            yield from self.violations(_read(text, schema), schema, f"{where}.{name}")

    def _request_body(self, exchange: Exchange, operation: Schema) -> Iterator[str]:
        documented = operation.get("requestBody")
        if documented is None:
            if exchange.body:
                yield "there is a body where none is documented"
            return
        if not exchange.body:
            if documented.get("required"):
                yield "the body is missing"
            return
        if exchange.content_type not in documented["content"]:
            yield f"the body is {exchange.content_type}, not {sorted(documented['content'])}"
            return
        schema = self._resolve(documented["content"][exchange.content_type]["schema"])
        yield from self.violations(self._decode(exchange, schema), schema)

    def _decode(self, exchange: Exchange, schema: Schema) -> object:
        if exchange.content_type == FORM:
            properties = schema.get("properties", {})
            fields = parse_qsl(exchange.body.decode(), keep_blank_values=True)
            return {name: _read(text, self._resolve(properties.get(name, {}))) for name, text in fields}
        return json.loads(exchange.body)

    # ---- schemas ------------------------------------------------------------------------------------------

    def _alternatives(self, value: object, schema: Schema, place: str) -> Iterator[str]:
        for name in ("anyOf", "oneOf"):
            options = [{"type": schema.get("type"), **option} for option in schema.get(name, ())]
            # An option here narrows the schema around it, whose properties are known already.
            options = [{"properties": schema.get("properties", {}), **option} for option in options]
            if options and all(any(True for _ in self.violations(value, one, place)) for one in options):
                yield f"{place} fits none of {name}"

    def _members(self, value: Schema, schema: Schema, place: str) -> Iterator[str]:
        properties = self._properties(schema)
        yield from (f"{place}.{name} is missing" for name in schema.get("required", []) if name not in value)
        extra = schema.get("additionalProperties")
        for name, item in value.items():
            if name in properties:
                yield from self.violations(item, properties[name], f"{place}.{name}")
            elif isinstance(extra, dict):
                yield from self.violations(item, extra, f"{place}.{name}")
            elif properties or extra is False:
                yield f"{place}.{name} is not documented"

    def _properties(self, schema: Schema) -> Schema:
        """Those of the schema and of everything that `allOf` joins to it."""
        properties: Schema = dict(schema.get("properties", {}))
        for part in schema.get("allOf", ()):
            properties |= self._properties(self._resolve(part))
        return properties

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema


def _read(text: str, schema: Schema) -> object:
    """A text of a query or form as the type that the schema gives it; as it is when it is none."""
    match schema.get("type"):
        case "integer" if re.fullmatch(r"-?\d+", text):
            return int(text)
        case "boolean" if text in ("true", "false"):
            return text == "true"
    return text


def _scalar(value: object, schema: Schema, place: str) -> Iterator[str]:
    expected = _TYPES.get(schema.get("type") or "")
    if expected is not None and (
        not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)
    ):
        yield f"{place} is {type(value).__name__}, not {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is {value!r}, not one of {schema['enum']}"
    if isinstance(value, str) and value:
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{place} is {value!r}, which does not match {schema['pattern']}"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{place} has {len(value)} characters"
    if isinstance(value, int | float) and not (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        yield f"{place} is {value}, out of bounds"
