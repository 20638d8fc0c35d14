"""`x-kubernetes-validations`: the CEL rules of a CRD, compiled into a tree beside the schema's.

Costs are not modelled. Rules over a value that did not change since the last version of the object are not evaluated
again unless they look at `oldSelf`; a real API server evaluates them and turns a failure into a warning.
Values with `format: date-time`, `date` or `duration` are strings here: write `timestamp(self.x)`, which works in both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from . import field_errors
from .cel_expressions import (
    Bound,
    CompileError,
    Expression,
    Failure,
    bind,
    compile_expression,
    replace_name,
    selections,
    undefined_field,
    uses,
)
from .field_errors import FieldError, FieldErrorType
from .structural import Schema
from .validation import ABSENT, list_map_key, old_items_by_key, same

_NAMES: Final = ("self", "oldSelf", "hasOldSelf")
_OPTIONAL_OLD_SELF: Final = "(hasOldSelf ? optional.of(oldSelf) : optional.none())"
_REASONS: Final = {
    "FieldValueForbidden": FieldErrorType.FORBIDDEN,
    "FieldValueRequired": FieldErrorType.REQUIRED,
    "FieldValueDuplicate": FieldErrorType.DUPLICATE,
    "FieldValueInvalid": FieldErrorType.INVALID,
}
_TYPE_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})
_VISIBLE_METADATA: Final = ("name", "generateName")
_MAX_MESSAGE: Final = 5 * 1024
_RESERVED: Final = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)


@dataclass(frozen=True, slots=True)
class Rule:
    expression: Expression
    uses_old_self: bool
    optional_old_self: bool
    message: str
    message_expression: Expression | None
    reason: FieldErrorType
    field_path: str


@dataclass(slots=True)
class RuleNode:
    """The rules of one schema node and of everything below it."""

    schema: Schema
    is_root: bool
    rules: tuple[Rule, ...] = ()
    properties: dict[str, "RuleNode"] = field(default_factory=dict)
    additional: "RuleNode | None" = None
    items: "RuleNode | None" = None
    parts: tuple["RuleNode", ...] = ()
    uses_old_self: bool = False
    renames: bool = False


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """A rule that does not compile, for the refusal of its CRD."""

    path: str
    rule: Mapping[str, Any]
    detail: str


def compile_rules(
    schema: Schema, path: str, problems: list[RuleProblem], *, is_root: bool = True
) -> RuleNode | None:
    """The rule tree of a schema, or None when it has no rules; what does not compile is added to `problems`."""
    node = RuleNode(schema, is_root or schema.embedded)
    rules = [
        _compile_rule(
            source, schema, f"{path}.x-kubernetes-validations[{index}]", problems, is_root=node.is_root
        )
        for index, source in enumerate(schema.rules)
    ]
    node.rules = tuple(rule for rule in rules if rule is not None)
    for name, child in schema.properties.items():
        compiled = compile_rules(child, f"{path}.properties[{name}]", problems, is_root=False)
        if compiled is not None:
            node.properties[name] = compiled
    if schema.additional is not None:
        node.additional = compile_rules(
            schema.additional, f"{path}.additionalProperties", problems, is_root=False
        )
    if schema.items is not None:
        node.items = compile_rules(schema.items, f"{path}.items", problems, is_root=False)
    parts = (
        compile_rules(part, f"{path}.allOf[{index}]", problems, is_root=False)
        for index, part in enumerate(schema.all_of)
    )
    node.parts = tuple(part for part in parts if part is not None)
    if not (node.rules or node.properties or node.additional or node.items or node.parts):
        return None
    below = [*node.properties.values(), node.additional, node.items, *node.parts]
    node.uses_old_self = any(rule.uses_old_self for rule in node.rules) or any(
        child.uses_old_self for child in below if child is not None
    )
    node.renames = bool(node.rules) and _has_names_to_escape(schema)
    return node


def _check_fields(text: str, schema: Schema, *, is_root: bool, optional_old_self: bool) -> None:
    """Every field that a rule selects from `self` (and `oldSelf`) is in the schema.

    Raises:
        CompileError: one is not; the expression compiler does not know the schema and could not tell.

    """
    names = frozenset({"self"} if optional_old_self else {"self", "oldSelf"})
    for chain in selections(text, names):
        node: Schema | None = schema
        for depth, (name, position) in enumerate(chain):
            if node is None or not node.properties or node.preserve_unknown or node.additional is not None:
                break
            fields = {escape(field): child for field, child in node.properties.items()}
            if is_root and depth == 1 and chain[0][0] == "metadata":
                fields = {field: child for field, child in fields.items() if field in _VISIBLE_METADATA}
            if name not in fields and not (is_root and depth == 0 and name in _TYPE_FIELDS):
                raise CompileError(undefined_field(text, name, position))
            node = fields.get(name)


def _compile_rule(
    source: Mapping[str, Any], schema: Schema, path: str, problems: list[RuleProblem], *, is_root: bool
) -> Rule | None:
    text, optional = source["rule"], bool(source.get("optionalOldSelf"))

    def compiled(expression: str) -> Expression:
        _check_fields(expression, schema, is_root=is_root, optional_old_self=optional)
        if optional:
            expression = replace_name(expression, "oldSelf", _OPTIONAL_OLD_SELF)
        return compile_expression(expression, _NAMES)

    try:
        expression = compiled(text)
    except CompileError as error:
        problems.append(RuleProblem(f"{path}.rule", source, f"compilation failed: {error}"))
        return None
    message_expression: Expression | None = None
    if source.get("messageExpression"):
        try:
            message_expression = compiled(source["messageExpression"])
        except CompileError as error:
            detail = f"messageExpression compilation failed: {error}"
            problems.append(RuleProblem(f"{path}.messageExpression", source, detail))
            return None
    message = source.get("message", "").strip() or f"failed rule: {text.strip()}"
    return Rule(
        expression=expression,
        uses_old_self=uses(text, "oldSelf"),
        optional_old_self=optional,
        message=message,
        message_expression=message_expression,
        reason=_REASONS[source.get("reason", "FieldValueInvalid")],
        field_path=source.get("fieldPath", ""),
    )


def check(node: RuleNode, value: Any, old: Any = ABSENT, path: str = "") -> list[FieldError]:
    """All rules at and below `node` that `value` breaks."""
    errors: list[FieldError] = []
    _check(node, value, old, path, errors, unchanged=False)
    return errors


def _check(
    node: RuleNode, value: Any, old: Any, path: str, errors: list[FieldError], *, unchanged: bool
) -> None:
    if value is None:
        return
    unchanged = unchanged or (old is not ABSENT and same(value, old))
    if unchanged and not node.uses_old_self:
        return
    if node.rules:
        _check_rules(node, value, old, path, errors, unchanged=unchanged)
    for part in node.parts:
        _check(part, value, old, path, errors, unchanged=False)
    for child, old_child, below, child_path in _children(node, value, old, path):
        _check(below, child, old_child, child_path, errors, unchanged=unchanged)


def _children(node: RuleNode, value: Any, old: Any, path: str) -> Iterator[tuple[Any, Any, RuleNode, str]]:
    """The members or items with rules of their own: new and old value, rules, path."""
    if isinstance(value, dict):
        olds: Mapping[str, Any] = old if isinstance(old, dict) else {}
        for name, child in value.items():
            old_child = olds.get(name, ABSENT)
            if (below := node.properties.get(name)) is not None:
                yield child, old_child, below, f"{path}.{name}" if path else name
            elif node.additional is not None and name not in node.schema.properties:
                yield child, old_child, node.additional, f"{path}[{name}]"
    elif isinstance(value, list) and node.items is not None:
        old_items = old_items_by_key(node.schema, old)
        for index, item in enumerate(value):
            old_item = old_items.get(list_map_key(node.schema, item), ABSENT) if old_items else ABSENT
            yield item, old_item, node.items, f"{path}[{index}]"


def _check_rules(
    node: RuleNode, value: Any, old: Any, path: str, errors: list[FieldError], *, unchanged: bool
) -> None:
    has_old = old is not ABSENT and old is not None
    bound: Bound | None = None
    for rule in node.rules:
        if unchanged and not rule.uses_old_self:
            continue
        if rule.uses_old_self and not has_old and not rule.optional_old_self:
            continue
        if bound is None:
            values = {"self": _visible(node, value), "hasOldSelf": has_old}
            if has_old and node.uses_old_self:
                values["oldSelf"] = _visible(node, old)
            bound = bind(values, _NAMES)
        outcome = rule.expression.evaluate(bound)
        if outcome is True:
            continue
        errors.append(_broken(rule, outcome, bound, node, value, path))


def _broken(rule: Rule, outcome: Any, bound: Bound, node: RuleNode, value: Any, path: str) -> FieldError:
    words = rule.message.removeprefix("failed rule: ")
    if isinstance(outcome, Failure):
        if outcome.no_such_overload:
            detail = (
                f"'{outcome.message}': call arguments did not match a supported operator, function or macro"
                f" signature for rule: {words}"
            )
        else:
            detail = f"{outcome.message} evaluating rule: {words}"
        return field_errors.invalid(path or "<nil>", node.schema.type, detail)
    detail = rule.message
    if rule.message_expression is not None:
        computed = rule.message_expression.evaluate(bound)
        if (
            isinstance(computed, str)
            and 0 < len(computed.strip()) <= _MAX_MESSAGE
            and "\n" not in computed.strip()
        ):
            detail = computed.strip()
    shown = field_errors.OMITTED if node.schema.type in {"object", "array"} else value
    where = f"{path}{rule.field_path}".removeprefix(".") or "<nil>"
    if rule.reason is FieldErrorType.DUPLICATE:
        return FieldError(rule.reason, where, "", shown)
    return FieldError(rule.reason, where, detail, shown)


def _visible(node: RuleNode, value: Any) -> Any:
    """What a rule sees of a value: of an object's metadata only the names, and property names escaped."""
    if node.is_root and isinstance(value, dict) and isinstance(value.get("metadata"), dict):
        metadata = value["metadata"]
        names = {key: metadata[key] for key in _VISIBLE_METADATA if key in metadata}
        value = {**value, "metadata": names}
    return _escaped(value, node.schema) if node.renames else value


def escape(name: str) -> str:
    """A property name as CEL rules spell it (`__dash__` for `-`, reserved words in underscores)."""
    if name in _RESERVED:
        return f"__{name}__"
    return (
        name.replace("__", "__underscores__")
        .replace(".", "__dot__")
        .replace("-", "__dash__")
        .replace("/", "__slash__")
    )


def _escaped(value: Any, schema: Schema | None) -> Any:
    if schema is None:
        return value
    if isinstance(value, dict):
        return {
            escape(key) if key in schema.properties else key: _escaped(
                child, schema.properties.get(key, schema.additional)
            )
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [_escaped(item, schema.items) for item in value]
    return value


def _has_names_to_escape(schema: Schema) -> bool:
    below = [*schema.properties.values(), schema.additional, schema.items]
    return any(escape(name) != name for name in schema.properties) or any(
        _has_names_to_escape(child) for child in below if child is not None
    )
