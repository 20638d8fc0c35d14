"""Label and field selectors."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from . import errors, field_errors, names

Labels = Mapping[str, str]
Term = Callable[[Labels], bool]
_NO_LABELS: Final[Labels] = {}
_WORD: Final = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_END: Final = ""
_SYMBOLS: Final = frozenset({"=", "==", "!=", "!", "(", ")", ",", "<", ">", _END})
_OPERATORS: Final = ("in", "notin", "=", "==", "!=", "gt", "lt")


class LabelSelector:
    """A parsed `labelSelector` of a request."""

    def __init__(self, text: str) -> None:
        """Parse `text`.

        Raises:
            ApiError: 400 when it is not a label selector.

        """
        self._terms = _Parser(text).terms()

    def __bool__(self) -> bool:
        return bool(self._terms)

    def matches(self, labels: Labels | None) -> bool:
        return all(term(labels or _NO_LABELS) for term in self._terms)


class _TermError(Exception):
    """A term cannot be parsed; the text says why."""


class _Parser:
    """As the parser of k8s.io/apimachinery/pkg/labels, with its texts."""

    def __init__(self, text: str) -> None:
        self._words: list[str] = [*_WORD.findall(text), _END]
        self._position = 0

    def terms(self) -> list[Term]:
        """Raises `ApiError`: 400."""
        try:
            return list(self._terms())
        except _TermError as error:
            raise errors.bad_request(f"unable to parse requirement: {error}") from None

    def _terms(self) -> Iterator[Term]:
        while (word := self._peek()) != _END:
            if word in _SYMBOLS - {"!"}:
                raise errors.bad_request(f"found '{word}', expected: !, identifier, or 'end of string'")
            yield self._term()
            match self._next():
                case ",":
                    if (after := self._peek()) in _SYMBOLS - {"!"}:
                        raise errors.bad_request(f"found '{after}', expected: identifier after ','")
                case "":
                    return
                case other:
                    raise errors.bad_request(f"found '{other}', expected: ',' or 'end of string'")

    def _term(self) -> Term:
        absent = self._peek() == "!"
        if absent:
            self._next()
        key = self._identifier()
        for text in names.qualified_name_problems(key):
            raise _TermError(field_errors.invalid("<nil>", key, text))
        if absent:
            return lambda labels: key not in labels
        if self._peek() in {_END, ","}:
            return lambda labels: key in labels
        return self._comparison(key)

    def _comparison(self, key: str) -> Term:
        match operator := self._next():
            case "in" | "notin":
                values = self._values()
                _check_values(key, sorted(values))
                if operator == "in":
                    return lambda labels: labels.get(key) in values
                return lambda labels: labels.get(key) not in values
            case "=" | "==" | "!=":
                value = self._value()
                _check_values(key, [value])
                if operator == "!=":
                    return lambda labels: labels.get(key) != value
                return lambda labels: labels.get(key) == value
            case "<" | ">":
                value = self._value()
                if not _is_number(value):
                    why = "for 'Gt', 'Lt' operators, the value must be an integer"
                    raise _TermError(field_errors.invalid("values[0]", value, why))
                sign = 1 if operator == ">" else -1
                return lambda labels: (
                    _is_number(labels.get(key)) and sign * (int(labels[key]) - int(value)) > 0
                )
        raise _TermError(f"found '{operator}', expected: {', '.join(_OPERATORS)}")

    def _identifier(self) -> str:
        if (word := self._next()) in _SYMBOLS:
            raise _TermError(f"found '{word}', expected: identifier")
        return word

    def _value(self) -> str:
        return "" if self._peek() in {_END, ","} else self._identifier()

    def _values(self) -> frozenset[str]:
        """The values in parentheses; between two commas stands the empty one."""
        if (word := self._next()) != "(":
            raise _TermError(f"found '{word}' expected: '('")
        if (word := self._peek()) in _SYMBOLS - {",", ")"}:
            raise _TermError(f"found '{word}', expected: ',', ')' or identifier")
        values: list[str] = []
        expected_value = True
        while (word := self._next()) != ")":
            if word == ",":
                values += [""] if expected_value else []
                expected_value = True
            elif word in _SYMBOLS or not expected_value:
                raise _TermError(f"found '{word}', expected: ',' or ')'")
            else:
                values.append(word)
                expected_value = False
        return frozenset([*values, ""] if values and expected_value else values)

    def _peek(self) -> str:
        return self._words[self._position]

    def _next(self) -> str:
        word = self._words[self._position]
        if word != _END:
            self._position += 1
        return word


def _check_values(key: str, values: list[str]) -> None:
    if not values:
        raise _TermError("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")
    for index, value in enumerate(values):
        for text in names.label_value_problems(value):
            raise _TermError(field_errors.invalid(f"values[{index}][{key}]", value, text))


def _is_number(value: str | None) -> bool:
    return value is not None and value.removeprefix("-").isdigit()


@dataclass(frozen=True, slots=True)
class FieldTerm:
    field: str
    value: str
    negated: bool


def parse_field_selector(text: str) -> tuple[FieldTerm, ...]:
    """The terms of a `fieldSelector`, all of which must hold.

    Raises:
        ApiError: 400 when a term is not FIELD=VALUE, FIELD==VALUE or FIELD!=VALUE.

    """
    terms = []
    for term in text.split(",") if text else ():
        for operator in ("!=", "==", "="):
            name, found, value = term.partition(operator)
            if found:
                terms.append(FieldTerm(name, value, operator == "!="))
                break
        else:
            raise errors.bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
    return tuple(terms)
