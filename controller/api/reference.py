"""The reference pages, generated from the models and the reasons.

`python -m controller.api.reference docs/reference` writes `api.md` and `reasons.md` into that folder.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from controller.api.conditions import Audience, Reason
from controller.api.crd import SERVED_KINDS, Scope, ServedKind
from controller.api.group import API_VERSION
from controller.api.structural_schema import Schema, structural_schema

_HEADER: Final = "<!-- Generated from controller/api by `make generate`; do not edit. -->\n"

_AUDIENCES: Final = {
    Audience.NOBODY: ("Nobody has to act", "All is as the spec asks, or there is nothing to do."),
    Audience.OPERATOR: ("The operator acts", "It is at work, or tries again by itself."),
    Audience.PERSON: ("A person acts", "A normal wait for somebody: a scan, an approval, a decision."),
    Audience.AUTHOR: (
        "Whoever wrote the spec acts",
        "The spec, an object it names or an outside account must be mended; the condition `Stalled` is True.",
    ),
}


def api_reference() -> str:
    """Every field of the three kinds with its type, whether it is required, and what it does."""
    sections = [_kind_section(served) for served in SERVED_KINDS]
    return f"{_HEADER}\n# API reference: `{API_VERSION}`\n\n" + "\n".join(sections)


def reasons_reference() -> str:
    """Every reason with what it means and what to do about it, by who is to act."""
    sections = [_audience_section(audience) for audience in _AUDIENCES]
    return f"{_HEADER}\n# Reasons of conditions\n\n" + "\n".join(sections)


def write_reference(folder: Path) -> list[Path]:
    """Write both pages and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"api.md": api_reference(), "reasons.md": reasons_reference()}
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pages]


def _kind_section(served: ServedKind) -> str:
    schema = structural_schema(served.model)
    scope = "namespaced" if served.scope is Scope.NAMESPACED else "cluster-scoped"
    short_names = ", ".join(f"`{name}`" for name in served.short_names)
    lines = [f"## {served.kind.value}", "", f"{schema['description']} Short name {short_names}; {scope}.", ""]
    for part in ("spec", "status"):
        part_schema = schema["properties"][part]
        lines += [f"### {served.kind.value} {part}", "", part_schema["description"], ""]
        lines += ["| Field | Type | Description |", "| --- | --- | --- |"]
        lines += _rows(part_schema, part)
        lines += [""]
        if rules := list(_rules(part_schema)):
            lines += ["The API server refuses what breaks one of these rules:", "", *rules, ""]
    if rules := list(_own_rules(schema)):
        lines += [f"### {served.kind.value} rules between spec and status", "", *rules, ""]
    return "\n".join(lines)


def _rows(schema: Schema, path: str) -> Iterator[str]:
    required = set(schema.get("required", []))
    for name, field in schema["properties"].items():
        field_path = f"{path}.{name}"
        kind = _type_text(field) + (", required" if name in required else "")
        yield f"| `{field_path}` | {_cell(kind)} | {_cell(field['description'])} |"
        nested = field.get("items", field)
        if "properties" in nested:
            yield from _rows(nested, field_path + ("[]" if "items" in field else ""))


def _type_text(field: Schema) -> str:
    """`string, at most 64 characters, matches ...`: what a value must be."""
    match field["type"]:
        case "array":
            return f"list of at most {field['maxItems']}: {_type_text(field['items'])}"
        case "string" if "enum" in field:
            return " or ".join(f"`{value}`" for value in field["enum"])
        case "string" if "format" in field:
            return str(field["format"])
        case "string" if "pattern" in field:
            return f"string, at most {field['maxLength']} characters, matches `{field['pattern']}`"
        case "string":
            return f"string, at most {field['maxLength']} characters"
        case "integer":
            return f"integer{_range_text(field)}"
        case plain:
            return str(plain)


def _range_text(field: Schema) -> str:
    lowest, highest = field.get("minimum"), field.get("maximum")
    if lowest is not None and highest is not None:
        return f" from {lowest} to {highest}"
    return "" if lowest is None else f", {lowest} or more"


def _own_rules(schema: Schema) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", []):
        yield f"- {rule['message']}"


def _rules(schema: Schema) -> Iterator[str]:
    yield from _own_rules(schema)
    children: list[Any] = [*schema.get("properties", {}).values(), schema.get("items")]
    for child in children:
        if child is not None:
            yield from _rules(child)


def _audience_section(audience: Audience) -> str:
    title, explanation = _AUDIENCES[audience]
    lines = [f"## {title}", "", explanation, "", "| Reason | Meaning | What to do |", "| --- | --- | --- |"]
    lines += [
        f"| `{reason.text}` | {_cell(reason.meaning)} | {_cell(reason.remedy)} |"
        for reason in sorted(Reason, key=lambda reason: reason.text)
        if reason.audience is audience
    ]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    """Text that stays within its table cell."""
    return text.replace("|", r"\|").replace("\n", " ")


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
