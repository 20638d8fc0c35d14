from typing import Any

import pytest

from controller.sandbox.apiserver.cel_expressions import (
    CompileError,
    Failure,
    bind,
    compile_expression,
    replace_name,
    uses,
)
from controller.sandbox.apiserver.rules import check, compile_rules
from controller.sandbox.apiserver.structural import compile_schema

NAMES = ("self",)


def evaluate(text: str, value: Any = None) -> Any:
    return compile_expression(text, NAMES).evaluate(bind({"self": value}, NAMES))


@pytest.mark.parametrize(
    "expression",
    [
        "isURL('https://a.example/b')",
        "!isURL('a b')",
        "url('https://u:p@a.example:8443/b?c=d').getHost() == 'a.example:8443'",
        "url('https://a.example:8443').getPort() == '8443'",
        "url('https://a.example/b?c=d').getQuery()['c'] == ['d']",
        "quantity('1500m').isGreaterThan(quantity('1'))",
        "quantity('1Ki').compareTo(quantity('1024')) == 0",
        "!isQuantity('1 apple')",
        "'abc 123'.find('[0-9]+') == '123'",
        "'a1b2'.findAll('[0-9]') == ['1', '2']",
        "[1, 2, 3].sum() == 6 && [3, 1].max() == 3 && [3, 1].min() == 1",
        "[1, 2, 2].isSorted()",
        "sets.contains([1, 2, 3], [2]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 2], [2, 1])",
        "isIP('::1') && !isIP('300.1.1.1')",
        "'a,b'.split(',').size() == 2 && 'AbC'.lowerAscii() == 'abc'",
        "optional.of(1).orValue(2) == 1",
        "cel.bind(x, 2, x * x) == 4",
        "'+37120123456'.matches('^[+][1-9][0-9]{6,14}$')",
    ],
)
def test_the_functions_of_kubernetes(expression: str) -> None:
    assert evaluate(expression) is True


@pytest.mark.parametrize(
    ("expression", "value", "message"),
    [
        ("self.nothing == 1", {}, "no such key: nothing"),
        ("self[3] == 1", [1], "index out of bounds: 3"),
        ("1 / self == 1", 0, "division by zero"),
        ("self > 1", "x", "no such overload"),
    ],
)
def test_failures_have_the_words_of_cel_go(expression: str, value: Any, message: str) -> None:
    outcome = evaluate(expression, value)

    assert isinstance(outcome, Failure)
    assert outcome.message == message


@pytest.mark.parametrize("expression", ["self.", "nobody == 1", "frobnicate(self)"])
def test_what_does_not_compile_says_where(expression: str) -> None:
    with pytest.raises(CompileError, match="ERROR: <input>:1:"):
        compile_expression(expression, NAMES)


def test_a_variable_is_told_from_a_member_and_from_a_text() -> None:
    assert uses("oldSelf.a == 1", "oldSelf")
    assert not uses("self.oldSelf == 'oldSelf'", "oldSelf")
    assert replace_name("oldSelf == self.oldSelf", "oldSelf", "(x)") == "(x) == self.oldSelf"


def errors_of(schema: dict[str, Any], value: Any, *old: Any) -> list[str]:
    node = compile_rules(compile_schema(schema), "", [])
    assert node is not None
    return [str(error) for error in check(node, value, *old)]


def test_property_names_that_cel_cannot_spell_are_escaped() -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"namespace": {"type": "string"}, "a-b": {"type": "string"}},
                "x-kubernetes-validations": [{"rule": "self.__namespace__ == self.a__dash__b"}],
            }
        },
    }

    assert errors_of(schema, {"spec": {"namespace": "x", "a-b": "x"}}) == []
    assert errors_of(schema, {"spec": {"namespace": "x", "a-b": "y"}}) != []


def test_what_did_not_change_is_not_judged_again() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "x-kubernetes-validations": [{"rule": "self == 'good'"}]}},
    }

    assert errors_of(schema, {"a": "bad", "b": 2}, {"a": "bad", "b": 1}) == []
    assert errors_of(schema, {"a": "worse"}, {"a": "bad"}) == [
        "a: Invalid value: \"worse\": failed rule: self == 'good'"
    ]


def test_items_are_compared_with_the_old_item_of_their_key() -> None:
    item = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "self.size >= oldSelf.size", "message": "cannot shrink"}],
    }
    schema = {
        "type": "object",
        "properties": {
            "parts": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": item,
            }
        },
    }
    old = {"parts": [{"name": "a", "size": 1}, {"name": "b", "size": 5}]}
    new = {"parts": [{"name": "b", "size": 4}, {"name": "a", "size": 2}, {"name": "new", "size": 0}]}

    assert errors_of(schema, new, old) == ["parts[0]: Invalid value: cannot shrink"]
