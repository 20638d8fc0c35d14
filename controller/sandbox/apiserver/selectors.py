"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from . import errors

Labels = Mapping[str, str]
_NO_LABELS: Final[Labels] = {}
_SET_TERM: Final = re.compile(r"(?P<key>[^\s!=,()<>]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)\Z")
_NAME: Final = re.compile(r"([a-z0-9A-Z.\-]+/)?[a-zA-Z0-9]([-\w.]*[a-zA-Z0-9])?\Z")
_VALUE: Final = re.compile(r"([a-zA-Z0-9]([-\w.]*[a-zA-Z0-9])?)?\Z")


class LabelSelector:
    """A parsed `labelSelector` of a request."""

    def __init__(self, text: str) -> None:
        """Parse `text`.

        Raises:
            ApiError: 400 when it is not a label selector.
        """
        self._terms = [_label_term(term.strip(), text) for term in _split(text)]

    def __bool__(self) -> bool:
        return bool(self._terms)

    def matches(self, labels: Labels | None) -> bool:
        return all(term(labels or _NO_LABELS) for term in self._terms)


def _split(text: str) -> list[str]:
    """Split at commas that are not within parentheses."""
    return re.split(r",(?![^(]*\))", text) if text.strip() else []


def _label_term(term: str, whole: str) -> Callable[[Labels], bool]:
    if match := _SET_TERM.match(term):
        key = match["key"]
        values = frozenset(value.strip() for value in match["values"].split(","))
        if match["operator"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    for operator in ("!=", "==", "="):
        key, found, value = (part.strip() for part in term.partition(operator))
        if not found:
            continue
        if not _NAME.match(key) or not _VALUE.match(value):
            break
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    else:
        if term.startswith("!") and _NAME.match(term[1:].strip()):
            absent = term[1:].strip()
            return lambda labels: absent not in labels
        if _NAME.match(term):
            return lambda labels: term in labels
    raise errors.bad_request(
        f'unable to parse requirement: "{whole}": expected KEY, !KEY, KEY=VALUE, KEY!=VALUE, KEY in (...) or KEY notin (...)'
    )


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
            raise errors.bad_request(
                f"Unable to find a field selector in \"{term}\": invalid selector: '{term}'; can't understand '{term}'"
            )
    return tuple(terms)
