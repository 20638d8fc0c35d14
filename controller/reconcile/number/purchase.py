"""Buying one number exactly once, whatever crashes when.

The order is the guarantee: claim the candidate (excludes every other worker and replica, outlives a crash); write
the intent to status; look whether the account owns it already; enter it into the account's budget; check that the
tenant still stands; buy exactly this number; read it back. A process that dies anywhere in between is followed by
one that finds the intent, looks first, and asks for the same number again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from controller.api.business_tenant_status import Purchase
from controller.api.common_fields import Money
from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NeedsHuman, OutsideError, Retryable
from controller.providers.telephony.protocol import (
    Candidate,
    NumberSettings,
    OwnedNumber,
    Price,
    TelephonyAccount,
)
from controller.reconcile.context import RefusedPurchase
from controller.reconcile.desired import DesiredNumber
from controller.reconcile.fleet import PhoneAccount
from controller.reconcile.number.money import money, price_of
from controller.reconcile.number.observe import fits
from controller.reconcile.number.offer import free_for
from controller.reconcile.number.reservation import reserve, unreserve
from controller.reconcile.observed import HeldNumber, Offer
from controller.reconcile.ownership import Mark
from controller.reconcile.ports import ClaimResult, ObjectChangedError
from controller.reconcile.run import Run
from controller.reconcile.still_wanted import assert_still_wanted
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.timestamps import parse, stamp
from controller.reconcile.verdict import Verdict

# A number created up to this long before the intent may still be ours: two clocks are compared.
CLOCK_SKEW: Final = timedelta(minutes=2)
# A purchase whose answer was lost shows in the account by then.
CERTAIN_AFTER: Final = timedelta(minutes=2)
# Candidates tried in one pass; a market in which so many in a row are taken is looked at anew later.
CANDIDATES_PER_PASS: Final = 5


@dataclass(frozen=True, slots=True)
class NotBought:
    """No purchase is under way any more; choose again, unless `refusal` says that there is no use in it."""

    why: str
    refusal: Verdict | None = None


async def buy_from(offer: Offer, run: Run) -> HeldNumber | NotBought:
    """Try the offer's candidates in order until one is the tenant's.

    Raises `OutsideError` when a purchase is in doubt (its intent stays in status) and `ObjectChangedError` when
    the tenant moved on.
    """
    outcome: HeldNumber | NotBought = NotBought("nothing was for sale")
    for candidate in _not_spoken_for(offer, run)[:CANDIDATES_PER_PASS]:
        account, client = _account(offer.account, run)
        claimed = await _claim(account, candidate.number, run)
        if claimed is ClaimResult.TAKEN:
            account.for_sale.forget()
            outcome = NotBought(f"{candidate.number} is being bought for another tenant")
            continue
        started_at = stamp(run.context.clock.now())
        intent = Purchase(
            candidate=candidate.number,
            provider=account.name,
            generation=run.tenant.generation,
            started_at=started_at,
        )
        cost = money(candidate.price) if candidate.price is not None else None
        try:
            await _write_intent(intent, run, cost)
        except ObjectChangedError:
            if claimed is ClaimResult.NEW:
                # Nothing was begun under it, and a tenant that is gone would leave it for ever.
                await run.context.claims.release(account.name, candidate.number, run.tenant)
            raise
        outcome = await _carry_out(intent, account, client, candidate.price, run)
        if isinstance(outcome, HeldNumber) or outcome.refusal is not None:
            return outcome
    return outcome


def _not_spoken_for(offer: Offer, run: Run) -> Sequence[Candidate]:
    """The candidates that no other worker of this process is buying or has bought since they were searched.

    Asking the API server for those is in vain. All of them when none is left: a purchase may yet come to nothing.
    """
    is_free = free_for(run.tenant.key, offer.account, run.context)
    free = [candidate for candidate in offer.candidates if is_free(candidate.number)]
    return free or offer.candidates


async def finish(intent: Purchase, cost: Money | None, run: Run) -> HeldNumber | NotBought:
    """Bring an interrupted purchase to its end: found, bought after all, or given up. Raises as `buy_from`."""
    account, client = _account(intent.provider, run)
    if await _claim(account, intent.candidate, run) is ClaimResult.TAKEN:
        # Somebody else's claim on our candidate: ours was released, so this intent is a leftover.
        await _write_intent(None, run)
        return NotBought(f"{intent.candidate} went to another tenant")
    return await _carry_out(intent, account, client, price_of(cost), run)


async def _carry_out(
    intent: Purchase, account: PhoneAccount, client: TelephonyAccount, price: Price | None, run: Run
) -> HeldNumber | NotBought:
    already = await client.find_owned(intent.candidate)
    if already is not None:
        return await _settle_owned(already, intent, account, client, run)
    wanted = run.desired.number
    if wanted is None or run.tenant.deleted_at is not None:
        return await _give_up(intent, account, "a number is no longer wanted", run)
    if intent.generation not in (None, run.tenant.generation):
        # Chosen for another spec: what that one allowed says nothing of this one. A purchase that was begun for it
        # must first have had the time to show.
        certain_at = parse(intent.started_at) + CERTAIN_AFTER
        if run.context.clock.now() < certain_at:
            raise Retryable(
                f"The purchase of {intent.candidate} was begun for an earlier spec; looking whether it was made.",
                reason=Reason.PURCHASING,
                after=(certain_at - run.context.clock.now()).total_seconds() + 1,
            )
        return await _give_up(intent, account, "the spec has changed since", run)
    if not client.marks_with_purchase:
        await run.patch_status({"phoneNumber": {"purchase": {"absentAt": stamp(run.context.clock.now())}}})
    # After the look: a number that is ours already is not spent for again.
    refused = await reserve(account, intent.candidate, price, run)
    if refused is not None:
        return await _give_up(intent, account, refused.message, run, refused)
    await _still_stands(intent, run)
    try:
        await client.buy(intent.candidate, wanted.settings, wanted.papers)
    except Conflict:
        return await _give_up(intent, account, f"{intent.candidate} was sold meanwhile", run)
    except (Retryable, NeedsHuman):
        raise  # in doubt: the intent stays, the next pass looks first
    except OutsideError as error:
        # Refused as it stands: nothing was bought, so nothing is under way, and repeating it would not help.
        await _give_up(intent, account, "the provider refused", run)
        run.context.memory.refused_purchases[run.tenant.key] = RefusedPurchase(
            account.name, account.turns, run.tenant.generation, Verdict.failed(error)
        )
        raise
    return _brought_home(account, await _read_back(intent, account, client, wanted, run), run)


async def _settle_owned(
    owned: OwnedNumber, intent: Purchase, account: PhoneAccount, client: TelephonyAccount, run: Run
) -> HeldNumber | NotBought:
    """The account owns the candidate before we buy it: bought by us before a crash, or somebody else's."""
    mark = Mark.parse(owned.settings.label)
    if run.desired.owner.owns(mark):
        _must_be_new(owned, intent, account)
        return _brought_home(account, owned, run)
    if mark is None and intent.absent_at is not None and not client.marks_with_purchase:
        # The crash came before the mark: it was seen absent, and our claim has kept everybody else away since.
        return _brought_home(account, await _mark(owned, client, run), run)
    # The account owns it without our mark: buying would silently change somebody's number.
    return await _give_up(intent, account, f"{owned.number} belongs to somebody else", run)


async def _read_back(
    intent: Purchase, account: PhoneAccount, client: TelephonyAccount, wanted: DesiredNumber, run: Run
) -> OwnedNumber:
    """The number as the account has it now. Raises what stands between it and being the tenant's."""
    number = intent.candidate
    bought = await client.find_owned(number)
    if bought is None:
        raise Retryable(
            f"{number} was bought at {account.name} but is not listed yet; looking again.",
            reason=Reason.PURCHASING,
            outcome_unknown=True,
        )
    _must_be_new(bought, intent, account)
    mark = Mark.parse(bought.settings.label)
    if mark is None and not client.marks_with_purchase:
        raise Retryable(
            f"{number} was bought at {account.name} but is not marked yet; marking it next.",
            reason=Reason.PURCHASING,
        )
    if not run.desired.owner.owns(mark) or not fits(bought, wanted):
        raise NeedsHuman(
            f"{number} at {account.name} came back from the purchase without this tenant's mark or as"
            " another kind of number. Check it in the provider's console.",
            reason=Reason.NEEDS_HUMAN,
        )
    return bought


def _must_be_new(owned: OwnedNumber, intent: Purchase, account: PhoneAccount) -> None:
    """Raise `NeedsHuman` for a number from before the purchase, also when it carries our mark by now."""
    if owned.created_at is not None and owned.created_at < parse(intent.started_at) - CLOCK_SKEW:
        raise NeedsHuman(
            f"{owned.number} at {account.name} is older than this purchase: the request changed an existing"
            " number instead of buying one. Check in the provider's console whose it is, undo the change, then remove"
            " status.phoneNumber.purchase.",
            reason=Reason.NEEDS_HUMAN,
        )


async def _mark(owned: OwnedNumber, client: TelephonyAccount, run: Run) -> OwnedNumber:
    """Mark a number of ours that has none yet; silently when no number is wanted any more."""
    wanted, owner = run.desired.number, run.desired.owner
    if wanted is None or run.tenant.deleted_at is not None:
        return await client.configure(owned.id, NumberSettings(label=owner.label()))
    return await client.configure(owned.id, wanted.settings)


async def _claim(account: PhoneAccount, number: str, run: Run) -> ClaimResult:
    being_claimed = run.context.memory.being_claimed
    being_claimed.add((account.name, number))
    try:
        result = await run.context.claims.claim(account.name, number, run.tenant)
    finally:
        being_claimed.discard((account.name, number))
    if result is not ClaimResult.TAKEN:
        run.context.memory.claims_held[run.tenant.key] = (account.name, number)
    return result


async def _write_intent(intent: Purchase | None, run: Run, cost: Money | None = None) -> None:
    """Write or remove the intent by a direct, awaited patch; the price goes with it, so that it survives a crash."""
    block = {
        "purchase": intent.to_wire() if intent is not None else None,
        "monthlyCost": cost.to_wire() if cost is not None else None,
    }
    await run.patch_status({"phoneNumber": block})


async def _still_stands(intent: Purchase, run: Run) -> None:
    """The last look before money is spent: still wanted, and still with this intent."""
    if not _intends(await assert_still_wanted(run), intent):
        raise ObjectChangedError(f"{run.tenant.key} changed before the purchase")


def _intends(tenant: Tenant, intent: Purchase) -> bool:
    number = tenant.status.phone_number
    return (
        number is not None and number.purchase is not None and number.purchase.candidate == intent.candidate
    )


async def _give_up(
    intent: Purchase, account: PhoneAccount, why: str, run: Run, refusal: Verdict | None = None
) -> NotBought:
    """Nothing was bought: intent first, then claim, so that a crash between leaves a claim, not an intent."""
    account.for_sale.forget()
    await _write_intent(None, run)
    await unreserve(account, intent.candidate, run)
    await run.context.claims.release(account.name, intent.candidate, run.tenant)
    run.context.memory.claims_held.pop(run.tenant.key, None)
    return NotBought(why, refusal)


def _brought_home(account: PhoneAccount, owned: OwnedNumber, run: Run) -> HeldNumber:
    account.listed.record(owned.number, owned, run.context.clock.now())
    return HeldNumber(account.name, owned)


def _account(name: str, run: Run) -> tuple[PhoneAccount, TelephonyAccount]:
    account = run.context.fleet.accounts.get(name)
    if account is None:
        raise NeedsHuman(
            f"A purchase at PhoneProvider {name} is under way, but that PhoneProvider does not exist. Create it"
            " again, so that the number can be looked for.",
            reason=Reason.PROVIDER_NOT_FOUND,
        )
    if account.client is None:
        raise Retryable(f"PhoneProvider {name} is not ready.", reason=Reason.WAITING_FOR_PROVIDER)
    return account, account.client
