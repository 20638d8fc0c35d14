"""ObjectMeta: what the server sets, what it keeps, what it refuses."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from . import field_errors, names
from .field_errors import FieldError
from .resources import Resource
from .structural import Schema, compile_schema

_STRING: Final = {"type": "string"}
_STRINGS: Final = {"type": "object", "additionalProperties": _STRING}
_OWNER_REFERENCE: Final = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("apiVersion", "kind", "name", "uid"), _STRING),
        **dict.fromkeys(("controller", "blockOwnerDeletion"), {"type": "boolean"}),
    },
}
_MANAGED_FIELDS: Final = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("manager", "operation", "apiVersion", "time", "fieldsType", "subresource"), _STRING),
        "fieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
OBJECT_META: Final[Schema] = compile_schema(
    {
        "type": "object",
        "properties": {
            **dict.fromkeys(
                (
                    "name",
                    "generateName",
                    "namespace",
                    "selfLink",
                    "uid",
                    "resourceVersion",
                    "creationTimestamp",
                    "deletionTimestamp",
                ),
                _STRING,
            ),
            **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), {"type": "integer"}),
            "labels": _STRINGS,
            "annotations": _STRINGS,
            "ownerReferences": {"type": "array", "items": _OWNER_REFERENCE},
            "finalizers": {"type": "array", "items": _STRING},
            "managedFields": {"type": "array", "items": _MANAGED_FIELDS},
        },
    }
)

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
        check = name_check(resource)
        found += [
            field_errors.invalid("metadata.name", metadata["name"], text) for text in check(metadata["name"])
        ]
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
        found += [field_errors.invalid("metadata.labels", value, text) for text in names.label_value_problems(value)]
    found += _validate_annotations(metadata.get("annotations", {}))
    for owner in metadata.get("ownerReferences", ()):
        found += _validate_owner(owner)
    for finalizer in metadata.get("finalizers", ()):
        found += [
            field_errors.invalid("metadata.finalizers", finalizer, text)
            for text in names.qualified_name_problems(finalizer)
        ]
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
