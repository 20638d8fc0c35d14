from typing import Any

import pytest

from controller.sandbox.apiserver import field_sets, typed_objects
from controller.sandbox.apiserver.structural import compile_schema
from controller.sandbox.apiserver.typed_objects import TypedError

PORT = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "port": {"type": "integer"},
        "protocol": {"type": "string", "default": "TCP"},
    },
}
SCHEMA = compile_schema(
    {
        "type": "object",
        "properties": {
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "ports": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name", "protocol"],
                "items": PORT,
            },
            "plain": {"type": "array", "items": {"type": "string"}},
            "whole": {
                "type": "object",
                "x-kubernetes-map-type": "atomic",
                "additionalProperties": {"type": "string"},
            },
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
)


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ({"tags": ["a", "b"]}, {"tags": ["c", "a"]}, {"tags": ["c", "a", "b"]}),
        ({"plain": ["a", "b"]}, {"plain": ["c"]}, {"plain": ["c"]}),
        ({"whole": {"a": "1"}}, {"whole": {"b": "2"}}, {"whole": {"b": "2"}}),
        ({"open": {"a": {"b": 1}}}, {"open": {"a": {"c": 2}}}, {"open": {"a": {"b": 1, "c": 2}}}),
        ({"open": {"l": [1]}}, {"open": {"l": [2]}}, {"open": {"l": [2]}}),
        (
            {"ports": [{"name": "x", "port": 1}]},
            {"ports": [{"name": "y"}, {"name": "x", "protocol": "TCP", "port": 2}]},
            {"ports": [{"name": "y"}, {"name": "x", "port": 2, "protocol": "TCP"}]},
        ),
    ],
)
def test_merging_follows_the_list_and_map_types(
    live: dict[str, Any], config: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert typed_objects.merge(live, config, SCHEMA) == merged


def test_a_key_that_is_left_out_counts_with_its_default() -> None:
    change = typed_objects.compare({"ports": [{"name": "x"}]}, {"ports": [{"name": "x", "port": 1}]}, SCHEMA)

    paths = [field_sets.printed(path) for path in field_sets.members(change.added)]
    assert paths == ['.ports[name="x",protocol="TCP"].port']


def test_a_comparison_tells_what_was_added_changed_and_removed() -> None:
    old = {"tags": ["a"], "plain": ["x"], "open": {"a": 1, "b": 2}}
    new = {"tags": ["a", "b"], "plain": ["y"], "open": {"a": 1}}
    change = typed_objects.compare(old, new, SCHEMA)

    def shown(fields: field_sets.FieldSet) -> list[str]:
        return [field_sets.printed(path) for path in field_sets.members(fields)]

    assert shown(change.added) == ['.tags[="b"]']
    assert shown(change.modified) == [".plain"]
    assert shown(change.removed) == [".open.b"]


def test_removing_an_item_leaves_the_others() -> None:
    fields = typed_objects.field_set({"tags": ["a"], "open": {"x": 1}}, SCHEMA)

    assert typed_objects.remove({"tags": ["a", "b"], "open": {"x": 1}, "plain": []}, fields, SCHEMA) == {
        "tags": ["b"],
        "plain": [],
    }


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"colour": "red"}, ".colour: field not declared in schema"),
        ({"tags": ["a", "a"]}, '.tags: duplicate entries for key [="a"]'),
        ({"tags": "a"}, ".tags: expected list, got &{a}"),
        ({"ports": [{"name": 3}]}, '.ports[name=3,protocol="TCP"].name: expected string'),
    ],
)
def test_a_configuration_must_fit(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(TypedError) as raised:
        typed_objects.check(config, SCHEMA)

    assert str(raised.value).startswith(problem)
