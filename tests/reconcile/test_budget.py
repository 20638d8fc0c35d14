"""Counting and refusing: whatever order purchases, lists and withdrawals come in, a budget is never exceeded."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.common_fields import Money
from controller.api.conditions import Reason
from controller.api.phone_provider import Budget, Spending
from controller.providers.telephony.protocol import Price
from controller.reconcile.number.budget import (
    MOST_RESERVED,
    budget_refusal,
    enter,
    frees_room,
    recount,
    withdraw,
)
from controller.reconcile.timestamps import stamp

from .builders import NOW

DOLLAR = Price(Decimal("1.00"), "USD")


def spending(numbers: int = 0, cost: str | None = None, unpriced: int | None = None) -> Spending:
    costs = [Money(amount=cost, currency="USD")] if cost is not None else None
    return Spending(numbers=numbers, monthly_cost=costs, unpriced=unpriced, counted_at=stamp(NOW))


def refusal(
    budget: Budget, record: Spending, price: Price | None = DOLLAR, now: datetime = NOW
) -> Reason | None:
    verdict = budget_refusal("twilio", budget, record, price, now)
    return verdict.reason if verdict is not None else None


def held(numbers: int) -> dict[str, Price | None]:
    return {f"+3716{n:07d}": DOLLAR for n in range(numbers)}


@pytest.mark.parametrize(
    ("budget", "record", "price"),
    [
        (Budget(max_numbers=2), spending(1), DOLLAR),
        (Budget(max_monthly_cost=[Money(amount="3.00", currency="USD")]), spending(2, "2.00"), DOLLAR),
        (Budget(max_purchases_per_hour=1), spending(9), None),
        (Budget(), spending(9, unpriced=9), None),
    ],
)
def test_within_the_budget(budget: Budget, record: Spending, price: Price | None) -> None:
    assert refusal(budget, record, price) is None


@pytest.mark.parametrize(
    ("budget", "record", "price"),
    [
        (Budget(max_numbers=0), spending(0), DOLLAR),
        (Budget(max_numbers=2), enter(spending(1), "+37120000001", DOLLAR, NOW), DOLLAR),
        (Budget(max_monthly_cost=[Money(amount="2.99", currency="USD")]), spending(2, "2.00"), DOLLAR),
        (Budget(max_monthly_cost=[Money(amount="9.00", currency="EUR")]), spending(), DOLLAR),
        (Budget(max_monthly_cost=[Money(amount="9.00", currency="USD")]), spending(), None),
        (Budget(max_monthly_cost=[Money(amount="9.00", currency="USD")]), spending(1, unpriced=1), DOLLAR),
        (Budget(max_purchases_per_hour=1), enter(spending(), "+37120000001", DOLLAR, NOW), DOLLAR),
    ],
)
def test_beyond_the_budget(budget: Budget, record: Spending, price: Price | None) -> None:
    assert refusal(budget, record, price) is Reason.BUDGET_REACHED


def test_what_is_not_counted_yet_is_waited_for() -> None:
    verdict = budget_refusal("twilio", Budget(max_numbers=9), None, DOLLAR, NOW)
    assert verdict is not None
    assert verdict.reason is Reason.WAITING_FOR_PROVIDER


def test_the_record_never_outgrows_its_bound() -> None:
    record = spending()
    for n in range(MOST_RESERVED):
        record = enter(record, f"+3712{n:07d}", DOLLAR, NOW)
    assert refusal(Budget(max_numbers=10_000), record) is Reason.WAITING_FOR_PROVIDER


def test_a_purchase_is_entered_once() -> None:
    once = enter(spending(), "+37120000001", DOLLAR, NOW)
    assert enter(once, "+37120000001", DOLLAR, NOW) == once


def test_the_hour_is_counted_by_the_minute() -> None:
    record = enter(
        enter(spending(), "+37120000001", DOLLAR, NOW), "+37120000002", DOLLAR, NOW + timedelta(seconds=30)
    )
    assert [one.purchases for one in record.recent_purchases or ()] == [2]
    budget = Budget(max_purchases_per_hour=2)
    assert refusal(budget, record, now=NOW + timedelta(minutes=59)) is Reason.BUDGET_REACHED
    assert refusal(budget, record, now=NOW + timedelta(minutes=62)) is None


def test_a_withdrawn_purchase_still_counts_for_the_hour() -> None:
    record = withdraw(enter(spending(), "+37120000001", DOLLAR, NOW), "+37120000001")
    assert record.reserved is None
    assert refusal(Budget(max_purchases_per_hour=1), record) is Reason.BUDGET_REACHED


def test_an_older_list_of_another_replica_undoes_nothing() -> None:
    newer = recount(None, held(5), NOW)
    assert recount(newer, held(4), NOW - timedelta(milliseconds=1)) is newer


def test_a_list_with_nothing_new_changes_nothing() -> None:
    record = recount(None, held(5), NOW)
    assert recount(record, held(5), NOW + timedelta(minutes=5)) is record


def test_a_list_shows_what_became_of_a_purchase() -> None:
    bought, failed = "+37120000001", "+37120000002"
    record = enter(enter(spending(), bought, DOLLAR, NOW), failed, DOLLAR, NOW)
    soon = recount(record, {bought: DOLLAR}, NOW + timedelta(seconds=1))
    assert (soon.numbers, len(soon.reserved or ())) == (0, 2)  # each counts once
    shown = recount(soon, {bought: DOLLAR}, NOW + timedelta(minutes=3))
    assert (shown.numbers, len(shown.reserved or ())) == (1, 1)
    late = recount(shown, {bought: DOLLAR}, NOW + timedelta(minutes=11))
    assert (late.numbers, late.reserved) == (1, None)
    assert frees_room(soon, late)
    assert not frees_room(late, late)


# What happens, to which number, how old the list is in seconds, or how much time passes.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "list", "fail", "crash", "wait"]), st.integers(0, 9), st.integers(0, 90)
    ),
    max_size=60,
)


@given(most=st.integers(0, 4), steps=STEPS)
def test_never_more_numbers_than_the_budget_whatever_happens_in_between(
    most: int, steps: list[tuple[str, int, int]]
) -> None:
    """Lists come late and out of order, as those of several replicas do; a crash tells nobody of a purchase."""
    budget, now = Budget(max_numbers=most), NOW
    bought_at: dict[str, datetime] = {}
    record = recount(None, {}, now)
    for what, digit, seconds in steps:
        now += timedelta(seconds=1)
        number = f"+3712000000{digit}"
        match what:
            case "wait":
                now += timedelta(seconds=seconds)
            case "list":
                began_at = now - timedelta(seconds=seconds)
                shown: dict[str, Price | None] = {n: DOLLAR for n, at in bought_at.items() if at <= began_at}
                record = recount(record, shown, began_at)
            case _ if number not in bought_at and refusal(budget, record, now=now) is None:
                record = enter(record, number, DOLLAR, now)
                if what == "fail":
                    record = withdraw(record, number)
                else:
                    bought_at[number] = now
        assert len(bought_at) <= most


def test_a_purchase_that_waits_for_its_turn_keeps_its_place() -> None:
    record = enter(spending(), "+37120000001", DOLLAR, NOW)
    waiting = recount(record, {}, NOW + timedelta(minutes=5))
    assert [one.number for one in waiting.reserved or ()] == ["+37120000001"]
    again = enter(waiting, "+37120000001", DOLLAR, NOW + timedelta(minutes=9))
    assert recount(again, {}, NOW + timedelta(minutes=15)).reserved is not None
    assert sum(one.purchases for one in again.recent_purchases or ()) == 1
