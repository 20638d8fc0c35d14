"""Carrying out the changes of a number. Each answers what the number looks like afterwards."""

from collections.abc import Mapping
from dataclasses import replace

from controller.api.business_tenant_status import NumberOrigin, NumberStatus
from controller.api.common_fields import Money
from controller.api.conditions import Reason
from controller.providers.errors import Retryable
from controller.providers.telephony.protocol import NumberSettings, Price, TelephonyAccount
from controller.reconcile.change import BuyNumber, ConfigureNumber, FinishPurchase, RetainNumber, TakeNumber
from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredNumber
from controller.reconcile.number import purchase
from controller.reconcile.number.money import money, price_of
from controller.reconcile.observed import HeldNumber, NumberObserved
from controller.reconcile.ownership import Mark
from controller.reconcile.ports import ClaimResult
from controller.reconcile.run import Run
from controller.reconcile.verdict import Verdict

NumberAction = BuyNumber | FinishPurchase | TakeNumber | ConfigureNumber | RetainNumber


async def apply_number(action: NumberAction, observed: NumberObserved, run: Run) -> NumberObserved:
    """Do it. Raises `OutsideError` and `ObjectChangedError`."""
    match action:
        case BuyNumber(offer=offer):
            prices = {candidate.number: candidate.price for candidate in offer.candidates}
            return _after_purchase(await purchase.buy_from(offer, run), prices, run)
        case FinishPurchase(intent=intent):
            cost = observed.monthly_cost
            return _after_purchase(
                await purchase.finish(intent, cost, run), {intent.candidate: price_of(cost)}, run
            )
        case TakeNumber(held=held, settings=settings, origin=origin):
            return await _take(held, settings, origin, run)
        case ConfigureNumber(held=held, settings=settings):
            return replace(observed, held=await _configure(held, settings, run))
        case RetainNumber(held=held, label=label):
            await retain(held, label, run)
            return NumberObserved()


async def _take(held: HeldNumber, settings: NumberSettings, origin: NumberOrigin, run: Run) -> NumberObserved:
    """Claim, look at the provider itself, then mark: of two that want one unmarked number only one gets it."""
    context, number = run.context, held.owned.number
    if await context.claims.claim(held.account, number, run.tenant) is ClaimResult.TAKEN:
        raise Retryable(f"{number} is being taken for another tenant.", reason=Reason.NAME_TAKEN)
    context.memory.claims_held[run.tenant.key] = (held.account, number)
    client = client_of(held.account, context)
    owned = await client.find_owned(number)
    if owned is None:
        raise Retryable(f"{number} is no longer at {held.account}; looking again.", reason=Reason.CONFIGURING)
    wanted = run.desired.number
    price = await client.price(wanted.country, wanted.type) if wanted is not None else None
    taken = await _configure(HeldNumber(held.account, owned), settings, run)
    return _holding(taken, origin, price, run)


async def retain(held: HeldNumber, label: str, run: Run) -> None:
    """Clear every URL of ours and mark the number as released; it stays in the account."""
    await _configure(held, NumberSettings(label=label), run)


async def _configure(held: HeldNumber, settings: NumberSettings, run: Run) -> HeldNumber:
    # Never write to what carries another's mark, whatever the snapshot said when this was planned.
    mark = Mark.parse(held.owned.settings.label)
    if mark is not None and not run.desired.owner.owns(mark):
        raise Retryable(f"{held.owned.number} carries another mark.", reason=Reason.NAME_TAKEN)
    client = client_of(held.account, run.context)
    configured = await client.configure(held.owned.id, settings)
    context = run.context
    context.fleet.accounts[held.account].listed.record(configured.number, configured, context.clock.now())
    return HeldNumber(held.account, configured)


def _after_purchase(
    outcome: HeldNumber | purchase.NotBought, prices: Mapping[str, Price | None], run: Run
) -> NumberObserved:
    match outcome:
        case HeldNumber() as held:
            return _holding(held, NumberOrigin.PURCHASED, prices.get(held.owned.number), run)
        case purchase.NotBought(refusal=Verdict() as refusal):
            return NumberObserved(offer=refusal)
        case purchase.NotBought(why=why):
            raise Retryable(f"Choosing another number: {why}.", reason=Reason.PURCHASING)


def _holding(held: HeldNumber, origin: NumberOrigin, price: Price | None, run: Run) -> NumberObserved:
    cost = money(price) if price is not None else None
    recorded = number_status(held, run.desired.number, origin, cost)
    return NumberObserved(recorded=recorded, held=held, origin=origin, monthly_cost=cost)


def number_status(
    held: HeldNumber, wanted: DesiredNumber | None, origin: NumberOrigin | None, cost: Money | None
) -> NumberStatus:
    """The number as it stands in status."""
    return NumberStatus(
        number=held.owned.number,
        country=wanted.country if wanted else held.owned.country,
        type=(wanted.type if wanted else held.owned.type),
        provider=held.account,
        id=held.owned.id,
        origin=origin,
        monthly_cost=cost,
        monthly_cost_text=str(cost) if cost is not None else None,
    )


def client_of(account: str, context: Context) -> TelephonyAccount:
    known = context.fleet.accounts.get(account)
    if known is None or known.client is None:
        raise Retryable(f"PhoneProvider {account} is not ready.", reason=Reason.WAITING_FOR_PROVIDER)
    return known.client
