"""The status of a tenant for whatever a pass may find: always within the rules, and still when nothing moved."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.business_tenant_status import BusinessTenantStatus, Phase
from controller.api.conditions import Audience, Reason
from controller.providers.evolution.protocol import SessionState
from controller.reconcile.announcements import announcements
from controller.reconcile.observed import InstanceObserved, NumberObserved, RoutingObserved, TenantObserved
from controller.reconcile.ports import EventType
from controller.reconcile.status import Findings, converged_status, held_status, status_patch
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict
from tests.condition_rules import broken_rules

from .builders import (
    NOW,
    OWNER,
    PHONE,
    WEBHOOK,
    WHATSAPP,
    body,
    desired,
    held,
    instance_status,
    recorded,
    row,
    tenant,
)

SPEC = {**PHONE, **WHATSAPP, **WEBHOOK}
GOOD = [reason for reason in Reason if reason.audience is Audience.NOBODY]
WAITING = [reason for reason in Reason if reason.audience is not Audience.NOBODY]
VERDICTS = st.one_of(
    st.builds(Verdict.good, st.sampled_from(GOOD), st.text(min_size=1, max_size=2000).filter(str.strip)),
    st.builds(
        Verdict.waiting, st.sampled_from(WAITING), st.text(min_size=1, max_size=2000).filter(str.strip)
    ),
)
OBSERVED = TenantObserved(
    NOW,
    NumberObserved(recorded=recorded(), held=held(OWNER.label())),
    InstanceObserved(
        recorded=instance_status(), server="evo", row=row(), state=SessionState.OPEN, token_saved=True
    ),
    None,
    RoutingObserved(target="http://platform.test/" + "x" * 1500, fingerprint="f" * 32),
)
ALL_GOOD = dict.fromkeys(Facet, NOT_REQUESTED)


def after_pass(
    known: Tenant, verdicts: Mapping[Facet, Verdict], observed: TenantObserved = OBSERVED
) -> BusinessTenantStatus:
    return converged_status(known, Findings(desired(**SPEC), observed, verdicts))


def with_status(status: BusinessTenantStatus, **metadata: Any) -> dict[str, Any]:
    return body(SPEC, status.to_wire(), **metadata)


@given(st.fixed_dictionaries(dict.fromkeys(Facet, VERDICTS)), st.data())
def test_every_status_keeps_the_rules_and_an_unchanged_world_writes_none(
    verdicts: dict[Facet, Verdict], data: st.DataObject
) -> None:
    first = with_status(after_pass(tenant(SPEC), verdicts))
    assert broken_rules(first) == []
    known = Tenant.from_body(first)
    assert isinstance(known, Tenant)
    seen = replace(OBSERVED.instance, recorded=known.status.instance)
    later = replace(OBSERVED, now=NOW + timedelta(hours=5), instance=seen)
    assert status_patch(known.status.to_wire(), after_pass(known, verdicts, later).to_wire()) == {}
    moved = data.draw(st.fixed_dictionaries(dict.fromkeys(Facet, VERDICTS)))
    assert broken_rules(with_status(after_pass(known, moved, later)), first) == []


@given(st.fixed_dictionaries(dict.fromkeys(Facet, VERDICTS)), VERDICTS, st.booleans())
def test_a_held_status_keeps_the_rules(verdicts: dict[Facet, Verdict], why: Verdict, deleting: bool) -> None:  # noqa: FBT001
    before = with_status(after_pass(tenant(SPEC), verdicts))
    known = Tenant.from_body({**before, "spec": {**before["spec"], "paused": True}})
    assert isinstance(known, Tenant)
    held_now = held_status(known, Phase.PAUSED, replace(why, ready=False), NOW, deleting=deleting)
    assert broken_rules(with_status(held_now), before) == []


@pytest.mark.parametrize(
    ("reason", "phase", "second"),
    [
        (Reason.PURCHASING, Phase.PROVISIONING, "Reconciling"),
        (Reason.NUMBER_LOST, Phase.STALLED, "Stalled"),
        (Reason.WAITING_FOR_PAIRING, Phase.WAITING_FOR_PAIRING, None),
        (Reason.PAIRING_TIMED_OUT, Phase.WAITING_FOR_PAIRING, None),
        (Reason.NEEDS_HUMAN, Phase.WAITING_FOR_APPROVAL, None),
    ],
)
def test_the_summary_of_a_wait(reason: Reason, phase: Phase, second: str | None) -> None:
    status = after_pass(tenant(SPEC), {**ALL_GOOD, Facet.NUMBER: Verdict.waiting(reason, "Wait.")})
    types = [
        condition.type
        for condition in status.conditions or []
        if condition.type in ("Reconciling", "Stalled")
    ]
    assert (status.phase, types) == (phase, [second] if second else [])


def test_a_tenant_that_has_nothing_yet_is_pending() -> None:
    verdicts = {**ALL_GOOD, Facet.NUMBER: Verdict.waiting(Reason.SEARCHING_EXISTING, "Looking.")}
    assert after_pass(tenant(SPEC), verdicts, TenantObserved(NOW)).phase is Phase.PENDING


def test_what_a_person_can_mend_comes_first() -> None:
    verdicts = {
        **ALL_GOOD,
        Facet.NUMBER: Verdict.waiting(Reason.PURCHASING, "Buying."),
        Facet.CONNECTION: Verdict.waiting(Reason.WAITING_FOR_PAIRING, "Pair."),
        Facet.ROUTING: Verdict.waiting(Reason.SECRET_NOT_FOUND, "Create it."),
    }
    assert after_pass(tenant(SPEC), verdicts).message == "Create it."


def test_templates_do_not_hold_back_ready() -> None:
    verdicts = {**ALL_GOOD, Facet.TEMPLATES: Verdict.waiting(Reason.PURCHASING, "At Meta.")}
    assert after_pass(tenant(SPEC), verdicts).phase is Phase.READY


def test_a_tenant_that_was_live_is_degraded() -> None:
    ready = after_pass(tenant(SPEC), ALL_GOOD)
    assert (ready.phase, ready.time_to_ready) == (Phase.READY, "1m")
    known = tenant(SPEC, ready.to_wire())
    verdicts = {**ALL_GOOD, Facet.CONNECTION: Verdict.waiting(Reason.CONNECTING, "It comes back.")}
    assert after_pass(known, verdicts).phase is Phase.DEGRADED


def test_a_first_ready_is_announced_once_and_a_stall_once_a_message() -> None:
    nothing, ready = BusinessTenantStatus(), after_pass(tenant(SPEC), ALL_GOOD)
    (told,) = announcements(nothing, ready, ["buy +37120000001"])
    assert (told.type, told.reason) == (EventType.NORMAL, "Ready")
    assert "Bought +37120000001." in told.message
    assert announcements(ready, ready, []) == []
    (changed,) = announcements(ready, ready, ["set the webhook"])
    assert changed.reason == "Changed"
    lost = {**ALL_GOOD, Facet.NUMBER: Verdict.waiting(Reason.NUMBER_LOST, "It is lost.")}
    stalled = after_pass(tenant(SPEC, ready.to_wire()), lost)
    (warning,) = announcements(ready, stalled, [])
    assert (warning.type, warning.reason, warning.message) == (EventType.WARNING, "NumberLost", "It is lost.")
    assert announcements(stalled, stalled, []) == []


VALUES = st.recursive(
    st.integers(0, 3) | st.text(max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=6,
)
STATUSES = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(STATUSES, STATUSES)
def test_a_patch_turns_one_status_into_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    patch = status_patch(before, after)
    assert merged(before, patch) == after
    assert (patch == {}) == (before == after)


def merged(base: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def test_the_rules_find_what_is_wrong() -> None:
    good = with_status(after_pass(tenant(SPEC), ALL_GOOD))
    conditions = good["status"]["conditions"]

    def broken(**changes: Any) -> list[str]:
        edited = [{**c, **changes} if c["type"] == "Ready" else c for c in conditions]
        return broken_rules({**good, "status": {**good["status"], "conditions": edited}}, good)

    assert broken() == []
    assert broken(reason="Because")
    assert broken(message=" ")
    assert broken(observedGeneration=7)
    assert broken(lastTransitionTime="2030-01-01T00:00:00Z")
    assert broken(type="Readyish")
    assert broken_rules({**good, "status": {"conditions": []}})
