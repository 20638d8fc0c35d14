"""ObjectMeta: what the server sets, what it keeps, what it refuses."""

import secrets
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from . import field_errors, kubernetes_types, names
from .field_errors import FieldError
from .resources import Resource
from .structural import Schema

OBJECT_META: Final[Schema] = kubernetes_types.compiled("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
_SUFFIX_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_MAX_GENERATED: Final = 63
_SUFFIX_LENGTH: Final = 5
_ANNOTATIONS_LIMIT: Final = 256 * 1024
_KEPT_ON_UPDATE: Final = (
    "name",
    "namespace",
    "generateName",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
)


def timestamp(moment: datetime) -> str:
    """`metav1.Time`: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def generated_name(prefix: str) -> str:
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(_SUFFIX_LENGTH))
    return prefix[: _MAX_GENERATED - _SUFFIX_LENGTH] + suffix


def without_empty(metadata: dict[str, Any]) -> None:
    """Drop in place what Go's `omitempty` drops: empty strings, maps and lists, and nulls."""
    for name in [name for name, value in metadata.items() if value in (None, "", {}, [])]:
        del metadata[name]


def fill_on_create(metadata: dict[str, Any], resource: Resource, now: datetime) -> None:
    """Set what only the server sets on a new object."""
    for name in ("uid", "resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"):
        metadata.pop(name, None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = timestamp(now)
    metadata.pop("generation", None)
    if resource.is_custom or resource.tracks_generation:
        metadata["generation"] = 1
    without_empty(metadata)


def keep_on_update(metadata: dict[str, Any], old: dict[str, Any]) -> None:
    """Keep what a client cannot change."""
    for name in _KEPT_ON_UPDATE:
        if name in old:
            metadata[name] = old[name]
        else:
            metadata.pop(name, None)
    metadata.pop("selfLink", None)
    without_empty(metadata)


def validate(
    metadata: dict[str, Any], resource: Resource, old: dict[str, Any] | None = None
) -> list[FieldError]:
    """All violations of ObjectMeta's own rules."""
    found: list[FieldError] = []
    if old is None:
        found += _validate_name(metadata, name_check(resource))
    elif old.get("deletionTimestamp"):
        added = sorted(set(metadata.get("finalizers", ())) - set(old.get("finalizers", ())))
        if added:
            listed = ", ".join(map(field_errors.printed, added))
            found.append(
                field_errors.forbidden(
                    "metadata.finalizers",
                    "no new finalizers can be added if the object is being deleted,"
                    f" found new finalizers []string{{{listed}}}",
                )
            )
    for key, value in metadata.get("labels", {}).items():
        found += [
            field_errors.invalid("metadata.labels", key, text) for text in names.qualified_name_problems(key)
        ]
        found += [
            field_errors.invalid("metadata.labels", value, text) for text in names.label_value_problems(value)
        ]
    found += _validate_annotations(metadata.get("annotations", {}))
    found += _validate_owners(metadata.get("ownerReferences", []))
    for finalizer in metadata.get("finalizers", ()):
        found += [
            field_errors.invalid("metadata.finalizers", finalizer, text)
            for text in names.qualified_name_problems(finalizer)
        ]
    return found


def _validate_name(metadata: dict[str, Any], check: Callable[[str], list[str]]) -> list[FieldError]:
    found: list[FieldError] = []
    if prefix := metadata.get("generateName"):
        # A dash at the end is fine: more comes after it.
        masked = prefix[:-1] + "a" if prefix.endswith("-") else prefix
        found += [field_errors.invalid("metadata.generateName", prefix, text) for text in check(masked)]
    name = metadata.get("name", "")
    if not name:
        return [*found, field_errors.required("metadata.name", "name or generateName is required")]
    return found + [field_errors.invalid("metadata.name", name, text) for text in check(name)]


def finalizer_warnings(metadata: dict[str, Any], old: dict[str, Any] | None) -> list[str]:
    """What the real server says about new finalizers without a domain and a path."""
    before = old.get("finalizers", ()) if old is not None else ()
    found = []
    for name in sorted(set(metadata.get("finalizers", ())) - set(before)):
        if "/" not in name and name not in {"orphan", "foregroundDeletion"}:
            including = " including a path (/)" if "." in name else ""
            found.append(
                f"metadata.finalizers: {field_errors.printed(name)}: prefer a domain-qualified finalizer"
                f" name{including} to avoid accidental conflicts with other finalizer writers"
            )
    return found


def _validate_annotations(annotations: dict[str, str]) -> list[FieldError]:
    found = [
        field_errors.invalid("metadata.annotations", key, text)
        for key in annotations
        for text in names.qualified_name_problems(key.lower())
    ]
    if sum(len(key) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        found.append(field_errors.too_long("metadata.annotations", _ANNOTATIONS_LIMIT))
    return found


def _validate_owners(owners: list[dict[str, Any]]) -> list[FieldError]:
    found = [error for owner in owners for error in _validate_owner(owner)]
    controllers = [
        f"{owner.get('kind', '')}/{owner.get('name', '')}" for owner in owners if owner.get("controller")
    ]
    for other in controllers[1:]:
        why = (
            'Only one reference can have Controller set to true. Found "true" in references for'
            f" {controllers[0]} and {other}"
        )
        found.append(field_errors.invalid("metadata.ownerReferences", owners, why))
    return found


def _validate_owner(owner: dict[str, Any]) -> list[FieldError]:
    texts = {"apiVersion": "version must not be empty"}
    return [
        field_errors.invalid(f"metadata.ownerReferences.{name}", "", texts.get(name, "must not be empty"))
        for name in ("apiVersion", "kind", "name", "uid")
        if not owner.get(name)
    ]


def name_check(resource: Resource) -> Callable[[str], list[str]]:
    if resource.group == "" and resource.plural in {"namespaces", "services"}:
        return names.label_problems
    if resource.group == "rbac.authorization.k8s.io":
        return names.path_segment_problems
    return names.subdomain_problems
