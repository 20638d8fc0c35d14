"""ValidatingAdmissionPolicies: their own validation, and their enforcement on every write.

Policies with parameters (`paramKind`) are refused, expressions that use `authorizer` do not compile; audit annotations
are accepted and go nowhere, as there is no audit log.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from . import errors, field_errors
from .cel_expressions import Bound, CompileError, Expression, Failure, bind, compile_expression
from .field_errors import FieldError
from .registry import Write
from .resources import Body
from .store import Store

GROUP: Final = "admissionregistration.k8s.io"
POLICIES: Final = "validatingadmissionpolicies"
BINDINGS: Final = "validatingadmissionpolicybindings"

_NAMES: Final = ("object", "oldObject", "request", "namespaceObject", "variables", "params")
_CODES: Final = {
    "Unauthorized": HTTPStatus.UNAUTHORIZED,
    "Forbidden": HTTPStatus.FORBIDDEN,
    "Invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "RequestEntityTooLarge": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
# As the real server: policies do not guard the objects that define policies.
_EXEMPT: Final = frozenset({GROUP})


@dataclass(frozen=True, slots=True)
class Validation:
    expression: Expression
    message: str
    message_expression: Expression | None
    reason: str


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    match: Body
    conditions: tuple[Expression, ...]
    variables: tuple[tuple[str, Expression], ...]
    validations: tuple[Validation, ...]
    fails_closed: bool


@dataclass(frozen=True, slots=True)
class Denial:
    message: str
    reason: str = "Invalid"


def check_policy(body: Body, _old: Body | None) -> list[FieldError]:
    """What is refused in a policy: expressions that do not compile, and what cannot be enforced here."""
    spec = body.get("spec") or {}
    found: list[FieldError] = []
    if spec.get("paramKind"):
        text = (
            "policies with parameters are not enforced by the sandbox API server: write the values into the"
            " expressions"
        )
        found.append(field_errors.forbidden("spec.paramKind", text))
    if not (spec.get("matchConstraints") or {}).get("resourceRules"):
        found.append(field_errors.required("spec.matchConstraints.resourceRules"))
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        text = "validations or auditAnnotations must contain at least one item"
        found.append(field_errors.required("spec.validations", text))
    for path, text in _expressions(spec):
        try:
            compile_expression(text, _NAMES)
        except CompileError as error:
            found.append(field_errors.invalid(path, text, f"compilation failed: {error}"))
    return found


def check_binding(body: Body, _old: Body | None) -> list[FieldError]:
    spec = body.get("spec") or {}
    found: list[FieldError] = []
    if not spec.get("policyName"):
        found.append(field_errors.required("spec.policyName"))
    if not spec.get("validationActions"):
        found.append(field_errors.required("spec.validationActions"))
    if spec.get("paramRef"):
        text = "policies with parameters are not enforced by the sandbox API server"
        found.append(field_errors.forbidden("spec.paramRef", text))
    return found


def _expressions(spec: Body) -> Iterable[tuple[str, str]]:
    for field, names in (
        ("matchConditions", ("expression",)),
        ("variables", ("expression",)),
        ("validations", ("expression", "messageExpression")),
    ):
        for index, entry in enumerate(spec.get(field) or ()):
            for name in names:
                if entry.get(name):
                    yield f"spec.{field}[{index}].{name}", entry[name]


def prepare_policy(body: Body, _old: Body | None) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("failurePolicy", "Fail")
    body.setdefault("status", {})
    _prepare_match(spec.get("matchConstraints"))


def prepare_binding(body: Body, _old: Body | None) -> None:
    _prepare_match((body.get("spec") or {}).get("matchResources"))


def _prepare_match(match: Body | None) -> None:
    if match is None:
        return
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})
    for rule in [*match.get("resourceRules", ()), *match.get("excludeResourceRules", ())]:
        rule.setdefault("scope", "*")


class PolicyAdmission:
    """Enforces the stored policies."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._compiled: tuple[int, list[tuple[Policy, Body]]] = (-1, [])

    def admit(self, write: Write) -> None:
        """Let a write pass, or refuse it in a policy's name.

        Raises:
            ApiError: a policy bound with the action Deny is broken.

        """
        if write.target.resource.group in _EXEMPT:
            return
        bound = self._bound_policies()
        if not bound:
            return
        for policy, binding in bound:
            spec = binding["spec"]
            if not (self._matches(policy.match, write) and self._matches(spec.get("matchResources"), write)):
                continue
            denial = self._decide(policy, write)
            if denial is None:
                continue
            actions = spec.get("validationActions", ())
            binding_name = binding["metadata"]["name"]
            if "Warn" in actions:
                write.options.warnings.append(
                    f"Validation failed for ValidatingAdmissionPolicy '{policy.name}' with binding '{binding_name}':"
                    f" {denial.message}"
                )
            if "Deny" in actions:
                raise _refusal(write, policy.name, binding_name, denial)

    def _bound_policies(self) -> list[tuple[Policy, Body]]:
        """The policies with a binding, compiled; again only when one of them changed."""
        policies = self._store.collection(GROUP, POLICIES)
        bindings = self._store.collection(GROUP, BINDINGS)
        if not bindings.objects:
            return []
        newest = max(policies.last_revision, bindings.last_revision)
        if self._compiled[0] != newest:
            compiled = {key[1]: _compile(record.parse()) for key, record in policies.objects.items()}
            parsed = [record.parse() for record in bindings.objects.values()]
            pairs = [(compiled.get(binding["spec"]["policyName"]), binding) for binding in parsed]
            self._compiled = (newest, [(policy, binding) for policy, binding in pairs if policy is not None])
        return self._compiled[1]

    def _matches(self, match: Body | None, write: Write) -> bool:
        if match is None:
            return True
        rules = match.get("resourceRules")
        if rules and not any(_rule_matches(rule, write) for rule in rules):
            return False
        if any(_rule_matches(rule, write) for rule in match.get("excludeResourceRules", ())):
            return False
        labels = [
            (body["metadata"].get("labels") or {}) for body in (write.body, write.old) if body is not None
        ]
        if not any(_selects(match.get("objectSelector"), candidate) for candidate in labels):
            return False
        namespace = self._namespace(write)
        return namespace is None or _selects(
            match.get("namespaceSelector"), namespace["metadata"].get("labels") or {}
        )

    def _namespace(self, write: Write) -> Body | None:
        if not write.target.resource.namespaced:
            return None
        record = self._store.collection("", "namespaces").objects.get(("", write.target.key[0]))
        return record.parse() if record is not None else None

    def _decide(self, policy: Policy, write: Write) -> Denial | None:
        values: dict[str, Any] = {
            "object": write.body,
            "oldObject": write.old,
            "request": _request(write),
            "namespaceObject": self._namespace(write),
            "params": None,
            "variables": {},
        }
        bound = bind(values, _NAMES)
        for condition in policy.conditions:
            met = condition.evaluate(bound)
            if isinstance(met, Failure):
                return Denial(met.message) if policy.fails_closed else None
            if met is not True:
                return None
        for name, expression in policy.variables:
            value = expression.evaluate(bound)
            # A variable that fails stays undefined, so that only the rules which use it fail.
            if not isinstance(value, Failure):
                values["variables"][name] = value
                bound = bind(values, _NAMES)
        for validation in policy.validations:
            denial = _judge(validation, bound, fails_closed=policy.fails_closed)
            if denial is not None:
                return denial
        return None


def _compile(body: Body) -> Policy:
    spec = body["spec"]

    def compiled(text: str) -> Expression:
        return compile_expression(text, _NAMES)

    return Policy(
        name=body["metadata"]["name"],
        match=spec.get("matchConstraints") or {},
        conditions=tuple(compiled(entry["expression"]) for entry in spec.get("matchConditions") or ()),
        variables=tuple(
            (entry["name"], compiled(entry["expression"])) for entry in spec.get("variables") or ()
        ),
        validations=tuple(
            Validation(
                expression=compiled(entry["expression"]),
                message=entry.get("message", "").strip()
                or f"failed expression: {entry['expression'].strip()}",
                message_expression=compiled(entry["messageExpression"])
                if entry.get("messageExpression")
                else None,
                reason=entry.get("reason", "Invalid"),
            )
            for entry in spec.get("validations") or ()
        ),
        fails_closed=spec.get("failurePolicy", "Fail") == "Fail",
    )


def _judge(validation: Validation, bound: Bound, *, fails_closed: bool) -> Denial | None:
    outcome = validation.expression.evaluate(bound)
    if isinstance(outcome, Failure):
        text = f"expression '{validation.expression.text}' resulted in error: {outcome.message}"
        return Denial(text) if fails_closed else None
    if outcome is True:
        return None
    message = validation.message
    if validation.message_expression is not None:
        computed = validation.message_expression.evaluate(bound)
        if isinstance(computed, str) and computed.strip() and "\n" not in computed.strip():
            message = computed.strip()
    return Denial(message, validation.reason)


def _refusal(write: Write, policy: str, binding: str, denial: Denial) -> errors.ApiError:
    message = (
        f"ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {denial.message}"
    )
    resource = write.target.resource
    refusal = errors.forbidden(resource.group, resource.plural, write.target.key[1], message)
    refusal.reason = denial.reason
    refusal.code = _CODES.get(denial.reason, HTTPStatus.UNPROCESSABLE_ENTITY)
    refusal.details = {**(refusal.details or {}), "causes": [{"message": message}]}
    return refusal


def _rule_matches(rule: Body, write: Write) -> bool:
    resource, subresource = write.target.resource, write.target.subresource
    plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
    patterns = {plural, "*/*", f"{resource.plural}/*", f"*/{subresource}" if subresource else "*"}
    scope = rule.get("scope", "*")
    names = rule.get("resourceNames")
    return (
        _listed(rule.get("operations"), write.operation)
        and _listed(rule.get("apiGroups"), resource.group)
        # matchPolicy Equivalent: a rule for one version also guards writes through another.
        and bool({"*", *resource.versions} & set(rule.get("apiVersions", ())))
        and bool(patterns & set(rule.get("resources", ())))
        and (scope == "*" or (scope == "Namespaced") is resource.namespaced)
        and (not names or write.target.key[1] in names)
    )


def _listed(allowed: Iterable[str] | None, value: str) -> bool:
    entries = set(allowed or ())
    return "*" in entries or value in entries


_OPERATORS: Final[Mapping[str, Callable[[Mapping[str, str], str, list[str]], bool]]] = {
    "In": lambda labels, key, values: labels.get(key) in values,
    "NotIn": lambda labels, key, values: labels.get(key) not in values,
    "Exists": lambda labels, key, _: key in labels,
    "DoesNotExist": lambda labels, key, _: key not in labels,
}


def _selects(selector: Body | None, labels: Mapping[str, str]) -> bool:
    """A `metav1.LabelSelector`; an empty one selects everything."""
    if not selector:
        return True
    exact = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exact and all(
        _OPERATORS[term["operator"]](labels, term["key"], term.get("values") or [])
        for term in selector.get("matchExpressions") or ()
    )


def _request(write: Write) -> Body:
    target, resource = write.target, write.target.resource
    return {
        "kind": {"group": resource.group, "version": target.version.name, "kind": resource.kind},
        "resource": {"group": resource.group, "version": target.version.name, "resource": resource.plural},
        "subResource": target.subresource,
        "name": target.key[1],
        "namespace": target.key[0],
        "operation": write.operation.value,
        "userInfo": {"username": "sandbox", "groups": ["system:masters", "system:authenticated"]},
        "dryRun": write.options.dry_run,
    }
