"""A PhoneProvider or EvolutionServer as the engine handles it, and what both have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from controller.api.common_fields import ApiModel
from controller.api.conditions import Audience, Condition, ConditionStatus, ConditionType, Reason
from controller.api.group import SERVING_FINALIZER, Kind
from controller.reconcile.timestamps import parse, stamp
from controller.reconcile.verdict import Verdict

SpecModel_co = TypeVar("SpecModel_co", bound=ApiModel, covariant=True)


@dataclass(frozen=True, slots=True)
class FleetKey:
    """A cluster-scoped object of ours."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"


@dataclass(frozen=True, slots=True)
class FleetObject(Generic[SpecModel_co]):
    """One version of the object; `status` raw, as the API server has it."""

    key: FleetKey
    resource_version: str
    generation: int
    deleted_at: datetime | None
    finalizers: tuple[str, ...]
    spec: SpecModel_co
    status: Mapping[str, Any]

    @property
    def has_finalizer(self) -> bool:
        return SERVING_FINALIZER in self.finalizers


def parse_fleet_object(
    kind: Kind, body: Mapping[str, Any], spec_model: type[SpecModel_co]
) -> FleetObject[SpecModel_co] | Verdict:
    """Parse an object of the API server; what does not parse is a verdict, never a crash."""
    metadata = body["metadata"]
    try:
        spec = spec_model.model_validate(body.get("spec") or {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Verdict.waiting(
            Reason.INVALID_SPEC, f"The spec does not parse: spec.{where}: {first['msg']}. Correct it."
        )
    return FleetObject(
        key=FleetKey(kind, metadata["name"]),
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        deleted_at=parse(metadata["deletionTimestamp"]) if metadata.get("deletionTimestamp") else None,
        finalizers=tuple(metadata.get("finalizers") or ()),
        spec=spec,
        status=body.get("status") or {},
    )


def ready_conditions(
    verdict: Verdict, generation: int, before: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Ready, and Stalled or Reconciling while it is not, as they stand in status."""
    old = {condition.get("type"): condition for condition in before}

    def condition(type_: ConditionType, status: ConditionStatus) -> dict[str, Any]:
        was = old.get(type_.value, {})
        moved = was.get("status") != status.value
        return Condition(
            type=type_.value,
            status=status,
            reason=verdict.reason.text,
            message=verdict.message[:1024],
            observed_generation=generation,
            last_transition_time=stamp(now) if moved else was["lastTransitionTime"],
        ).to_wire()

    if verdict.ready:
        return [condition(ConditionType.READY, ConditionStatus.TRUE)]
    second = ConditionType.STALLED if verdict.stalled else ConditionType.RECONCILING
    conditions = [condition(ConditionType.READY, ConditionStatus.FALSE)]
    if verdict.reason.audience is not Audience.PERSON:
        conditions.append(condition(second, ConditionStatus.TRUE))
    return conditions
