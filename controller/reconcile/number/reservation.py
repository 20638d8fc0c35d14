"""Entering a purchase into the account's record before it is made, and taking it out when it did not come to be."""

from typing import Final

from controller.api.conditions import Reason
from controller.providers.telephony.protocol import Price
from controller.reconcile.fleet import PhoneAccount
from controller.reconcile.number.budget import budget_refusal, enter, is_entered, withdraw
from controller.reconcile.ports import ObjectChangedError
from controller.reconcile.run import Run
from controller.reconcile.verdict import Verdict

# Workers of one process take turns, so that only other replicas write in between.
_ATTEMPTS: Final = 8


async def reserve(account: PhoneAccount, number: str, price: Price | None, run: Run) -> Verdict | None:
    """Enter the purchase; None when it may be made now, else why not. Without a budget there is no record."""
    budget = account.spec.budget
    if budget is None:
        return None
    async with account.spending_turn:
        for _ in range(_ATTEMPTS):
            entry = await run.context.spending_ledger.spending(account.name)
            version, spending = entry if entry is not None else ("", None)
            now = run.context.clock.now()
            # One that was entered before a crash, or before a doubt, is begun again: it has its place already.
            begun = is_entered(spending, number)
            refused = None if begun else budget_refusal(account.name, budget, spending, price, now)
            if refused is not None or spending is None:
                account.spending = spending
                return refused
            entered = enter(spending, number, price, now)
            try:
                await run.context.spending_ledger.record_spending(account.name, version, entered)
            except ObjectChangedError:
                continue  # somebody else wrote: count again
            account.spending = entered
            return None
    return Verdict.waiting(
        Reason.WAITING_FOR_PROVIDER,
        f"The budget of PhoneProvider {account.name} is being counted by others; trying again.",
        after=2.0,
    )


async def unreserve(account: PhoneAccount, number: str, run: Run) -> None:
    """Take the purchase out again; what is not taken out now goes with the next count."""
    if not is_entered(account.spending, number):
        return
    async with account.spending_turn:
        for _ in range(_ATTEMPTS):
            entry = await run.context.spending_ledger.spending(account.name)
            if entry is None or entry[1] is None or not is_entered(entry[1], number):
                return
            without = withdraw(entry[1], number)
            try:
                await run.context.spending_ledger.record_spending(account.name, entry[0], without)
            except ObjectChangedError:
                continue
            account.spending = without
            return
