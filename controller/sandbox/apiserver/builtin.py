"""The built-in kinds that are served, and what the server does with their objects."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, Final

from . import admission, event_conversion, field_errors, kubernetes_types
from .field_errors import FieldError
from .resources import ALL_VERBS, Check, Column, Nature, Prepare, Resource, Version
from .table import AGE

Body = dict[str, Any]

_AGE: Final = (AGE,)


def _text(name: str, path: str, priority: int = 0) -> Column:
    return Column(name, "string", path, priority=priority)


def _count(name: str, path: str) -> Column:
    return Column(name, "integer", f"#{path}")


_COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "namespaces": (_text("Status", ".status.phase"), AGE),
    "secrets": (_text("Type", ".type"), _count("Data", ".data"), AGE),
    "configmaps": (_count("Data", ".data+.binaryData"), AGE),
    "events": (
        Column("Last Seen", "date", ".lastTimestamp"),
        _text("Type", ".type"),
        _text("Reason", ".reason"),
        _text("Object", "@involvedObject"),
        _text("Subobject", ".involvedObject.fieldPath", 1),
        _text("Source", ".source.component", 1),
        _text("Message", ".message"),
        Column("First Seen", "date", ".firstTimestamp", priority=1),
        Column("Count", "integer", ".count", priority=1),
        _text("Name", ".metadata.name", 1),
    ),
    "leases": (_text("Holder", ".spec.holderIdentity"), AGE),
    "customresourcedefinitions": (Column("Created At", "date", ".metadata.creationTimestamp"),),
    "clusterrolebindings": (_text("Role", "@roleRef"), AGE),
    "rolebindings": (_text("Role", "@roleRef"), AGE),
    "roles": (Column("Created At", "date", ".metadata.creationTimestamp"),),
    "clusterroles": (Column("Created At", "date", ".metadata.creationTimestamp"),),
    "validatingadmissionpolicies": (
        _count("Validations", ".spec.validations"),
        _text("ParamKind", ".spec.paramKind.kind"),
        AGE,
    ),
    "validatingadmissionpolicybindings": (
        _text("PolicyName", ".spec.policyName"),
        _text("ParamRef", ".spec.paramRef.name"),
        AGE,
    ),
}


_EVENTS_V1_COLUMNS: Final = (
    Column("Last Seen", "date", ".deprecatedLastTimestamp"),
    _text("Type", ".type"),
    _text("Reason", ".reason"),
    _text("Object", "@regarding"),
    _text("Message", ".note"),
)


def _prepare_secret(body: Body, old: Body | None) -> None:
    plain = body.pop("stringData", None)
    if plain:
        body["data"] = (body.get("data") or {}) | {
            name: base64.b64encode(str(value).encode()).decode() for name, value in plain.items()
        }
    body.setdefault("type", old["type"] if old is not None else "Opaque")


def _check_secret(body: Body, old: Body | None) -> list[FieldError]:
    found: list[FieldError] = []
    for name, value in (body.get("data") or {}).items():
        try:
            base64.b64decode(value or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            found.append(field_errors.invalid(f"data[{name}]", value, "must be base64"))
    if old is not None:
        found += _immutable("type", body, old)
        if old.get("immutable"):
            found += _frozen(("data",), body, old)
    return found


def _check_config_map(body: Body, old: Body | None) -> list[FieldError]:
    if old is not None and old.get("immutable"):
        return _frozen(("data", "binaryData"), body, old)
    return []


def _frozen(names: Iterable[str], body: Body, old: Body) -> list[FieldError]:
    found = [
        field_errors.forbidden(name, "field is immutable when `immutable` is set")
        for name in names
        if body.get(name) != old.get(name)
    ]
    if not body.get("immutable"):
        found.insert(0, field_errors.forbidden("immutable", "field is immutable when `immutable` is set"))
    return found


def _immutable(name: str, body: Body, old: Body) -> list[FieldError]:
    if body.get(name) == old.get(name):
        return []
    return [field_errors.invalid(name, body.get(name), "field is immutable")]


def _prepare_namespace(body: Body, old: Body | None) -> None:
    name = body["metadata"]["name"]
    body["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
    spec, status = body.setdefault("spec", {}), body.setdefault("status", {})
    if old is None:
        spec["finalizers"] = ["kubernetes"]
    elif old is not body:
        body["spec"] = old["spec"]
    status["phase"] = "Terminating" if body["metadata"].get("deletionTimestamp") else "Active"


def _check_role_binding(body: Body, old: Body | None) -> list[FieldError]:
    if old is not None and body.get("roleRef") != old.get("roleRef"):
        return [field_errors.invalid("roleRef", body.get("roleRef"), "cannot change roleRef")]
    return []


def _resource(
    group: str,
    version: str,
    plural: str,
    kind: str,
    *,
    namespaced: bool = True,
    short_names: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    status: bool = False,
    generation: bool = False,
    create_on_update: bool = False,
    prepare: Prepare | None = None,
    check: Check | None = None,
    verbs: tuple[str, ...] = ALL_VERBS,
    subresources: tuple[str, ...] = (),
) -> Resource:
    return Resource(
        group=group,
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=namespaced,
        versions={
            version: Version(
                version,
                schema=kubernetes_types.compiled(kubernetes_types.definition_name(group, version, kind)),
                columns=_COLUMNS.get(plural, _AGE),
            )
        },
        storage_version=version,
        short_names=short_names,
        categories=categories,
        status_subresource=status,
        tracks_generation=generation,
        create_on_update=create_on_update,
        prepare=prepare,
        check=check,
        verbs=verbs,
        subresources=(*(("status",) if status else ()), *subresources),
    )


def _events_v1() -> Resource:
    """events.k8s.io/v1: the objects of core/v1 under other names."""
    stored = kubernetes_types.compiled(kubernetes_types.definition_name("", "v1", "Event"))
    return Resource(
        group="events.k8s.io",
        plural="events",
        singular="event",
        kind="Event",
        namespaced=True,
        versions={"v1": Version("v1", schema=stored, columns=_EVENTS_V1_COLUMNS)},
        storage_version="v1",
        short_names=("ev",),
        create_on_update=True,
        stored_in=("", "events"),
        to_storage=event_conversion.to_core_v1,
        from_storage=event_conversion.to_events_v1,
    )


def _review(group: str, plural: str, kind: str, *, namespaced: bool = False) -> Resource:
    return Resource(
        group=group,
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=namespaced,
        versions={"v1": Version("v1")},
        storage_version="v1",
        nature=Nature.REVIEW,
        verbs=("create",),
    )


def built_in_resources() -> list[Resource]:
    """All built-in kinds but CustomResourceDefinition."""
    rbac = "rbac.authorization.k8s.io"
    return [
        _resource(
            "",
            "v1",
            "namespaces",
            "Namespace",
            namespaced=False,
            short_names=("ns",),
            status=True,
            prepare=_prepare_namespace,
            verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
            subresources=("finalize",),
        ),
        _resource("", "v1", "secrets", "Secret", prepare=_prepare_secret, check=_check_secret),
        _resource("", "v1", "configmaps", "ConfigMap", short_names=("cm",), check=_check_config_map),
        _resource("", "v1", "serviceaccounts", "ServiceAccount", short_names=("sa",)),
        _resource("", "v1", "events", "Event", short_names=("ev",), create_on_update=True),
        _resource("", "v1", "nodes", "Node", namespaced=False, short_names=("no",), status=True),
        _resource("", "v1", "pods", "Pod", short_names=("po",), categories=("all",), status=True),
        _resource("", "v1", "services", "Service", short_names=("svc",), categories=("all",), status=True),
        _resource(
            "apps",
            "v1",
            "deployments",
            "Deployment",
            short_names=("deploy",),
            categories=("all",),
            status=True,
            generation=True,
        ),
        _events_v1(),
        _resource("coordination.k8s.io", "v1", "leases", "Lease", create_on_update=True),
        _resource(rbac, "v1", "roles", "Role"),
        _resource(rbac, "v1", "rolebindings", "RoleBinding", check=_check_role_binding),
        _resource(rbac, "v1", "clusterroles", "ClusterRole", namespaced=False),
        _resource(rbac, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False, check=_check_role_binding),
        _resource(
            admission.GROUP,
            "v1",
            "validatingadmissionpolicies",
            "ValidatingAdmissionPolicy",
            namespaced=False,
            categories=("api-extensions",),
            status=True,
            generation=True,
            prepare=admission.prepare_policy,
            check=admission.check_policy,
        ),
        _resource(
            admission.GROUP,
            "v1",
            "validatingadmissionpolicybindings",
            "ValidatingAdmissionPolicyBinding",
            namespaced=False,
            categories=("api-extensions",),
            generation=True,
            prepare=admission.prepare_binding,
            check=admission.check_binding,
        ),
        _review("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        _review("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
        _review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
    ]
