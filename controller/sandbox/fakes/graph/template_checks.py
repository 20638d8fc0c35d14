"""What makes Graph refuse a template before anybody reviews it."""

import re
from collections.abc import Mapping, Sequence

from controller.sandbox.fakes.graph.errors import (
    invalid_parameter,
    missing_component_field,
    refused_parameter,
)

CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")
_COMPONENTS = ("HEADER", "BODY", "FOOTER", "BUTTONS")
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LONGEST_BODY = 1024


def check_name(name: object) -> str:
    """Raises GraphRefusalError."""
    if not isinstance(name, str) or not name:
        raise refused_parameter("The parameter name is required.")
    if _NAME.fullmatch(name) is None:
        raise invalid_parameter(
            "Incorrect template name",
            "Template names can only contain lowercase letters, numbers and underscores, at most 512.",
        )
    return name


def check_language(language: object) -> str:
    """Raises GraphRefusalError."""
    if not isinstance(language, str) or not language:
        raise refused_parameter("The parameter language is required.")
    if _LANGUAGE.fullmatch(language) is None:
        raise refused_parameter(f'Param language must be a supported language code - got "{language}".')
    return language


def check_category(category: object) -> str:
    """Raises GraphRefusalError."""
    if category not in CATEGORIES:
        choices = ", ".join(CATEGORIES)
        raise refused_parameter(f'Param category must be one of {{{choices}}} - got "{category}".')
    return str(category)


def check_components(components: object, category: str) -> list[dict[str, object]]:
    """Raises GraphRefusalError: one BODY, known types, an example for every variable."""
    if not isinstance(components, list) or not all(isinstance(component, dict) for component in components):
        raise refused_parameter("Param components must be an array.")
    types = [str(component.get("type", "")).upper() for component in components]
    for kind in types:
        if kind not in _COMPONENTS:
            choices = ", ".join(_COMPONENTS)
            raise refused_parameter(f'Param components[0]["type"] must be one of {{{choices}}}.')
    if len(set(types)) < len(types):
        raise invalid_parameter("Repeated component", "A template has at most one component of each type.")
    if "BODY" not in types:
        raise missing_component_field("BODY", "text")
    for kind, component in zip(types, components, strict=True):
        # The text of an authentication template is Meta's own.
        if kind in ("HEADER", "BODY", "FOOTER") and not (kind == "BODY" and category == "AUTHENTICATION"):
            _check_text(kind, component)
    return components


def has_variables(text: str) -> bool:
    return _VARIABLE.search(text) is not None


def _check_text(kind: str, component: Mapping[str, object]) -> None:
    if kind == "HEADER" and component.get("format", "TEXT") != "TEXT":
        return
    text = component.get("text")
    if not isinstance(text, str) or not text:
        raise missing_component_field(kind, "text")
    if len(text) > _LONGEST_BODY:
        raise invalid_parameter("Component too long", f"The {kind} may have {_LONGEST_BODY} characters.")
    variables = set(_VARIABLE.findall(text))
    if kind != "FOOTER" and variables and len(_examples(kind, component)) < len(variables):
        raise missing_component_field(kind, "example")


def _examples(kind: str, component: Mapping[str, object]) -> Sequence[object]:
    """Numbered variables: `header_text: [..]`, `body_text: [[..]]`; named ones: `..._named_params: [..]`."""
    example = component.get("example")
    if not isinstance(example, Mapping):
        return ()
    field = f"{kind.lower()}_text"
    told = example.get(field, example.get(f"{field}_named_params"))
    if isinstance(told, list) and told and isinstance(told[0], list):
        return told[0]
    return told if isinstance(told, list) else ()
