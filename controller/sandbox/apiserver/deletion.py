"""Deleting objects: preconditions, finalizers, propagation."""

from dataclasses import dataclass
from typing import Any, Final

from . import errors, field_errors, metadata
from .registry import Operation, Registry, Target, Write
from .requests import FieldValidation, WriteOptions
from .resources import Body
from .store import Record, make_record

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
        supported = ["Foreground", "Background", "Orphan", "nil"]
        problem = field_errors.not_supported("propagationPolicy", propagation, supported)
        raise errors.invalid("meta.k8s.io", "DeleteOptions", "", [problem])
    asked = given.get("dryRun") or query.get("dryRun") or []
    dry_run = [asked] if isinstance(asked, str) else asked
    if any(value != "All" for value in dry_run):
        problem = field_errors.not_supported("dryRun", dry_run, ["All"])
        raise errors.invalid("meta.k8s.io", "DeleteOptions", "", [problem])
    preconditions = given.get("preconditions") or {}
    grace = given.get("gracePeriodSeconds")
    return DeleteOptions(
        dry_run=bool(dry_run),
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


def delete(registry: Registry, target: Target, options: DeleteOptions) -> Deleted:
    """Delete an object, or mark it as being deleted while finalizers are left.

    Raises:
        ApiError: 403 (admission), 404 or 409 (preconditions).

    """
    record, resource = registry.get(target), target.resource
    body = target.parse(record)
    meta = body["metadata"]
    _check_preconditions(options, record, target)
    write_options = WriteOptions(dry_run=options.dry_run, field_validation=FieldValidation.IGNORE)
    registry.admission.admit(Write(Operation.DELETE, target, None, target.parse(record), write_options))
    finalizers = _finalizers(meta, options)
    if resource.finalizer_on_delete and not meta.get("deletionTimestamp"):
        finalizers.append(resource.finalizer_on_delete)
    if finalizers != meta.get("finalizers", []):
        meta["finalizers"] = finalizers
    if not resource.pending_finalizers(body):
        return Deleted(record if options.dry_run else registry.remove(resource, target.key, body), gone=True)
    if meta.get("deletionTimestamp"):
        return Deleted(record, gone=False)
    meta["deletionTimestamp"] = metadata.timestamp(registry.now())
    meta["deletionGracePeriodSeconds"] = 0
    if meta.get("generation"):
        meta["generation"] += 1
    if resource.prepare is not None:
        resource.prepare(body, target.parse(record))
    if options.dry_run:
        return Deleted(make_record(body, record.revision), gone=False)
    return Deleted(registry.commit_update(resource, target.key, body), gone=False)


def _check_preconditions(options: DeleteOptions, record: Record, target: Target) -> None:
    why = ""
    if options.uid and options.uid != record.uid:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({record.uid})."
            " The object might have been deleted and then recreated"
        )
    elif options.resource_version and options.resource_version != str(record.revision):
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion"
            f" in record ({record.revision}). The object might have been modified"
        )
    if why:
        # The real server names the kind here where it names the plural elsewhere.
        raise errors.conflict(target.resource.group, target.resource.kind, target.key[1], why)


def _finalizers(meta: Body, options: DeleteOptions) -> list[str]:
    """The object's finalizers, with that of the chosen propagation, which the garbage collector takes off."""
    kept = [name for name in meta.get("finalizers", []) if name not in {ORPHAN, FOREGROUND}]
    match options.propagation:
        case "Orphan":
            return [*kept, ORPHAN]
        case "Foreground":
            return [*kept, FOREGROUND]
        case _:
            return kept
