from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.apiserver import protobuf
from controller.sandbox.apiserver.errors import ApiError


def field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2, len(value)]) + value


def envelope(api_version: bytes, kind: bytes, content: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, api_version) + field(2, kind)) + field(2, content)


METADATA = field(1, field(1, b"credentials") + field(11, field(1, b"app") + field(2, b"cafe")))


def test_a_secret_is_read_as_kubectl_sends_it() -> None:
    data = field(2, field(1, b"token") + field(2, b"\x00\xff"))
    body = envelope(b"v1", b"Secret", METADATA + data + field(3, b"Opaque"))

    assert protobuf.decode(body) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "credentials", "labels": {"app": "cafe"}},
        "data": {"token": "AP8="},
        "type": "Opaque",
    }


def test_numbers_times_and_repeated_messages() -> None:
    replicas = bytes([1 << 3, 3])
    container = field(1, b"web") + field(2, b"nginx:1") + field(6, bytes([3 << 3]) + b"\x50")
    template = field(3, field(2, field(2, container)))
    body = envelope(b"apps/v1", b"Deployment", METADATA + field(2, replicas + template))

    decoded = protobuf.decode(body)
    assert decoded["spec"]["replicas"] == 3
    assert decoded["spec"]["template"]["spec"]["containers"] == [
        {"name": "web", "image": "nginx:1", "ports": [{"containerPort": 80}]}
    ]


def test_a_kind_that_is_not_known_is_refused_with_what_to_do() -> None:
    with pytest.raises(ApiError, match="send JSON") as raised:
        protobuf.decode(envelope(b"batch/v1", b"Job", METADATA))

    assert raised.value.code == 415


@given(st.binary(max_size=60))
def test_broken_bodies_are_refused_not_crashed_on(content: bytes) -> None:
    body = envelope(b"v1", b"Secret", content)
    answers = []
    with suppress(ApiError):
        answers.append(protobuf.decode(body))

    assert all(answer["kind"] == "Secret" for answer in answers)
