"""Decoding of `application/vnd.kubernetes.protobuf` bodies: kubectl sends some built-in kinds only so."""

import base64
import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from . import errors, kubernetes_types

_MAGIC: Final = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_INT64_MAX: Final = 2**63 - 1
_META: Final = "k8s.io.apimachinery.pkg.apis.meta.v1."
# Go embeds these structs, so in JSON their fields stand in the outer object.
_INLINED: Final = frozenset(
    {
        "localObjectReference",
        "volumeSource",
        "handler",
        "ephemeralContainerCommon",
        "rule",
        "ruleWithOperations",
    }
)
# Zero values of these mean something and are sent only when they were set.
_EMPTY: Final = frozenset({"", 0})


class _MalformedError(Exception):
    pass


def decode(body: bytes) -> dict[str, Any]:
    """The object in a body.

    Raises:
        ApiError: 400 for bytes that are no such body, 415 for a kind that is not known here.

    """
    if not body.startswith(_MAGIC):
        raise errors.bad_request("the body does not begin with the Kubernetes protobuf prefix")
    try:
        envelope = dict(_fields(body[len(_MAGIC) :]))
        type_meta = dict(_fields(_bytes(envelope[1])))
        api_version, kind = _bytes(type_meta[1]).decode(), _bytes(type_meta[2]).decode()
        group, _, version = api_version.rpartition("/")
        name = kubernetes_types.message_name(group, version, kind)
        if name is None:
            raise errors.ApiError(
                415,
                "UnsupportedMediaType",
                f"protobuf bodies of kind {kind} ({api_version}) are not understood by this server: send JSON",
            )
        content = _message(_bytes(envelope.get(2, b"")), name)
    except (_MalformedError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise errors.bad_request(f"the protobuf body cannot be decoded: {error!r}") from None
    return {"apiVersion": api_version, "kind": kind, **content}


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers with their raw values."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        match wire_type:
            case 0:
                value, position = _varint(data, position)
                yield number, value
            case 2:
                length, position = _varint(data, position)
                if position + length > len(data):
                    raise _MalformedError("a field is longer than the message")
                yield number, data[position : position + length]
                position += length
            case 1 | 5:
                width = 8 if wire_type == _FIXED64 else 4
                yield number, data[position : position + width]
                position += width
            case _:
                raise _MalformedError(f"wire type {wire_type}")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position
        shift += 7


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _MalformedError("a number stands where bytes belong")
    return value


@functools.cache
def _known_fields(name: str) -> dict[int, tuple[str, str]]:
    return kubernetes_types.message(name)


def _message(data: bytes, name: str) -> Any:
    special = _SPECIAL.get(name)
    if special is not None:
        return special(data)
    known = _known_fields(name)
    content: dict[str, Any] = {}
    for number, raw in _fields(data):
        if number not in known:
            continue
        field, type_ = known[number]
        if type_.startswith("[]"):
            content.setdefault(field, []).append(_value(raw, type_[2:]))
        elif type_.startswith("{}"):
            entry = dict(_fields(_bytes(raw)))
            key = _bytes(entry.get(1, b"")).decode()
            content.setdefault(field, {})[key] = _value(entry.get(2, b""), type_[2:])
        elif field in _INLINED:
            content.update(_value(raw, type_))
        else:
            value = _value(raw, type_)
            # Go writes its zero values too; JSON leaves them out.
            if not (
                isinstance(value, (str, int)) and value in _EMPTY and field not in {"replicas", "controller"}
            ):
                content[field] = value
    return {key: value for key, value in content.items() if value not in ({}, None)}


def _value(raw: int | bytes, type_: str) -> Any:
    match type_:
        case "string":
            return _bytes(raw).decode()
        case "bytes":
            return base64.b64encode(_bytes(raw)).decode()
        case "bool":
            return bool(raw)
        case "int32" | "int64":
            number = int.from_bytes(raw, "little") if isinstance(raw, bytes) else raw
            return number - 2**64 if number > _INT64_MAX else number
    return _message(_bytes(raw), type_)


def _time(data: bytes) -> str | None:
    fields = dict(_fields(data))
    seconds = fields.get(1, 0)
    if not isinstance(seconds, int) or seconds == 0 or seconds > _INT64_MAX:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(data: bytes) -> str | None:
    fields = dict(_fields(data))
    seconds, nanos = fields.get(1, 0), fields.get(2, 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int) or seconds == 0 or seconds > _INT64_MAX:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos // 1000:06d}Z"


def _quantity(data: bytes) -> str:
    return _bytes(dict(_fields(data)).get(1, b"")).decode()


def _int_or_string(data: bytes) -> int | str:
    fields = dict(_fields(data))
    if fields.get(1, 0) == 1:
        return _bytes(fields.get(3, b"")).decode()
    number: int = _value(fields.get(2, 0), "int64")
    return number


def _extra_value(data: bytes) -> list[str]:
    return [_bytes(raw).decode() for _, raw in _fields(data)]


_SPECIAL: Final = {
    f"{_META}Time": _time,
    f"{_META}MicroTime": _micro_time,
    "k8s.io.apimachinery.pkg.api.resource.Quantity": _quantity,
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "k8s.io.api.authentication.v1.ExtraValue": _extra_value,
}
