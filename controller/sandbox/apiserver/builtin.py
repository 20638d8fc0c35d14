"""The built-in kinds that are served."""

from typing import Final

from . import admission, builtin_objects, event_conversion, kubernetes_types
from .builtin_columns import columns
from .resources import ALL_VERBS, Check, Nature, Prepare, Resource, Version

_RBAC: Final = "rbac.authorization.k8s.io"
_EXTENSIONS: Final = ("api-extensions",)
_ALL: Final = ("all",)


def built_in_resources() -> list[Resource]:
    """All built-in kinds but CustomResourceDefinition."""
    return [*_core(), *_policies(), *_rbac(), *_others(), *_reviews()]


def _core() -> list[Resource]:
    objects = builtin_objects
    return [
        _resource(
            "",
            "namespaces",
            "Namespace",
            namespaced=False,
            short_names=("ns",),
            subresources=("status", "finalize"),
            prepare=objects.prepare_namespace,
            verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
        ),
        _resource("", "secrets", "Secret", prepare=objects.prepare_secret, check=objects.check_secret),
        _resource("", "configmaps", "ConfigMap", short_names=("cm",), check=objects.check_config_map),
        _resource("", "serviceaccounts", "ServiceAccount", short_names=("sa",)),
        _resource(
            "",
            "events",
            "Event",
            short_names=("ev",),
            create_on_update=True,
            prepare=objects.prepare_event,
            check=objects.check_event,
        ),
        _resource("", "nodes", "Node", namespaced=False, short_names=("no",), subresources=("status",)),
        _resource("", "pods", "Pod", short_names=("po",), categories=_ALL, subresources=("status",)),
        _resource("", "services", "Service", short_names=("svc",), categories=_ALL, subresources=("status",)),
    ]


def _policies() -> list[Resource]:
    return [
        _resource(
            admission.GROUP,
            admission.POLICIES,
            "ValidatingAdmissionPolicy",
            namespaced=False,
            categories=_EXTENSIONS,
            subresources=("status",),
            tracks_generation=True,
            unconditional_update=False,
            prepare=admission.prepare_policy,
            check=admission.check_policy,
        ),
        _resource(
            admission.GROUP,
            admission.BINDINGS,
            "ValidatingAdmissionPolicyBinding",
            namespaced=False,
            categories=_EXTENSIONS,
            tracks_generation=True,
            unconditional_update=False,
            prepare=admission.prepare_binding,
            check=admission.check_binding,
        ),
    ]


def _rbac() -> list[Resource]:
    check = builtin_objects.check_role_binding
    return [
        _resource(_RBAC, "roles", "Role", create_on_update=True),
        _resource(_RBAC, "rolebindings", "RoleBinding", create_on_update=True, check=check),
        _resource(_RBAC, "clusterroles", "ClusterRole", namespaced=False, create_on_update=True),
        _resource(
            _RBAC,
            "clusterrolebindings",
            "ClusterRoleBinding",
            namespaced=False,
            create_on_update=True,
            check=check,
        ),
    ]


def _others() -> list[Resource]:
    return [
        _resource(
            "apps",
            "deployments",
            "Deployment",
            short_names=("deploy",),
            categories=_ALL,
            subresources=("status",),
            tracks_generation=True,
        ),
        _resource(
            "coordination.k8s.io",
            "leases",
            "Lease",
            create_on_update=True,
            unconditional_update=False,
            check=builtin_objects.check_lease,
        ),
        _events_v1(),
    ]


def _events_v1() -> Resource:
    """events.k8s.io/v1: the objects of core/v1 under other names."""
    stored = kubernetes_types.compiled(kubernetes_types.definition_name("", "v1", "Event"))
    return Resource(
        group="events.k8s.io",
        plural="events",
        singular="event",
        kind="Event",
        namespaced=True,
        versions={"v1": Version("v1", schema=stored, columns=columns("events"))},
        storage_version="v1",
        short_names=("ev",),
        create_on_update=True,
        stored_in=("", "events"),
        to_storage=event_conversion.to_core_v1,
        from_storage=event_conversion.to_events_v1,
        prepare=builtin_objects.prepare_event,
        check=builtin_objects.check_event_v1,
    )


def _reviews() -> list[Resource]:
    return [
        _review("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview"),
        _review("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        _review("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
        _review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
        _review("authentication.k8s.io", "tokenreviews", "TokenReview"),
    ]


def _resource(
    group: str,
    plural: str,
    kind: str,
    *,
    namespaced: bool = True,
    short_names: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    subresources: tuple[str, ...] = (),
    tracks_generation: bool = False,
    create_on_update: bool = False,
    unconditional_update: bool = True,
    prepare: Prepare | None = None,
    check: Check | None = None,
    verbs: tuple[str, ...] = ALL_VERBS,
) -> Resource:
    schema = kubernetes_types.compiled(kubernetes_types.definition_name(group, "v1", kind))
    return Resource(
        group=group,
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=namespaced,
        versions={"v1": Version("v1", schema=schema, columns=columns(plural))},
        storage_version="v1",
        short_names=short_names,
        categories=categories,
        status_subresource="status" in subresources,
        subresources=subresources,
        tracks_generation=tracks_generation,
        create_on_update=create_on_update,
        unconditional_update=unconditional_update,
        prepare=prepare,
        check=check,
        verbs=verbs,
    )


def _review(group: str, plural: str, kind: str) -> Resource:
    return Resource(
        group=group,
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=False,
        versions={"v1": Version("v1")},
        storage_version="v1",
        nature=Nature.REVIEW,
        verbs=("create",),
    )
