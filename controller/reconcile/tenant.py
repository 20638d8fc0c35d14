"""One pass over one tenant: a list of steps, each of which may end it.

paused? -> going away? -> first lists there? -> finalizer -> observe -> change -> report
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog

from controller.api.business_tenant_status import BusinessTenantStatus, Phase
from controller.api.conditions import Reason
from controller.reconcile.announcements import announcements
from controller.reconcile.cloud_api.observe import observe_business_profile, with_meta
from controller.reconcile.contention import within_window
from controller.reconcile.context import Context
from controller.reconcile.converge import Converged, converge, look_only
from controller.reconcile.deletion import let_go
from controller.reconcile.desired import desire
from controller.reconcile.instance.observe import observe_instance
from controller.reconcile.next_look import AT_ONCE, ON_CHANGE, BackOff, NextLook
from controller.reconcile.number.observe import observe_number
from controller.reconcile.observed import TenantObserved
from controller.reconcile.own_reads import read_own
from controller.reconcile.ownership import Owner
from controller.reconcile.ports import ObjectChangedError
from controller.reconcile.profile import applied_profile
from controller.reconcile.routing import observe_routing
from controller.reconcile.run import Run
from controller.reconcile.status import Findings, converged_status, held_status, invalid_status, status_patch
from controller.reconcile.templates.observe import observe_templates
from controller.reconcile.tenant_object import InvalidTenant, Tenant
from controller.reconcile.usage import observe_usage
from controller.reconcile.verdict import Again, Verdict

Member = TypeVar("Member")

log = structlog.get_logger(__name__)

# Shorter delays are not worth a write; longer ones must survive a restart.
DELAY_WORTH_RECORDING: Final = 60.0


Step = Callable[[Run, BackOff], Awaitable[NextLook | None]]


async def reconcile_tenant(tenant: Tenant | InvalidTenant, context: Context, back_off: BackOff) -> NextLook:
    """Bring the world nearer to what the tenant asks for, and say on it how far it is."""
    if isinstance(tenant, InvalidTenant):
        return await _report_invalid(tenant, context)
    owner = Owner(context.policy.cluster_id, tenant.key.namespace, tenant.key.name)
    observed = TenantObserved(context.clock.now())
    run = Run(tenant, desire(tenant.spec, owner), context, observed, _opening(tenant, observed.now))
    try:
        for step in STEPS:
            end = await step(run, back_off)
            if end is not None:
                return end
    except ObjectChangedError as error:
        # Somebody wrote the object meanwhile; what was decided may be wrong, so decide again on the newest.
        log.info("tenant changed during the pass", tenant=str(tenant.key), cause=str(error))
        return AT_ONCE
    return ON_CHANGE


async def hold_while_paused(run: Run, _: BackOff) -> NextLook | None:
    """Say that it is paused and stop; a deletion waits too, and says so."""
    by = run.tenant.paused_by
    if by is None:
        return None
    if run.tenant.deleted_at is not None:
        message = f"The deletion waits: paused by {by}."
    else:
        message = f"Paused by {by}; nothing is changed until it is unset."
    verdict = Verdict.waiting(Reason.PAUSED, message)
    deleting = run.tenant.deleted_at is not None
    status = held_status(run.tenant, Phase.PAUSED, verdict, run.observed.now, deleting=deleting)
    await _write(status, run)
    return ON_CHANGE


async def let_go_when_deleted(run: Run, back_off: BackOff) -> NextLook | None:
    """Let go of everything outside, then of the object."""
    if run.tenant.deleted_at is None:
        return None
    if not run.tenant.has_finalizer:
        return ON_CHANGE  # only other finalizers keep it; nothing of ours is left
    if run.tenant.observe_only:
        await run.context.tenants.remove_finalizer(run.tenant)
        return ON_CHANGE
    waiting = await let_go(run)
    if waiting is None:
        _announce(run, run.tenant.status)
        await _release_claim(run)
        await run.context.tenants.remove_finalizer(run.tenant)
        return ON_CHANGE
    _announce(run, run.tenant.status)
    await _write(held_status(run.tenant, Phase.DELETING, waiting, run.observed.now, deleting=True), run)
    return NextLook(_delay([waiting], run, back_off) or 5.0)


async def wait_for_first_lists(run: Run, _: BackOff) -> NextLook | None:
    """A process that has just started knows nothing yet; the first lists bring every tenant back here.

    Saying anything before would rewrite the status of every tenant at every start.
    """
    fleet, status = run.context.fleet, run.tenant.status
    held_by = status.phone_number.provider if status.phone_number else None
    lives_on = status.instance.server if status.instance else None
    wants_number = run.desired.number is not None or held_by is not None
    wants_instance = run.desired.instance is not None or lives_on is not None
    # A list from before this process had the tenant may lack what another one did for it meanwhile.
    since = run.context.shards.held_since(run.tenant.key)
    listing = wants_number and any(a.is_awaited(since) for a in _those(fleet.accounts, held_by))
    loading = wants_instance and any(s.is_awaited(since) for s in _those(fleet.servers, lives_on))
    if not listing and not loading:
        return None
    if not run.tenant.is_edited:
        return ON_CHANGE
    # Somebody waits for this one: two reads of its own are sooner there than lists of everything.
    return await read_own(run, number=listing, instance=loading)


async def put_finalizer(run: Run, _: BackOff) -> NextLook | None:
    """Before anything outside exists: a deletion must find us in its way."""
    if not run.tenant.has_finalizer and not run.tenant.observe_only:
        run.tenant = await run.context.tenants.add_finalizer(run.tenant)
    return None


async def observe(run: Run, _: BackOff) -> NextLook | None:
    """Look at the world: snapshots first, a targeted read where they cannot answer."""
    tenant, desired, context = run.tenant, run.desired, run.context
    number = await observe_number(tenant, desired, context)
    instance = await with_meta(tenant, desired, await observe_instance(tenant, desired, context), context)
    business_profile = await observe_business_profile(tenant, desired, instance, context)
    recorded_profile = tenant.status.profile.applied_hash if tenant.status.profile else None
    run.observed = TenantObserved(
        now=context.clock.now(),
        number=number,
        instance=instance,
        applied_profile=applied_profile(desired, recorded_profile, business_profile),
        business_profile=business_profile,
        templates=await observe_templates(tenant, desired, number, instance, context),
        routing=await observe_routing(tenant, desired, number, instance, context),
        usage=observe_usage(tenant, context.fleet, context.clock.now()),
    )
    return None


async def change_and_report(run: Run, back_off: BackOff) -> NextLook | None:
    """Make the changes, and say how far it is, also when some failed."""
    before = run.tenant.status
    converged = look_only(run, run.observed) if run.tenant.observe_only else await converge(run, run.observed)
    delay = _delay(list(converged.verdicts.values()), run, back_off)
    failing = any(verdict.again is Again.BACK_OFF for verdict in converged.verdicts.values())
    await _write(converged_status(run.tenant, _findings(run, converged, delay if failing else None)), run)
    await _release_claim(run)
    _announce(run, before)
    return NextLook(delay)


STEPS: Final[tuple[Step, ...]] = (
    hold_while_paused,
    let_go_when_deleted,
    wait_for_first_lists,
    put_finalizer,
    observe,
    change_and_report,
)


def _those(members: Mapping[str, Member], holder: str | None) -> Collection[Member]:
    """The one that holds what is asked about, or all where nobody is known to."""
    if holder is None:
        return members.values()
    return (members[holder],) if holder in members else ()


def _opening(tenant: Tenant, now: datetime) -> dict[str, Any]:
    if tenant.status.conditions is not None:
        return {}  # its first status is written, and nothing needs this any more
    begun = Verdict.waiting(Reason.PROGRESSING, "Changes are being made to reach the spec.")
    return status_patch(
        tenant.status.to_wire(), held_status(tenant, Phase.PROVISIONING, begun, now).to_wire()
    )


def _findings(run: Run, converged: Converged, retry_in: float | None) -> Findings:
    now = converged.observed.now
    lasting = retry_in is not None and retry_in >= DELAY_WORTH_RECORDING
    return Findings(
        desired=run.desired,
        observed=converged.observed,
        verdicts=converged.verdicts,
        remaining=converged.remaining,
        repairs=within_window(converged.repairs, now),
        next_attempt=now + timedelta(seconds=retry_in) if lasting and retry_in is not None else None,
    )


def _delay(verdicts: list[Verdict], run: Run, back_off: BackOff) -> float | None:
    """The shortest wait that any facet asks for; a failing one waits longer each time."""
    waits = [v.after for v in verdicts if v.after is not None and v.again is Again.ON_CHANGE]
    failing = [v for v in verdicts if v.again is Again.BACK_OFF]
    if failing:
        asked = [v.after for v in failing if v.after is not None]
        waits.append(back_off.delay_after_failure(run.tenant.key, at_least=min(asked) if asked else None))
    else:
        back_off.forget(run.tenant.key)
    return min(waits) if waits else None


async def _write(status: BusinessTenantStatus, run: Run) -> None:
    if status == run.tenant.status:
        return  # spares writing both out, which takes longer than all decisions together
    patch = status_patch(run.tenant.status.to_wire(), status.to_wire())
    if patch:
        await run.patch_status(patch)


async def _release_claim(run: Run) -> None:
    """The claim ends only when number and mark are in status."""
    held = run.context.memory.claims_held.get(run.tenant.key)
    number = run.tenant.status.phone_number
    if held is None or (number is not None and number.purchase is not None):
        return
    account, claimed = held
    await run.context.claims.release(account, claimed, run.tenant)
    run.context.memory.claims_held.pop(run.tenant.key, None)


def _announce(run: Run, before: BusinessTenantStatus) -> None:
    for announcement in announcements(before, run.tenant.status, run.done):
        run.context.events.record(run.tenant, announcement)


async def _report_invalid(tenant: InvalidTenant, context: Context) -> NextLook:
    patch = status_patch(
        tenant.raw_status, {**tenant.raw_status, **invalid_status(tenant, context.clock.now())}
    )
    if patch:
        await context.tenants.patch_invalid_status(tenant, patch)
    return ON_CHANGE
