"""The bounds on what is bought in an account: counting, refusing, entering a purchase. Pure.

The record stands in the provider's status and is replaced only with its resourceVersion: over all workers and
replicas a purchase is entered before it is made, so that together they stay within the budget too.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from controller.api.common_fields import Money
from controller.api.conditions import Reason
from controller.api.phone_provider import Budget, PurchasesInMinute, Reservation, Spending
from controller.providers.telephony.protocol import Price
from controller.reconcile.number.money import money
from controller.reconcile.timestamps import parse, precise_stamp, stamp
from controller.reconcile.verdict import Verdict

HOUR: Final = timedelta(hours=1)
# A list that begins so much later shows a number that was bought.
SHOWN: Final = timedelta(minutes=2)
# A purchase may wait this long for its turn at a slow provider: until then it counts although no list shows it.
UNDER_WAY: Final = timedelta(minutes=10)
# Purchases are counted by the minute they began in.
HOUR_AND_MINUTE: Final = HOUR + timedelta(minutes=1)
MOST_RESERVED: Final = 256
# With so many purchases not counted yet, the next list is not far.
UNTIL_COUNTED: Final = 30.0


def recount(before: Spending | None, priced: Mapping[str, Price | None], began_at: datetime) -> Spending:
    """The record after a complete list of our numbers with their prices, which began at `began_at`.

    A purchase stays entered beside the count until every list that began later must show it: of two replicas' lists
    the one that began later may have been answered earlier. The same object when nothing differs.
    """
    if before is not None and parse(before.counted_at) >= began_at:
        return before  # another replica has counted a newer list
    reserved = [
        one for one in (before.reserved or () if before else ()) if _still_counts(one, priced, began_at)
    ]
    recent = (before.recent_purchases or [] if before else []) or []
    entered = {one.number for one in reserved}
    counted = {number: price for number, price in priced.items() if number not in entered}
    record = Spending(
        numbers=len(counted),
        monthly_cost=_costs(counted.values()) or None,
        unpriced=sum(price is None for price in counted.values()) or None,
        counted_at=precise_stamp(began_at),
        reserved=reserved or None,
        recent_purchases=recent
        if any(began_at - parse(one.minute) < HOUR_AND_MINUTE for one in recent)
        else None,
    )
    if before is not None and record.model_copy(update={"counted_at": before.counted_at}) == before:
        return before
    return record


def budget_refusal(
    provider: str, budget: Budget | None, spending: Spending | None, price: Price | None, now: datetime
) -> Verdict | None:
    """Why one more number at this price is not bought; None when it is within the budget."""
    if budget is None:
        return None
    if spending is None:
        return Verdict.waiting(
            Reason.WAITING_FOR_PROVIDER,
            f"The numbers of PhoneProvider {provider} are being counted.",
            after=2.0,
        )
    return (
        count_refusal(provider, budget, spending)
        or pace_refusal(provider, budget, spending, now)
        or _cost_refusal(provider, budget, spending, price)
    )


def count_refusal(provider: str, budget: Budget, spending: Spending) -> Verdict | None:
    """Why no further number is bought, whatever it costs."""
    reserved = len(spending.reserved or ())
    held = spending.numbers + reserved
    if budget.max_numbers is not None and held >= budget.max_numbers:
        return Verdict.waiting(
            Reason.BUDGET_REACHED,
            f"PhoneProvider {provider} has {budget.max_numbers} of {budget.max_numbers} numbers"
            " (spec.budget.maxNumbers). Raise it, or release numbers that are no longer needed.",
        )
    if reserved >= MOST_RESERVED:
        return Verdict.waiting(
            Reason.WAITING_FOR_PROVIDER,
            f"The purchases of PhoneProvider {provider} are being counted.",
            after=UNTIL_COUNTED,
        )
    return None


def pace_refusal(provider: str, budget: Budget, spending: Spending, now: datetime) -> Verdict | None:
    """Why no further number is bought within this hour."""
    most = budget.max_purchases_per_hour
    recent = [one for one in spending.recent_purchases or () if now - parse(one.minute) < HOUR_AND_MINUTE]
    if most is None or sum(one.purchases for one in recent) < most:
        return None
    oldest = min((parse(one.minute) for one in recent), default=now)
    return Verdict.waiting(
        Reason.BUDGET_REACHED,
        f"PhoneProvider {provider} has bought {most} numbers within the hour (spec.budget.maxPurchasesPerHour). It goes"
        " on by itself.",
        after=(oldest + HOUR_AND_MINUTE - now).total_seconds() + 1,
    )


def enter(spending: Spending, number: str, price: Price | None, now: datetime) -> Spending:
    """The record with this purchase in it, once; one that is begun again counts from now on."""
    reserved = spending.reserved or []
    entry = Reservation(number=number, monthly_cost=money(price) if price else None, at=precise_stamp(now))
    minute = stamp(now.replace(second=0, microsecond=0))
    recent = [one for one in spending.recent_purchases or () if now - parse(one.minute) < HOUR_AND_MINUTE]
    counts = {one.minute: one.purchases for one in recent}
    if not is_entered(spending, number):
        counts[minute] = counts.get(minute, 0) + 1
    return spending.model_copy(
        update={
            "reserved": [*(one for one in reserved if one.number != number), entry],
            "recent_purchases": [PurchasesInMinute(minute=m, purchases=n) for m, n in counts.items()],
        }
    )


def withdraw(spending: Spending, number: str) -> Spending:
    """The record without this purchase, which did not come to be; the attempt still counts for the hour."""
    reserved = [one for one in spending.reserved or () if one.number != number]
    return spending.model_copy(update={"reserved": reserved or None})


def is_entered(spending: Spending | None, number: str) -> bool:
    """Whether the purchase of this number is in the record."""
    return spending is not None and any(one.number == number for one in spending.reserved or ())


def frees_room(before: Spending | None, after: Spending | None) -> bool:
    """Whether what a tenant waits for may be possible now."""
    return after is not None and (before is None or _total(after) < _total(before))


def _cost_refusal(provider: str, budget: Budget, spending: Spending, price: Price | None) -> Verdict | None:
    ceilings = budget.max_monthly_cost
    if not ceilings:
        return None
    unpriced = (spending.unpriced or 0) + sum(one.monthly_cost is None for one in spending.reserved or ())
    if price is None or unpriced:
        what = "the price of this number" if price is None else f"the price of {unpriced} numbers there"
        return Verdict.waiting(
            Reason.BUDGET_REACHED,
            f"PhoneProvider {provider} does not tell {what}, and an unknown price is above"
            " spec.budget.maxMonthlyCost. Bound the numbers by spec.budget.maxNumbers instead.",
        )
    ceiling = next((one for one in ceilings if one.currency == price.currency), None)
    if ceiling is None:
        return Verdict.waiting(
            Reason.BUDGET_REACHED,
            f"The price at PhoneProvider {provider} is in {price.currency}, for which spec.budget.maxMonthlyCost"
            " names no bound. Add one.",
        )
    spent = [
        *(spending.monthly_cost or ()),
        *(r.monthly_cost for r in spending.reserved or () if r.monthly_cost),
    ]
    already = sum((cost.decimal for cost in spent if cost.currency == price.currency), Decimal(0))
    if already + price.amount <= ceiling.decimal:
        return None
    return Verdict.waiting(
        Reason.BUDGET_REACHED,
        f"The numbers of PhoneProvider {provider} cost {Money.of(already, price.currency)} a month; another for"
        f" {money(price)} would exceed {ceiling} (spec.budget.maxMonthlyCost). Raise it, or release numbers.",
    )


def _still_counts(one: Reservation, listed: Mapping[str, Price | None], began_at: datetime) -> bool:
    age = began_at - parse(one.at)
    return age < SHOWN or (age < UNDER_WAY and one.number not in listed)


def _costs(prices: Iterable[Price | None]) -> list[Money]:
    costs: dict[str, Decimal] = {}
    for price in prices:
        if price is not None:
            costs[price.currency] = costs.get(price.currency, Decimal(0)) + price.amount
    return [money(Price(amount, currency)) for currency, amount in sorted(costs.items())]


def _total(spending: Spending) -> tuple[int, Decimal]:
    costs = [
        *(spending.monthly_cost or ()),
        *(r.monthly_cost for r in spending.reserved or () if r.monthly_cost),
    ]
    return (
        spending.numbers + len(spending.reserved or ()),
        sum((cost.decimal for cost in costs), Decimal(0)),
    )
