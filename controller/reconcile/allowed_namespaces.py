"""Which namespaces a provider or server may serve. Pure."""

from collections.abc import Mapping

from controller.api.common_fields import AllowedNamespaces, LabelOperator, LabelRequirement, NamespacesFrom
from controller.api.conditions import Reason
from controller.api.group import Kind
from controller.reconcile.verdict import Verdict


def allows(allowed: AllowedNamespaces | None, labels: Mapping[str, str] | None) -> bool:
    """Whether a namespace with these labels is let in. Labels that are not known (None) fit no selector."""
    if allowed is None or allowed.from_ is NamespacesFrom.ALL:
        return True
    if labels is None or allowed.selector is None:
        return False
    exact = allowed.selector.match_labels or {}
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        _meets(requirement, labels) for requirement in allowed.selector.match_expressions or ()
    )


def not_allowed(kind: Kind, names: str, namespace: str, labels: Mapping[str, str] | None) -> Verdict:
    """Say that none of the members named lets the namespace in."""
    unknown = "" if labels is not None else " Its labels are not known: may the operator list namespaces?"
    return Verdict.waiting(
        Reason.NAMESPACE_NOT_ALLOWED,
        f"spec.allowedNamespaces of {kind.value} {names} leaves out the namespace {namespace}. Label the namespace as"
        f" the selector asks, or widen the selector.{unknown}",
    )


def _meets(requirement: LabelRequirement, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(requirement.key), requirement.values or ()
    match requirement.operator:
        case LabelOperator.IN:
            return value is not None and value in values
        case LabelOperator.NOT_IN:
            # As in Kubernetes: a label that is not there is not one of the values.
            return value is None or value not in values
        case LabelOperator.EXISTS:
            return value is not None
        case LabelOperator.DOES_NOT_EXIST:
            return value is None
