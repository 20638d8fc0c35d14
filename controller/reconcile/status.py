"""The whole status of a tenant, computed in one place from what a pass found. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from controller.api.business_tenant import ManagementPolicy, SmsRoute, VoiceRoute
from controller.api.business_tenant_status import (
    BusinessTenantStatus,
    InstanceStatus,
    NumberStatus,
    Phase,
    Plan,
    ProfileStatus,
    Repair,
    RoutingStatus,
)
from controller.api.common_fields import ObjectReference
from controller.api.conditions import Audience, Condition, ConditionStatus, ConditionType, Reason
from controller.api.group import Annotation
from controller.providers.evolution.protocol import SessionState
from controller.reconcile.change import Change
from controller.reconcile.cloud_api.plan import stands_in_the_way
from controller.reconcile.contention import within_window
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.instance.observe import token_secret_name
from controller.reconcile.number.apply import number_status
from controller.reconcile.observed import TenantObserved
from controller.reconcile.routing import answering_bot
from controller.reconcile.tenant_object import InvalidTenant, Tenant
from controller.reconcile.timestamps import stamp
from controller.reconcile.usage import with_usage
from controller.reconcile.verdict import Facet, Verdict

# Facets that hold back Ready; templates are reviewed by Meta for days and do not.
HOLDING_BACK: Final = (Facet.NUMBER, Facet.INSTANCE, Facet.CONNECTION, Facet.PROFILE, Facet.ROUTING)
MESSAGE_LIMIT: Final = 1024
_FACETS: Final = tuple(Facet)
PLAN_LIMIT: Final = 32
TEMPLATES_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class Findings:
    """What a pass found; status is made from this and the tenant alone."""

    desired: DesiredTenant
    observed: TenantObserved
    verdicts: Mapping[Facet, Verdict]
    remaining: Sequence[Change] = ()
    repairs: Sequence[Repair] = ()
    next_attempt: datetime | None = None


def converged_status(tenant: Tenant, findings: Findings) -> BusinessTenantStatus:
    """Status after a pass over a tenant that is not going away."""
    now = findings.observed.now
    summary = _summarise(tenant, findings)
    before = _by_type(tenant)
    conditions = [
        _condition(facet, _word(verdict.ready), verdict, tenant, before.get(facet), now)
        for facet, verdict in _in_order(findings.verdicts)
    ]
    status = tenant.status.model_copy(
        update={
            "observed_generation": tenant.generation,
            "phase": summary.phase,
            "message": summary.message[:MESSAGE_LIMIT],
            "conditions": [*_summary_conditions(tenant, summary, before, now), *conditions],
            "phone_number": _number(tenant, findings),
            "instance": _instance(tenant, findings),
            "profile": _profile(tenant, findings),
            "templates": list(findings.observed.templates.records[:TEMPLATES_LIMIT]) or None,
            "routing": _routing(tenant, findings),
            "plan": _plan(tenant, findings),
            "recent_repairs": within_window(findings.repairs, now) or None,
            "time_to_ready": _time_to_ready(tenant, summary, now),
            "next_attempt_time": stamp(findings.next_attempt) if findings.next_attempt else None,
            "last_handled_reconcile_at": _handled_request(tenant),
        }
    )
    return with_usage(status, tenant, findings.observed.usage, now)


def held_status(
    tenant: Tenant, phase: Phase, verdict: Verdict, now: datetime, *, deleting: bool = False
) -> BusinessTenantStatus:
    """Status of a tenant that is paused or going away: facets stay as they were last seen."""
    paused = tenant.paused_by is not None
    summary = _Summary(phase, verdict.message, verdict.reason, ready=False)
    kept = [c for c in tenant.status.conditions or [] if c.type in set(Facet)]
    before = _by_type(tenant)
    conditions = _summary_conditions(tenant, summary, before, now)
    if deleting:
        type_ = ConditionType.DELETING
        conditions.append(_condition(type_, ConditionStatus.TRUE, verdict, tenant, before.get(type_), now))
    return tenant.status.model_copy(
        update={
            # A paused pass did not look at the spec, so it must not claim to have.
            "observed_generation": tenant.status.observed_generation if paused else tenant.generation,
            "phase": phase,
            "message": verdict.message[:MESSAGE_LIMIT],
            "conditions": [*conditions, *kept],
            "plan": None,
        }
    )


def invalid_status(tenant: InvalidTenant, now: datetime) -> dict[str, Any]:
    """A merge patch for a tenant whose spec does not parse; the rest of its status is left alone."""
    message = f"The object does not parse: {tenant.complaint}. Correct it."[:MESSAGE_LIMIT]
    old = {
        c["type"]: c
        for c in tenant.raw_status.get("conditions") or []
        if isinstance(c, Mapping) and "type" in c
    }

    def condition(type_: ConditionType, status: ConditionStatus, reason: Reason, text: str) -> dict[str, Any]:
        before = old.get(type_.value, {})
        moved = before.get("status") != status.value
        return {
            "type": type_.value,
            "status": status.value,
            "reason": reason.text,
            "message": text,
            "observedGeneration": tenant.generation,
            "lastTransitionTime": stamp(now) if moved else before.get("lastTransitionTime", stamp(now)),
        }

    facets = [c for type_, c in old.items() if type_ in set(Facet)]
    return {
        "observedGeneration": tenant.generation,
        "phase": Phase.STALLED.value,
        "message": message,
        "conditions": [
            condition(ConditionType.READY, ConditionStatus.FALSE, Reason.INVALID_SPEC, message),
            condition(ConditionType.PAUSED, ConditionStatus.FALSE, Reason.NOT_PAUSED, "Not paused."),
            condition(ConditionType.STALLED, ConditionStatus.TRUE, Reason.INVALID_SPEC, message),
            *facets,
        ],
    }


def status_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that turns one status into the other; empty when nothing differs."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if old == value:
            continue
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            patch[name] = status_patch(old, value)
        else:
            patch[name] = value
    return patch


@dataclass(frozen=True, slots=True)
class _Summary:
    phase: Phase
    message: str
    reason: Reason
    ready: bool


def _summarise(tenant: Tenant, findings: Findings) -> _Summary:
    verdicts = [(facet, findings.verdicts[facet]) for facet in HOLDING_BACK]
    waiting = [verdict for _, verdict in verdicts if not verdict.ready]
    if tenant.spec.management_policy is ManagementPolicy.OBSERVE and findings.remaining:
        changes = len(findings.remaining)
        what = "1 change" if changes == 1 else f"{changes} changes"
        return _Summary(
            Phase.PENDING,
            f"managementPolicy is Observe: {what} would be made, see status.plan.",
            Reason.OBSERVE_ONLY,
            ready=False,
        )
    if not waiting:
        return _Summary(Phase.READY, _say_live(findings), Reason.LIVE, ready=True)
    decisive = min(waiting, key=lambda verdict: _URGENCY[verdict.reason.audience])
    return _Summary(_phase(tenant, findings, decisive), decisive.message, decisive.reason, ready=False)


# What a person can mend comes first in the summary, then what a person is waited for.
_URGENCY: Final = {Audience.AUTHOR: 0, Audience.PERSON: 1, Audience.OPERATOR: 2, Audience.NOBODY: 3}


def _phase(tenant: Tenant, findings: Findings, decisive: Verdict) -> Phase:
    if decisive.reason in (Reason.WAITING_FOR_PAIRING, Reason.PAIRING_TIMED_OUT):
        return Phase.WAITING_FOR_PAIRING
    match decisive.reason.audience:
        case Audience.AUTHOR:
            return Phase.STALLED
        case Audience.PERSON:
            return Phase.WAITING_FOR_APPROVAL
        case _ if tenant.status.time_to_ready is not None:
            return Phase.DEGRADED
        case _ if _number(tenant, findings) or _instance(tenant, findings):
            return Phase.PROVISIONING
        case _:
            return Phase.PENDING


def _say_live(findings: Findings) -> str:
    places = []
    number = findings.observed.number
    if number.held is not None:
        places.append(f"{number.held.owned.number} ({number.held.account})")
    if findings.desired.instance is not None:
        places.append("WhatsApp")
    return f"Live on {' and '.join(places)}." if places else "Nothing is asked for."


def _summary_conditions(
    tenant: Tenant, summary: _Summary, before: Mapping[str, Condition], now: datetime
) -> list[Condition]:
    verdict = Verdict(summary.reason, summary.message, ready=summary.ready)

    def condition(type_: ConditionType, status: ConditionStatus, verdict: Verdict = verdict) -> Condition:
        return _condition(type_, status, verdict, tenant, before.get(type_), now)

    conditions = [
        condition(ConditionType.READY, _word(summary.ready)),
        condition(ConditionType.PAUSED, _word(tenant.paused_by is not None), _say_paused(tenant.paused_by)),
    ]
    if summary.ready:
        return conditions
    match summary.reason.audience:
        case Audience.AUTHOR:
            conditions.append(condition(ConditionType.STALLED, ConditionStatus.TRUE))
        case Audience.OPERATOR:
            conditions.append(condition(ConditionType.RECONCILING, ConditionStatus.TRUE))
        case _:
            pass  # a person is waited for: neither progressing nor stuck
    return conditions


_NOT_PAUSED: Final = Verdict.good(Reason.NOT_PAUSED, "Not paused.")


def _say_paused(by: str | None) -> Verdict:
    if by is None:
        return _NOT_PAUSED
    return Verdict.waiting(Reason.PAUSED, f"Paused by {by}; nothing is changed until it is unset.")


def _word(holds: bool) -> ConditionStatus:  # noqa: FBT001 - the question is the caller's
    return ConditionStatus.TRUE if holds else ConditionStatus.FALSE


def _by_type(tenant: Tenant) -> dict[str, Condition]:
    return {condition.type: condition for condition in tenant.status.conditions or ()}


def _condition(
    type_: ConditionType | Facet,
    status: ConditionStatus,
    verdict: Verdict,
    tenant: Tenant,
    before: Condition | None,
    now: datetime,
) -> Condition:
    """The condition as it is to stand in status: the very one of before where it says the same."""
    reason, message = verdict.reason.text, verdict.message[:MESSAGE_LIMIT]
    moved = before is None or before.status is not status
    if (
        before is not None
        and not moved
        and (before.reason, before.message) == (reason, message)
        and before.observed_generation == tenant.generation
    ):
        return before
    return Condition(
        type=type_.value,
        status=status,
        reason=reason,
        message=message,
        observed_generation=tenant.generation,
        last_transition_time=stamp(now) if moved or before is None else before.last_transition_time,
    )


def _in_order(verdicts: Mapping[Facet, Verdict]) -> list[tuple[Facet, Verdict]]:
    return [(facet, verdicts[facet]) for facet in _FACETS if facet in verdicts]


def _number(tenant: Tenant, findings: Findings) -> NumberStatus | None:
    observed, before = findings.observed.number, tenant.status.phone_number
    if observed.held is not None and observed.recorded is not None:
        wanted = findings.desired.number
        if wanted is None:
            return observed.recorded
        return number_status(observed.held, wanted, observed.origin, observed.monthly_cost)
    if observed.recorded is not None:
        return observed.recorded
    if observed.intent is not None:
        return before
    if before is not None and before.purchase is not None:
        return before  # written during this pass and still in doubt
    return None


def _instance(tenant: Tenant, findings: Findings) -> InstanceStatus | None:
    observed = findings.observed.instance
    if observed.row is None or observed.server is None:
        return observed.recorded
    if findings.desired.instance is None:
        return observed.recorded
    before = observed.recorded
    is_open = observed.state is SessionState.OPEN
    was_open = before is not None and before.state == "Open" and before.id == observed.row.id
    since = before.connected_since if before is not None and was_open else None
    pairing = observed.pairing_since
    return InstanceStatus(
        name=observed.row.name,
        server=observed.server,
        id=observed.row.id,
        channel=findings.desired.instance.channel.value,
        state=observed.state.value.capitalize() if observed.state is not None else None,
        number=observed.row.owner_number,
        connected_since=(since or stamp(findings.observed.now)) if is_open else None,
        pairing_since=stamp(pairing) if pairing is not None and not is_open else None,
        token_secret_ref=ObjectReference(name=token_secret_name(tenant)) if observed.token_saved else None,
        verified_hash=_verified_at_meta(findings),
    )


def _verified_at_meta(findings: Findings) -> str | None:
    observed = findings.observed
    meta = observed.instance.meta
    if (
        meta is None
        or meta.differing
        or stands_in_the_way(findings.desired, observed.number, observed.instance)
    ):
        return None
    return meta.fingerprint


def _profile(tenant: Tenant, findings: Findings) -> ProfileStatus | None:
    applied, before = findings.observed.applied_profile, tenant.status.profile
    if findings.desired.profile is None or applied is None:
        return None
    if before is not None and before.applied_hash == applied:
        return before
    return ProfileStatus(applied_hash=applied, applied_at=stamp(findings.observed.now))


def _routing(tenant: Tenant, findings: Findings) -> RoutingStatus | None:
    desired, observed = findings.desired, findings.observed.routing
    before = tenant.status.routing
    if tenant.spec.ai is None and (before is None or before.applied_hash is None):
        return None
    verified = findings.verdicts[Facet.ROUTING].ready
    if tenant.spec.ai is None and verified:
        return None
    voice = desired.voice.value if desired.voice is not VoiceRoute.NONE else None
    sms = desired.sms.value if desired.sms is not SmsRoute.NONE else None
    if not verified and before is not None and before.applied_hash is not None:
        return before.model_copy(update={"voice": voice, "sms": sms})  # the old route answers until then
    return RoutingStatus(
        route=tenant.spec.ai.route.value if tenant.spec.ai else "None",
        target=observed.target[:MESSAGE_LIMIT] if observed.target is not None and verified else None,
        bot_id=answering_bot(observed) if verified else None,
        voice=voice,
        sms=sms,
        applied_hash=observed.fingerprint if verified else None,
        context_hash=observed.context_hash if verified else None,
    )


def _plan(tenant: Tenant, findings: Findings) -> Plan | None:
    if tenant.spec.management_policy is not ManagementPolicy.OBSERVE:
        return None
    changes = [change.planned() for change in findings.remaining[:PLAN_LIMIT]]
    before = tenant.status.plan
    if before is not None and before.changes == changes:
        return before
    return Plan(changes=changes, computed_at=stamp(findings.observed.now))


def _time_to_ready(tenant: Tenant, summary: _Summary, now: datetime) -> str | None:
    if tenant.status.time_to_ready is not None or not summary.ready:
        return tenant.status.time_to_ready
    seconds = max(0, int((now - tenant.created_at).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{value}{unit}" for value, unit in parts if value) or "0s"


def _handled_request(tenant: Tenant) -> str | None:
    token = tenant.annotations.get(Annotation.RECONCILE_REQUESTED_AT)
    return token[:128] if token else tenant.status.last_handled_reconcile_at
