"""The columns of `kubectl get` for built-in kinds."""

from collections.abc import Mapping
from typing import Final

from .resources import Column
from .table import AGE_DESCRIPTION, NAME

AGE: Final = Column("Age", "age", ".metadata.creationTimestamp", AGE_DESCRIPTION)


def _text(name: str, path: str, priority: int = 0, missing: str = "") -> Column:
    return Column(name, "string", path, priority=priority, missing=missing)


def _count(name: str, path: str, type_: str = "string") -> Column:
    return Column(name, type_, f"#{path}")


_CREATED_AT: Final = (Column("Created At", "date-time", ".metadata.creationTimestamp", AGE_DESCRIPTION),)
_EVENTS: Final = (
    Column("Last Seen", "age", ".lastTimestamp", missing="<unknown>"),
    _text("Type", ".type"),
    _text("Reason", ".reason"),
    _text("Object", "@involvedObject"),
    _text("Subobject", ".involvedObject.fieldPath", 1),
    _text("Source", ".source.component", 1),
    _text("Message", ".message"),
    Column("First Seen", "age", ".firstTimestamp", priority=1, missing="<unknown>"),
    Column("Count", "string", ".count", priority=1),
    Column(NAME.name, "string", NAME.json_path, NAME.description, "name", priority=1),
)
_COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "namespaces": (_text("Status", ".status.phase"), AGE),
    "secrets": (_text("Type", ".type"), _count("Data", ".data"), AGE),
    "configmaps": (_count("Data", ".data+.binaryData"), AGE),
    "events": _EVENTS,
    "leases": (_text("Holder", ".spec.holderIdentity"), AGE),
    "clusterrolebindings": (_text("Role", "@roleRef"), AGE),
    "rolebindings": (_text("Role", "@roleRef"), AGE),
    "roles": _CREATED_AT,
    "clusterroles": _CREATED_AT,
    "customresourcedefinitions": _CREATED_AT,
    "validatingadmissionpolicies": (
        _count("Validations", ".spec.validations", "integer"),
        _text("ParamKind", ".spec.paramKind.kind", missing="<unset>"),
        AGE,
    ),
    "validatingadmissionpolicybindings": (
        _text("PolicyName", ".spec.policyName"),
        _text("ParamRef", ".spec.paramRef.name", missing="<unset>"),
        AGE,
    ),
}


def columns(plural: str) -> tuple[Column, ...]:
    """The columns of a kind, without the name that all begin with."""
    return _COLUMNS.get(plural, (AGE,))
