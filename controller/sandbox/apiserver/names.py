"""Kubernetes' rules for names, labels and finalizers, with their texts."""

import re
from typing import Final

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")
_LABEL_VALUE: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")
_MAX_LABEL: Final = 63
_MAX_SUBDOMAIN: Final = 253

_LABEL_TEXT: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_TEXT: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_QUALIFIED_TEXT: Final = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    " character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_TEXT: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def _too_long(maximum: int, unit: str = "bytes") -> str:
    return f"must be no more than {maximum} {unit}"


def label_problems(name: str) -> list[str]:
    """Why `name` is not an RFC 1123 label (the rule for namespaces)."""
    problems = [_too_long(_MAX_LABEL, "characters")] if len(name) > _MAX_LABEL else []
    if _LABEL.match(name):
        return problems
    return [*problems, "must not contain dots" if _SUBDOMAIN.match(name) else _LABEL_TEXT]


def subdomain_problems(name: str) -> list[str]:
    """Why `name` is not an RFC 1123 subdomain (the rule for the names of most objects)."""
    problems = [_too_long(_MAX_SUBDOMAIN, "characters")] if len(name) > _MAX_SUBDOMAIN else []
    return problems if _SUBDOMAIN.match(name) else [*problems, _SUBDOMAIN_TEXT]


def path_segment_problems(name: str) -> list[str]:
    """Why `name` cannot be part of a path (the only rule for RBAC objects)."""
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in name]


def qualified_name_problems(name: str) -> list[str]:
    """Why `name` is not a qualified name, `[prefix/]name` (labels, annotations, finalizers)."""
    prefix, slash, rest = name.rpartition("/")
    problems: list[str] = []
    if "/" in prefix:
        return [
            "a qualified name "
            + _QUALIFIED_TEXT.removeprefix("name part ")
            + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    if slash:
        if not prefix:
            problems.append("prefix part must be non-empty")
        problems += [f"prefix part {problem}" for problem in subdomain_problems(prefix) if prefix]
    if not rest:
        problems.append("name part must be non-empty")
    elif len(rest) > _MAX_LABEL:
        problems.append(f"name part {_too_long(_MAX_LABEL)}")
    return problems if _QUALIFIED.match(rest) else [*problems, _QUALIFIED_TEXT]


def label_value_problems(value: str) -> list[str]:
    problems = [_too_long(_MAX_LABEL)] if len(value) > _MAX_LABEL else []
    return problems if _LABEL_VALUE.match(value) else [*problems, _VALUE_TEXT]
