"""Request bodies: JSON and YAML to plain data; protobuf for the few kinds that clients insist on sending so."""

from __future__ import annotations

from typing import Any, Final

import orjson
import yaml

from . import errors, protobuf

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
_ACCEPTED: Final = (JSON, YAML, PROTOBUF)


def media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def decode(body: bytes, content_type: str) -> Any:
    """The data of a request body.

    Raises:
        ApiError: 400 for a body that cannot be read, 415 for a format that is not known.
    """
    match media_type(content_type) or JSON:
        case "application/json":
            return _json(body)
        case "application/yaml":
            return _yaml(body)
        case "application/vnd.kubernetes.protobuf":
            return protobuf.decode(body)
    raise errors.unsupported_media_type(_ACCEPTED)


def decode_patch(body: bytes) -> Any:
    """The data of a patch: JSON, whatever its kind."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.bad_request(f"error decoding patch: {error}") from None


def decode_apply(body: bytes) -> Any:
    """The data of an apply configuration: YAML, of which JSON is a part."""
    return _yaml(body)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.bad_request(f"couldn't get version/kind; json parse error: {error}") from None


def _yaml(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return yaml.load(body, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        raise errors.bad_request(f"error decoding YAML: {error}") from None


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML as JSON has it: timestamps stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
