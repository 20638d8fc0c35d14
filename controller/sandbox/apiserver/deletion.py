"""Deleting objects: preconditions, finalizers, propagation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from . import errors, metadata
from .registry import Body, Operation, Registry
from .requests import FieldValidation, WriteOptions
from .resources import Resource, Version
from .store import Key, Record, make_record

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_PROPAGATIONS: Final = ("Orphan", "Background", "Foreground")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    dry_run: bool = False
    uid: str = ""
    resource_version: str = ""
    propagation: str = "Background"
    grace_period_seconds: int | None = None


def delete_options(body: Body, query: dict[str, str]) -> DeleteOptions:
    """`metav1.DeleteOptions` from the body or, when there is none, from the query.

    Raises:
        ApiError: 400 or 422 for values that are not allowed.
    """
    given: dict[str, Any] = body or dict(query)
    propagation = given.get("propagationPolicy") or "Background"
    if given.get("orphanDependents") in {True, "true"}:
        propagation = "Orphan"
    if propagation not in _PROPAGATIONS:
        listed = ", ".join(f'"{name}"' for name in ("Foreground", "Background", "Orphan", "nil"))
        raise errors.bad_request(
            f'invalid DeleteOptions: propagationPolicy: Unsupported value: "{propagation}": supported values: {listed}'
        )
    dry_run = given.get("dryRun") or query.get("dryRun") or []
    preconditions = given.get("preconditions") or {}
    grace = given.get("gracePeriodSeconds")
    return DeleteOptions(
        dry_run="All" in dry_run,
        uid=str(preconditions.get("uid") or ""),
        resource_version=str(preconditions.get("resourceVersion") or ""),
        propagation=propagation,
        grace_period_seconds=int(grace) if grace is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object as it was last, and whether it is gone or waits for its finalizers."""

    record: Record
    gone: bool


def delete(
    registry: Registry, resource: Resource, version: Version, key: Key, options: DeleteOptions
) -> Deleted:
    """Delete an object, or mark it as being deleted while finalizers are left.

    Raises:
        ApiError: 403 (admission), 404 or 409 (preconditions).
    """
    record = registry.get(resource, key)
    body: Body = {
        "apiVersion": resource.api_version(version.name),
        "kind": resource.kind,
        **record.parse(),
    }
    meta = body["metadata"]
    _check_preconditions(options, record, resource, key)
    registry.admission.admit(
        operation=Operation.DELETE,
        resource=resource,
        version=version.name,
        key=key,
        subresource="",
        body=None,
        old=body,
        options=WriteOptions(dry_run=options.dry_run, field_validation=FieldValidation.IGNORE),
    )
    finalizers = _finalizers(meta, options, has_dependents=bool(registry.store.dependents(record.uid)))
    if finalizers != meta.get("finalizers", []):
        meta["finalizers"] = finalizers
    if not registry.pending_deletion(resource, key, body):
        return Deleted(record if options.dry_run else registry.remove(resource, key, body), gone=True)
    if meta.get("deletionTimestamp"):
        return Deleted(record, gone=False)
    meta["deletionTimestamp"] = metadata.timestamp(registry.now())
    meta["deletionGracePeriodSeconds"] = 0
    if meta.get("generation"):
        meta["generation"] += 1
    if resource.prepare is not None:
        resource.prepare(body, body)
    if options.dry_run:
        return Deleted(make_record(body, record.revision), gone=False)
    return Deleted(registry.commit_update(resource, key, body), gone=False)


def _check_preconditions(options: DeleteOptions, record: Record, resource: Resource, key: Key) -> None:
    if options.uid and options.uid != record.uid:
        why = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {record.uid}"
        raise errors.conflict(resource.group, resource.plural, key[1], why)
    if options.resource_version and options.resource_version != str(record.revision):
        why = (
            f"Precondition failed: ResourceVersion in precondition: {options.resource_version},"
            f" ResourceVersion in object meta: {record.revision}"
        )
        raise errors.conflict(resource.group, resource.plural, key[1], why)


def _finalizers(meta: Body, options: DeleteOptions, *, has_dependents: bool) -> list[str]:
    """The object's finalizers, with that of the chosen propagation."""
    kept = [name for name in meta.get("finalizers", []) if name not in {ORPHAN, FOREGROUND}]
    if options.propagation == "Orphan" and has_dependents:
        return [*kept, ORPHAN]
    if options.propagation == "Foreground" and has_dependents:
        return [*kept, FOREGROUND]
    return kept
