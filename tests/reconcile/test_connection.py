"""Is WhatsApp connected, on the right number, and whose turn is it if not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.api.conditions import Reason
from controller.providers.evolution.protocol import Integration, SessionState
from controller.reconcile.change import StartPairing
from controller.reconcile.connection import plan_connection, wrong_number
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.observed import InstanceObserved, NumberObserved

from .builders import NOW, OWNER, PHONE, POLICY, WHATSAPP, desired, held, instance_status, recorded, row

OPEN, CONNECTING, CLOSE = SessionState.OPEN, SessionState.CONNECTING, SessionState.CLOSE
NUMBER = NumberObserved(recorded=recorded(), held=held(OWNER.label()))
UNPAIRED = row(owner_number=None, stored_state=CLOSE)


def planned(
    instance_row: Any, state: SessionState | None, wanted: DesiredTenant | None = None, **observed: Any
) -> FacetPlan:
    seen = InstanceObserved(
        recorded=instance_status(), server="evo", row=instance_row, state=state, **observed
    )
    return plan_connection(wanted or desired(**PHONE, **WHATSAPP), NUMBER, seen, POLICY, NOW)


@pytest.mark.parametrize(
    ("instance_row", "state", "reason"),
    [
        (row(), OPEN, Reason.CONNECTED),
        (row(owner_number=None), OPEN, Reason.CONNECTING),
        (row(owner_number="+37129999999"), OPEN, Reason.WRONG_NUMBER),
        (row(), CONNECTING, Reason.CONNECTING),
        (row(), CLOSE, Reason.CONNECTING),
        (row(), None, Reason.CONNECTING),
        (None, None, Reason.WAITING_FOR_INSTANCE),
        (UNPAIRED, CONNECTING, Reason.WAITING_FOR_PAIRING),
    ],
)
def test_what_is_said(instance_row: Any, state: SessionState | None, reason: Reason) -> None:
    plan = planned(instance_row, state)
    assert plan.changes == ()
    assert plan.verdict.reason is reason
    assert plan.verdict.ready == (reason is Reason.CONNECTED)


@pytest.mark.parametrize("code", [401, 402, 403, 406])
@pytest.mark.parametrize("state", [CLOSE, CONNECTING])
def test_terminal_codes_end_a_pairing(code: int, state: SessionState) -> None:
    plan = planned(row(disconnection_code=code, stored_state=CLOSE), state)
    assert plan.verdict.reason is Reason.WAITING_FOR_PAIRING
    assert [change.action for change in plan.changes] == ([StartPairing()] if state is CLOSE else [])


def test_a_code_of_a_link_before_the_present_one_says_nothing() -> None:
    plan = planned(row(disconnection_code=401, stored_state=OPEN), CONNECTING)
    assert plan.verdict.reason is Reason.CONNECTING


def test_a_closed_unpaired_instance_offers_a_code_at_most_once_an_interval() -> None:
    assert [c.action for c in planned(UNPAIRED, CLOSE).changes] == [StartPairing()]
    assert planned(UNPAIRED, CLOSE, connect_tried_at=NOW - timedelta(seconds=59)).changes == ()
    assert len(planned(UNPAIRED, CLOSE, connect_tried_at=NOW - timedelta(seconds=60)).changes) == 1


def test_pairing_times_out() -> None:
    in_time = planned(
        UNPAIRED, CLOSE, pairing_since=NOW - timedelta(seconds=599), session_timeout_seconds=600.0
    )
    too_late = planned(
        UNPAIRED, CLOSE, pairing_since=NOW - timedelta(seconds=600), session_timeout_seconds=600.0
    )
    assert in_time.verdict.reason is Reason.WAITING_FOR_PAIRING
    assert too_late.verdict.reason is Reason.PAIRING_TIMED_OUT
    assert too_late.changes == ()


def test_any_number_may_be_paired_where_the_spec_says_so() -> None:
    wanted = desired(**PHONE, whatsapp={"channel": "Baileys", "number": "Any"})
    assert planned(row(owner_number="+37129999999"), OPEN, wanted).verdict.ready
    assert planned(row(owner_number=None), OPEN, wanted).verdict.ready


def test_whatsapps_own_writing_of_the_tenants_number_is_not_another_number() -> None:
    number = NumberObserved(recorded=recorded("+5567981234567"), held=held(OWNER.label()))
    wanted = desired(**PHONE, **WHATSAPP).instance
    assert not wrong_number(wanted, number, row(owner_number="+556781234567"))
    assert wrong_number(wanted, number, row(owner_number="+556781234568"))


def test_the_test_channel_needs_no_pairing() -> None:
    wanted = desired(**PHONE, whatsapp={"channel": "Evolution"})
    test_row = replace(row(), integration=Integration.EVOLUTION.value, owner_number=None)
    assert planned(test_row, OPEN, wanted).verdict.ready
    assert planned(test_row, CLOSE, wanted).changes == ()


def test_nothing_is_asked_of_what_is_not_wanted() -> None:
    assert planned(row(), CLOSE, desired()).verdict.reason is Reason.NOT_REQUESTED
