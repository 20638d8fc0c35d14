from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.apiserver.formats import FORMATS
from controller.sandbox.apiserver.normalize import apply_defaults, drop_forbidden_nulls, prune
from controller.sandbox.apiserver.structural import compile_schema
from controller.sandbox.apiserver.validation import same, validate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from("abc"), children, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        (r"^a\$$", "a$", True),
        ("^[a$]+$", "$a", True),
        (r"^a\z", "a", True),
        ("a|b", "xbx", True),
    ],
)
def test_patterns_mean_what_they_mean_in_go(pattern: str, text: str, matches: bool) -> None:  # noqa: FBT001
    schema = compile_schema({"type": "string", "pattern": pattern})

    assert (not validate(text, schema)) is matches


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("datetime", "2026-01-01T00:00:00Z", "2026-01-01"),
        ("date", "2026-02-28", "2026-02-30"),
        ("duration", "1h30m", "soon"),
        ("uri", "https://a.example", "a b"),
        ("email", "a@b.example", "a@"),
        ("hostname", "a.example", "-a-"),
        ("ipv4", "127.0.0.1", "127.0.0.256"),
        ("ipv6", "::1", "127.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("mac", "00:11:22:33:44:55", "00:11"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
        ("byte", "AAE=", "%%"),
        ("k8sshortname", "my-name", "My"),
    ],
)
def test_formats(name: str, good: str, bad: str) -> None:
    assert FORMATS[name](good)
    assert not FORMATS[name](bad)


def test_unknown_fields_go_and_are_named() -> None:
    schema = compile_schema(
        {
            "type": "object",
            "properties": {
                "known": {"type": "object", "properties": {"x": {"type": "integer"}}},
                "items": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"y": {"type": "integer"}}},
                },
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        }
    )
    value: dict[str, Any] = {
        "known": {"x": 1, "z": 2},
        "items": [{"y": 1}, {"z": 2}],
        "open": {"anything": {"goes": True}},
        "map": {"any": "key"},
        "extra": 1,
    }

    assert prune(value, schema) == ["extra", "items[1].z", "known.z"]
    assert value == {
        "known": {"x": 1},
        "items": [{"y": 1}, {}],
        "open": {"anything": {"goes": True}},
        "map": {"any": "key"},
    }


def test_defaults_are_filled_in_from_the_top_down() -> None:
    inner = {"type": "object", "default": {}, "properties": {"x": {"type": "integer", "default": 7}}}
    schema = compile_schema(
        {"type": "object", "properties": {"inner": inner, "list": {"type": "array", "items": inner}}}
    )
    value: dict[str, Any] = {"list": [{}, {"x": 1}]}
    apply_defaults(value, schema)

    assert value == {"inner": {"x": 7}, "list": [{"x": 7}, {"x": 1}]}


def test_a_null_that_is_not_allowed_counts_as_left_out() -> None:
    schema = compile_schema(
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string", "nullable": True}}}
    )
    value: dict[str, Any] = {"a": None, "b": None}
    drop_forbidden_nulls(value, schema)

    assert value == {"b": None}


def test_errors_of_unchanged_values_are_not_repeated() -> None:
    schema = compile_schema(
        {"type": "object", "properties": {"old": {"type": "string"}, "new": {"type": "string"}}}
    )

    found = validate({"old": 1, "new": 2}, schema, "", {"old": 1})
    assert [error.field for error in found] == ["new"]


@given(JSON, JSON)
def test_sameness_tells_numbers_from_booleans(left: Any, right: Any) -> None:
    assert same(left, right) is (repr_sorted(left) == repr_sorted(right))


def repr_sorted(value: Any) -> str:
    match value:
        case dict():
            return "{" + ",".join(f"{key}:{repr_sorted(value[key])}" for key in sorted(value)) + "}"
        case list():
            return "[" + ",".join(map(repr_sorted, value)) + "]"
        case _:
            return repr(value)
