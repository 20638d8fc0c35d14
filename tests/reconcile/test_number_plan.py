"""What is planned for a number: never money without proof, never a change of what others marked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.business_tenant_status import NumberOrigin, Purchase
from controller.api.common_fields import Money
from controller.api.conditions import Reason
from controller.providers.telephony.protocol import NumberSettings
from controller.reconcile.change import BuyNumber, ConfigureNumber, FinishPurchase, RetainNumber, TakeNumber
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.number.plan import plan_number
from controller.reconcile.observed import NumberObserved, Offer
from controller.reconcile.ownership import Mark, MarkState
from controller.reconcile.verdict import Verdict

from .builders import FOREIGN_LABELS, NUMBER, OWNER, PHONE, candidate, desired, held, recorded

INTENT = Purchase(candidate=NUMBER, provider="twilio", started_at="2026-01-01T12:00:00Z")
OFFER = Offer("twilio", (candidate(),))
REFUSED = Verdict.waiting(Reason.NO_NUMBER_FOR_SALE, "None is for sale.")
OURS, RELEASED = OWNER.label(), OWNER.label(MarkState.RELEASED)

LABELS = st.sampled_from([OURS, RELEASED, "somebody's own", "", *FOREIGN_LABELS])
HELD = LABELS.map(held)
WISHES = st.sampled_from([desired(**PHONE), desired()])
OBSERVED = st.builds(
    NumberObserved,
    recorded=st.none() | st.just(recorded()),
    held=st.none() | HELD,
    unreachable=st.none() | st.just(Verdict.waiting(Reason.PROVIDER_UNAVAILABLE, "It is down.")),
    loss_proven=st.booleans(),
    intent=st.none() | st.just(INTENT),
    found=st.sampled_from([(), (held(RELEASED),), (held(OURS), held(OURS, "+37120000002"))]),
    accounts_not_listed=st.sampled_from([(), ("twilio",)]),
    offer=st.sampled_from([None, OFFER, REFUSED]),
)


def wanting(**number: Any) -> DesiredTenant:
    return desired(phoneNumber={**PHONE["phoneNumber"], **number})


@given(WISHES, OBSERVED)
def test_money_is_spent_only_with_proof_that_there_is_no_number(
    wish: DesiredTenant, observed: NumberObserved
) -> None:
    plan = plan_number(wish, observed)
    if any(isinstance(change.action, BuyNumber) for change in plan.changes):
        assert wish.number is not None
        assert observed.intent is None
        assert observed.recorded is None
        assert observed.found == ()
        assert observed.accounts_not_listed == ()
    for change in plan.changes:
        assert change.billable == isinstance(change.action, BuyNumber | FinishPurchase)


@given(WISHES, OBSERVED)
def test_what_another_marked_is_never_changed(wish: DesiredTenant, observed: NumberObserved) -> None:
    for change in plan_number(wish, observed).changes:
        if isinstance(change.action, ConfigureNumber | TakeNumber | RetainNumber):
            mark = Mark.parse(change.action.held.owned.settings.label)
            assert mark is None or OWNER.owns(mark)


@given(WISHES, OBSERVED)
def test_a_verdict_always_says_something(wish: DesiredTenant, observed: NumberObserved) -> None:
    verdict = plan_number(wish, observed).verdict
    assert verdict.message
    assert not (verdict.ready and observed.intent is not None)


def test_a_purchase_under_way_comes_before_everything_else() -> None:
    observed = NumberObserved(recorded=recorded(), held=held(OURS), intent=INTENT, offer=OFFER)
    for wish in (wanting(), desired()):
        (change,) = plan_number(wish, observed).changes
        assert change.action == FinishPurchase(INTENT)


def test_the_lowest_marked_number_is_taken_back() -> None:
    (change,) = plan_number(wanting(), NumberObserved(found=(held(RELEASED),))).changes
    assert isinstance(change.action, TakeNumber)
    assert change.action.origin is NumberOrigin.TAKEN_BACK
    assert change.action.settings.label == OURS


def test_an_offer_is_bought_and_its_price_shown() -> None:
    (change,) = plan_number(wanting(), NumberObserved(offer=OFFER)).changes
    assert change.action == BuyNumber(OFFER)
    assert str(change.monthly_cost) == "3.00 USD"


@pytest.mark.parametrize(
    ("observed", "reason"),
    [
        (NumberObserved(accounts_not_listed=("twilio",)), Reason.SEARCHING_EXISTING),
        (NumberObserved(), Reason.SEARCHING_EXISTING),
        (NumberObserved(offer=REFUSED), Reason.NO_NUMBER_FOR_SALE),
        (NumberObserved(recorded=recorded()), Reason.SEARCHING_EXISTING),
        (NumberObserved(recorded=recorded(), loss_proven=True), Reason.NUMBER_LOST),
        (
            NumberObserved(recorded=recorded(), unreachable=REFUSED, loss_proven=True),
            Reason.NO_NUMBER_FOR_SALE,
        ),
        (NumberObserved(recorded=recorded(), held=held(FOREIGN_LABELS[0])), Reason.NAME_TAKEN),
        (NumberObserved(recorded=recorded(), held=held(OURS)), Reason.AVAILABLE),
    ],
)
def test_what_is_said_when_there_is_nothing_to_change(observed: NumberObserved, reason: Reason) -> None:
    plan = plan_number(wanting(), observed)
    assert plan.changes == ()
    assert plan.verdict.reason is reason
    assert plan.verdict.ready == (reason is Reason.AVAILABLE)


@pytest.mark.parametrize("label", [RELEASED, "", "renamed by hand"])
def test_a_recorded_number_is_set_as_wanted(label: str) -> None:
    (change,) = plan_number(wanting(), NumberObserved(recorded=recorded(), held=held(label))).changes
    assert isinstance(change.action, ConfigureNumber)
    assert change.repairs == "number"


def test_what_overrides_our_urls_is_a_difference() -> None:
    trunk = held(OURS, overridden_by="trunk")
    (change,) = plan_number(wanting(), NumberObserved(recorded=recorded(), held=trunk)).changes
    assert "trunk" in change.what


def test_a_failing_account_is_not_written_to() -> None:
    down = Verdict.waiting(Reason.PROVIDER_UNAVAILABLE, "It is down.")
    plan = plan_number(wanting(), NumberObserved(recorded=recorded(), held=held(""), unreachable=down))
    assert plan.changes == ()
    assert plan.verdict is down


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"providerRef": {"name": "vonage"}}, "held by twilio"),
        ({"pattern": "+3719"}, "pattern"),
        ({"maxMonthlyCost": [{"amount": "1.00", "currency": "USD"}]}, "3.00 USD"),
    ],
)
def test_later_wishes_buy_nothing(wish: dict[str, Any], says: str) -> None:
    observed = NumberObserved(
        recorded=recorded(), held=held(OURS), monthly_cost=Money(amount="3.00", currency="USD")
    )
    plan = plan_number(wanting(**wish), observed)
    assert plan.changes == ()
    assert plan.verdict.ready
    assert plan.verdict.reason is Reason.NOT_AS_REQUESTED
    assert says in plan.verdict.message


@pytest.mark.parametrize("label", [OURS, ""])
def test_a_removed_block_retains(label: str) -> None:
    (change,) = plan_number(desired(), NumberObserved(recorded=recorded(), held=held(label))).changes
    assert isinstance(change.action, RetainNumber)
    assert change.action.label == RELEASED


def test_settings_are_compared_field_by_field() -> None:
    settings = NumberSettings(label=OURS, voice_url="http://other")
    observed = NumberObserved(recorded=recorded(), held=held(OURS, settings=settings))
    (change,) = plan_number(wanting(), observed).changes
    assert change.before == "voice url=http://other"
