"""Plan, make the first change, look at what it made of the world, plan again: until nothing is left to do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import structlog

from controller.api.business_tenant_status import Repair
from controller.api.conditions import ConditionStatus, Reason
from controller.providers.errors import OutsideError
from controller.reconcile.change import (
    BuyNumber,
    Change,
    ConfigureNumber,
    CreateInstance,
    CreateTemplate,
    EditTemplate,
    FinishPurchase,
    RemoveTemplate,
    ReplaceInstance,
    RetainInstance,
    RetainNumber,
    SaveToken,
    SetBehaviour,
    SetProfile,
    StartPairing,
    TakeNumber,
)
from controller.reconcile.contention import contended, record_repair
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.instance.apply import apply_instance
from controller.reconcile.number.apply import apply_number
from controller.reconcile.observed import TenantObserved
from controller.reconcile.plan import plan_tenant
from controller.reconcile.profile import apply_profile
from controller.reconcile.routing import apply_routing, observe_routing
from controller.reconcile.run import Run
from controller.reconcile.templates.apply import apply_template
from controller.reconcile.verdict import Facet, Verdict

log = structlog.get_logger(__name__)

_FACETS: Final = frozenset(facet.value for facet in Facet)
# No tenant needs more; a plan that never gets empty is a defect that must not become a hot loop.
MAX_CHANGES: Final = 24


@dataclass(frozen=True, slots=True)
class Converged:
    """Where a pass ended: the world as it is now, what is to be said of each facet, what is left to do."""

    observed: TenantObserved
    verdicts: Mapping[Facet, Verdict]
    remaining: tuple[Change, ...]
    repairs: tuple[Repair, ...]


async def converge(run: Run, observed: TenantObserved) -> Converged:
    """Make the changes one by one. A facet that failed is left, the others go on. Raises `ObjectChangedError`."""
    failed: dict[Facet, Verdict] = {}
    repairs = run.tenant.status.recent_repairs or []
    settled = settled_facets(run)
    plan = plan_tenant(run.desired, observed, run.context.policy)
    for _ in range(MAX_CHANGES):
        change = next_change(plan, failed)
        if change is None:
            break
        if change.repairs is not None and change.facet in settled:
            if contended(change.repairs, repairs, observed.now, run.context.policy):
                failed[change.facet] = _say_contended(change)
                continue
            repairs = record_repair(change.repairs, repairs, observed.now)
        try:
            observed = await apply(change, observed, run)
        except OutsideError as error:
            log.warning(
                "change failed", tenant=str(run.tenant.key), what=change.what, reason=str(error.reason)
            )
            failed[change.facet] = Verdict.failed(error)
        else:
            what = _done(change, observed)
            log.info("change made", tenant=str(run.tenant.key), what=what, why=change.why)
            run.done.append(what)
            plan = plan_tenant(run.desired, observed, run.context.policy)
    verdicts = {facet: failed.get(facet, facet_plan.verdict) for facet, facet_plan in plan.items()}
    return Converged(observed, verdicts, _all_changes(plan), tuple(repairs))


def look_only(run: Run, observed: TenantObserved) -> Converged:
    """The same without making any change."""
    plan = plan_tenant(run.desired, observed, run.context.policy)
    verdicts = {facet: facet_plan.verdict for facet, facet_plan in plan.items()}
    return Converged(observed, verdicts, _all_changes(plan), tuple(run.tenant.status.recent_repairs or ()))


def next_change(plan: Mapping[Facet, FacetPlan], failed: Mapping[Facet, Verdict]) -> Change | None:
    """The first change that can be made now."""
    for facet, facet_plan in plan.items():
        for change in facet_plan.changes:
            if change.action is None or facet in failed:
                break  # later changes of a facet build on earlier ones
            return change
    return None


def settled_facets(run: Run) -> frozenset[str]:
    """Facets that were as wanted (or fought over) at this very generation: a difference is somebody else's doing."""
    status = run.tenant.status
    if status.observed_generation != run.tenant.generation:
        return frozenset()
    return _FACETS.intersection(
        condition.type
        for condition in status.conditions or ()
        if condition.status is ConditionStatus.TRUE or condition.reason == Reason.CONTENDED.text
    )


async def apply(change: Change, observed: TenantObserved, run: Run) -> TenantObserved:
    """Carry out one change; answers the world after it."""
    match change.action:
        case (
            BuyNumber() | FinishPurchase() | TakeNumber() | ConfigureNumber() | RetainNumber()
        ) as number_action:
            number = await apply_number(number_action, observed.number, run)
            return replace(observed, number=number)
        case (
            CreateInstance()
            | ReplaceInstance()
            | SaveToken()
            | SetBehaviour()
            | StartPairing()
            | RetainInstance()
        ) as instance_action:
            instance = await apply_instance(instance_action, observed.number, observed.instance, run)
            changed = replace(observed, instance=instance)
            if not isinstance(instance_action, CreateInstance | ReplaceInstance):
                return changed
            routing = await observe_routing(run.tenant, run.desired, observed.number, instance, run.context)
            return replace(changed, routing=routing)
        case SetProfile():
            applied = await apply_profile(observed.instance, run)
            return replace(observed, applied_profile=applied, business_profile=None)
        case CreateTemplate() | EditTemplate() | RemoveTemplate() as template_action:
            templates = await apply_template(template_action, observed.templates, observed.instance, run)
            return replace(observed, templates=templates)
        case None:
            return observed
        case routing_action:
            routing = await apply_routing(routing_action, observed.instance, observed.routing, run)
            return replace(observed, routing=routing)


def _done(change: Change, observed: TenantObserved) -> str:
    """What was done, with what went along."""
    makes = isinstance(change.action, CreateInstance | ReplaceInstance)
    return f"{change.what} with its webhook" if makes and observed.instance.made_with else change.what


def _all_changes(plan: Mapping[Facet, FacetPlan]) -> tuple[Change, ...]:
    return tuple(change for facet_plan in plan.values() for change in facet_plan.changes)


def _say_contended(change: Change) -> Verdict:
    return Verdict.waiting(
        Reason.CONTENDED,
        f"Somebody keeps changing the {change.repairs} back; it was repaired three times within an hour. Find the"
        " other writer. It is left alone now and looked at again within the hour.",
        after=3600.0,
    )
