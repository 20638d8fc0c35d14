"""Which number is bought, where, and at what price."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.common_fields import Money
from controller.api.conditions import Reason
from controller.providers.telephony.protocol import Candidate, NumberQuery, Papers, Price
from controller.reconcile.context import Memory
from controller.reconcile.desired import DesiredNumber
from controller.reconcile.fleet import Fleet, PhoneAccount
from controller.reconcile.number.money import money
from controller.reconcile.number.offer import in_order_of, look_for_offer, price_refusal
from controller.reconcile.observed import Offer
from controller.reconcile.verdict import Verdict

from .builders import NOW, PHONE, POLICY, account, candidate, desired, tenant


class Market:
    """An account that sells some numbers."""

    def __init__(self, *candidates: Candidate) -> None:
        self._candidates = candidates

    async def papers_problem(self, _papers: Papers) -> None:
        return None

    async def search(self, _query: NumberQuery) -> tuple[Candidate, ...]:
        return self._candidates


def selling(name: str, *candidates: Candidate, **spec: Any) -> PhoneAccount:
    made = account(name, **spec)
    made.client = cast("Any", Market(*candidates))
    return made


async def offered(*accounts: PhoneAccount, **number: Any) -> Offer | Verdict:
    wanted = desired(phoneNumber={**PHONE["phoneNumber"], **number}).number
    assert isinstance(wanted, DesiredNumber)

    context: Any = SimpleNamespace(
        fleet=Fleet(accounts={a.name: a for a in accounts}),
        policy=POLICY,
        memory=Memory(),
        clock=SimpleNamespace(now=lambda: NOW),
        namespaces=SimpleNamespace(labels={"tenants": {"tier": "gold"}}.get),
    )
    return await look_for_offer(tenant(PHONE), wanted, context)


def reason_of(answer: Offer | Verdict) -> Reason:
    assert isinstance(answer, Verdict)
    return answer.reason


async def test_the_account_with_the_highest_priority_is_asked_first() -> None:
    low, high = (
        selling("a-low", candidate("+37120000001"), priority=1),
        selling("b-high", candidate("+37120000002")),
    )
    answer = await offered(low, high)
    assert isinstance(answer, Offer)
    assert answer.account == "b-high"


async def test_the_next_account_is_asked_when_one_has_none() -> None:
    answer = await offered(selling("a", priority=500), selling("b", candidate()))
    assert isinstance(answer, Offer)
    assert answer.account == "b"


async def test_an_account_that_cannot_be_asked_is_waited_for() -> None:
    down = account("a", priority=500)
    down.problem = Verdict.waiting(Reason.PROVIDER_UNAVAILABLE, "It is down.")
    assert await offered(down, selling("b", candidate())) is down.problem
    assert reason_of(await offered(account("a"))) is Reason.WAITING_FOR_PROVIDER


async def test_only_accounts_that_serve_the_country_are_asked() -> None:
    assert reason_of(await offered(selling("a", candidate(), countries=["EE"]))) is Reason.PROVIDER_NOT_FOUND
    assert reason_of(await offered()) is Reason.PROVIDER_NOT_FOUND


async def test_an_account_that_goes_sells_nothing_new() -> None:
    going = selling("a", candidate())
    going.deleting = True
    assert reason_of(await offered(going)) is Reason.PROVIDER_NOT_FOUND
    assert reason_of(await offered(going, providerRef={"name": "a"})) is Reason.PROVIDER_NOT_FOUND


async def test_the_named_account_is_the_only_one_asked() -> None:
    accounts = selling("a"), selling("b", candidate())
    assert reason_of(await offered(*accounts, providerRef={"name": "a"})) is Reason.NO_NUMBER_FOR_SALE
    assert reason_of(await offered(*accounts, providerRef={"name": "c"})) is Reason.PROVIDER_NOT_FOUND


CEILING = [{"amount": "3.00", "currency": "USD"}]


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (candidate(amount="3.01"), Reason.TOO_EXPENSIVE),
        (candidate(amount=None), Reason.TOO_EXPENSIVE),
        (candidate(currency="EUR"), Reason.PRICE_NOT_COMPARABLE),
    ],
)
async def test_a_ceiling_holds(offer: Candidate, reason: Reason) -> None:
    answer = await offered(selling("a", offer), maxMonthlyCost=CEILING)
    assert reason_of(answer) is reason
    assert isinstance(answer, Verdict)
    assert answer.after == POLICY.sale_check_interval.total_seconds()


async def test_of_a_mixed_offer_only_the_affordable_is_left() -> None:
    answer = await offered(
        selling("a", candidate("+37120000001", "9.00"), candidate("+37120000002")), maxMonthlyCost=CEILING
    )
    assert isinstance(answer, Offer)
    assert [c.number for c in answer.candidates] == ["+37120000002"]


PRICES = st.decimals(min_value=0, max_value=9999, places=7, allow_nan=False, allow_infinity=False)


@given(PRICES, PRICES)
def test_no_price_above_the_ceiling_passes(amount: Decimal, ceiling: Decimal) -> None:
    limit = Money.of(ceiling.quantize(Decimal("0.0001")), "USD")
    refused = price_refusal(Price(amount, "USD"), [limit])
    assert (refused is None) == (amount <= limit.decimal)


@given(PRICES)
def test_every_price_can_be_shown(amount: Decimal) -> None:
    shown = money(Price(amount, "USD"))
    assert amount <= shown.decimal < amount + Decimal("0.0001")


def test_tenants_try_candidates_in_different_orders() -> None:
    candidates = [candidate(f"+3712000000{n}") for n in range(9)]
    orders = {in_order_of(tenant(uid=f"uid-{n}"), candidates) for n in range(90)}
    assert {order[0] for order in orders} == set(candidates)
    assert all(set(order) == set(candidates) for order in orders)
    assert in_order_of(tenant(uid="x"), candidates) == in_order_of(tenant(uid="x"), candidates[::-1])
