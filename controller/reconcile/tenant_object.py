"""A BusinessTenant as the engine handles it: metadata that matters, parsed spec and status."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from controller.api.business_tenant import BusinessTenantSpec, ManagementPolicy
from controller.api.business_tenant_status import BusinessTenantStatus
from controller.api.group import TENANT_FINALIZER, Annotation


class TenantKey(NamedTuple):
    """Namespace and name. A tuple, because a pass looks it up in a score of dictionaries."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Tenant:
    """One version of a tenant object."""

    key: TenantKey
    uid: str
    generation: int
    resource_version: str
    created_at: datetime
    deleted_at: datetime | None
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    spec: BusinessTenantSpec
    status: BusinessTenantStatus

    @classmethod
    def from_body(cls, body: Mapping[str, Any], before: "Tenant | None" = None) -> "Tenant | InvalidTenant":
        """Parse an object of the API server; what does not parse is a result, never a crash.

        `before` is an earlier version: a spec of the same generation is the same spec.
        """
        metadata = body["metadata"]
        key = TenantKey(metadata["namespace"], metadata["name"])
        raw_status = body.get("status")
        raw_status = raw_status if isinstance(raw_status, Mapping) else {}

        def invalid(part: str, error: ValidationError) -> InvalidTenant:
            return InvalidTenant(
                key,
                metadata["uid"],
                metadata.get("generation", 0),
                metadata["resourceVersion"],
                _first_complaint(part, error),
                raw_status,
            )

        raw_spec = body.get("spec") or {}
        version = (metadata["uid"], metadata.get("generation", 0))
        try:
            if before is not None and (before.uid, before.generation) == version:
                spec = before.spec
            else:
                spec = BusinessTenantSpec.model_validate(raw_spec)
        except ValidationError as error:
            if not metadata.get("deletionTimestamp"):
                return invalid("spec", error)
            spec = BusinessTenantSpec.model_validate(_keeping_everything(raw_spec))
        try:
            status = _lenient_status(raw_status)
        except ValidationError as error:
            return invalid("status", error)
        return cls(
            key=key,
            uid=metadata["uid"],
            generation=metadata.get("generation", 0),
            resource_version=metadata["resourceVersion"],
            created_at=_time(metadata["creationTimestamp"]),
            deleted_at=_time(metadata["deletionTimestamp"]) if metadata.get("deletionTimestamp") else None,
            finalizers=tuple(metadata.get("finalizers") or ()),
            annotations=metadata.get("annotations") or {},
            spec=spec,
            status=status,
        )

    @property
    def is_edited(self) -> bool:
        """Whether the spec was changed since a pass looked at it last; a new tenant is not an edited one."""
        return self.status.observed_generation not in (None, self.generation)

    @property
    def has_finalizer(self) -> bool:
        return TENANT_FINALIZER in self.finalizers

    @property
    def observe_only(self) -> bool:
        return self.spec.management_policy is ManagementPolicy.OBSERVE

    @property
    def paused_by(self) -> str | None:
        """What pauses the tenant, in words for people; None when nothing does."""
        if self.spec.paused:
            return "spec.paused"
        if self.annotations.get(Annotation.PAUSED) == "true":
            return f"the annotation {Annotation.PAUSED}"
        return None

    @property
    def reconcile_requested(self) -> str | None:
        """The token of a request to look now that was not handled yet."""
        token = self.annotations.get(Annotation.RECONCILE_REQUESTED_AT)
        return token if token and token[:128] != self.status.last_handled_reconcile_at else None


@dataclass(frozen=True, slots=True)
class InvalidTenant:
    """A tenant object whose spec does not parse, or whose record of its number or instance does not."""

    key: TenantKey
    uid: str
    generation: int
    resource_version: str
    complaint: str
    raw_status: Mapping[str, Any]


def _first_complaint(part: str, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join([part, *(str(step) for step in first['loc'])])}: {first['msg']}"


def _keeping_everything(raw_spec: object) -> dict[str, Any]:
    """What stands in for a spec that cannot be read when its tenant goes: nothing in it asks to give anything up.

    Otherwise the finalizer would keep the object for ever. What holds the operator back still does.
    """
    said = raw_spec if isinstance(raw_spec, Mapping) else {}
    observe = said.get("managementPolicy") == ManagementPolicy.OBSERVE.value
    return {
        "business": {"name": "unknown"},
        "paused": said.get("paused") is True,
        "managementPolicy": (ManagementPolicy.OBSERVE if observe else ManagementPolicy.FULL).value,
    }


def _lenient_status(raw: Mapping[str, Any]) -> BusinessTenantStatus:
    """Status is ours; what an older version wrote and this one cannot read is dropped.

    Number and instance are never dropped with the rest: without them a tenant would look as if it had none.
    Raises ValidationError when they themselves cannot be read.
    """
    try:
        return BusinessTenantStatus.model_validate(raw)
    except ValidationError:
        kept = {name: raw[name] for name in ("phoneNumber", "instance", "observedGeneration") if name in raw}
        return BusinessTenantStatus.model_validate(kept)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
