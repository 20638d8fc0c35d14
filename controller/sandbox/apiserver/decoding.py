"""Request bodies: JSON and YAML to plain data; protobuf for the few kinds that clients insist on sending so."""

import json
from collections.abc import Iterator
from typing import Any, Final

import orjson
import yaml

from . import errors, protobuf
from .requests import FieldValidation, WriteOptions

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"


def media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def decode(body: bytes, content_type: str, options: WriteOptions, kind: str = "") -> Any:
    """The data of a request body; fields that it names twice become warnings in `options`.

    `kind` is what the body should be, for the error message; empty for options of a request.

    Raises:
        ApiError: 400 for a body that cannot be read (or, under strict validation, repeats a field), 415 for a format
            that is not known.

    """
    match media_type(content_type) or JSON:
        case "application/json":
            return _json(body, options, kind)
        case "application/yaml":
            return _yaml(body)
        case "application/vnd.kubernetes.protobuf":
            return protobuf.decode(body)
    raise errors.unsupported_media_type((JSON, YAML, PROTOBUF))


def decode_patch(body: bytes) -> Any:
    """The data of a patch: JSON, whatever its kind.

    Raises:
        ApiError: 400 for what is not JSON.

    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.bad_request(f"error decoding patch: {_go_text(error, body)}") from None


def decode_apply(body: bytes) -> Any:
    """The data of an apply configuration: YAML, of which JSON is a part.

    Raises:
        ApiError: 400 for what is neither.

    """
    return _yaml(body)


def _json(body: bytes, options: WriteOptions, wanted: str) -> Any:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        why = f"couldn't get version/kind; json parse error: {_go_text(error, body)}"
        raise (errors.unrecognized(wanted, why, body) if wanted else errors.bad_request(why)) from None
    # Parsing drops repeated fields silently; a count tells cheaply that none was.
    if (
        options.field_validation is not FieldValidation.IGNORE
        and orjson.dumps(content).count(b'":') != body.count(b'":')
        and (repeated := [f'duplicate field "{path}"' for path in _duplicates(_load_pairs(body), "")])
    ):
        if options.field_validation is FieldValidation.STRICT:
            kind, version = content.get("kind"), str(content.get("apiVersion")).rpartition("/")[2]
            why = f"strict decoding error: {', '.join(repeated)}"
            raise errors.bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {why}')
        options.warnings += repeated
    return content


class _Pairs(list[tuple[str, Any]]):
    """The members of an object as they stand in the text."""


def _load_pairs(body: bytes) -> Any:
    return json.loads(body, object_pairs_hook=_Pairs)


def _duplicates(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, child in value:
            child_path = f"{path}.{name}" if path else name
            if name in seen:
                yield child_path
            seen.add(name)
            yield from _duplicates(child, child_path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _duplicates(item, f"{path}[{index}]")


def _go_text(error: orjson.JSONDecodeError, body: bytes) -> str:
    """Go's words for the commonest mistakes."""
    text = body.decode(errors="replace").rstrip()
    if error.pos >= len(text):
        return "unexpected end of JSON input"
    where = "looking for beginning of " + ("object key string" if "string key" in error.msg else "value")
    return f"invalid character '{text[error.pos]}' {where}"


def _yaml(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return yaml.load(body, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        raise errors.bad_request(f"error decoding YAML: {error}") from None


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: timestamps stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
