"""Choosing what to buy: which account, which candidates, at what price."""

import hashlib
from collections.abc import Sequence
from decimal import ROUND_UP, Decimal
from typing import Final

from controller.api.common_fields import Money
from controller.api.conditions import Reason
from controller.providers.telephony.protocol import Candidate, Price
from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredNumber
from controller.reconcile.fleet import PhoneAccount
from controller.reconcile.observed import Offer
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import Verdict

_MONEY_DECIMALS: Final = 4


async def look_for_offer(tenant: Tenant, wanted: DesiredNumber, context: Context) -> Offer | Verdict:
    """What the first fitting account sells, or why there is nothing to buy.

    Falls through to the next account only when one has none for sale. An account that cannot be asked is waited
    for: its absence must not make a tenant buy elsewhere what its own account would have sold.
    """
    accounts = eligible_accounts(wanted, context)
    if not accounts:
        return _no_account(wanted)
    refused: Verdict | None = None
    for account in accounts:
        if account.problem is not None or account.client is None:
            return account.problem or Verdict.waiting(
                Reason.WAITING_FOR_PROVIDER, f"PhoneProvider {account.name} is not ready yet."
            )
        candidates = await account.client.search(wanted.query)
        affordable = [c for c in candidates if price_refusal(c.price, wanted.ceilings) is None]
        if affordable:
            return Offer(account.name, in_order_of(tenant, affordable))
        if candidates and refused is None:
            refused = price_refusal(candidates[0].price, wanted.ceilings)
    interval = context.policy.sale_check_interval.total_seconds()
    if refused is not None:
        return Verdict.waiting(refused.reason, refused.message, after=interval)
    names = ", ".join(account.name for account in accounts)
    capabilities = " and ".join(sorted(wanted.query.capabilities))
    return Verdict.waiting(
        Reason.NO_NUMBER_FOR_SALE,
        f"No {wanted.type.value} number in {wanted.country} with {capabilities} is for sale at {names}."
        " It is looked for again by itself; loosen type, pattern or capabilities, or add a PhoneProvider.",
        after=interval,
    )


def eligible_accounts(wanted: DesiredNumber, context: Context) -> Sequence[PhoneAccount]:
    """Accounts to ask, in order: the one named, or those that serve the country by priority, then name."""
    accounts = context.fleet.accounts.values()
    if wanted.provider is not None:
        return [a for a in accounts if a.name == wanted.provider and a.open]
    return sorted((a for a in accounts if a.serves(wanted.country)), key=lambda a: (-a.priority, a.name))


def price_refusal(price: Price | None, ceilings: Sequence[Money]) -> Verdict | None:
    """Why the price is refused; None when it is within the ceiling. Without ceilings any price is accepted."""
    if not ceilings:
        return None
    if price is None:
        return Verdict.waiting(
            Reason.TOO_EXPENSIVE,
            "The provider does not tell the monthly price, and an unknown price is above any ceiling.",
        )
    ceiling = next((c for c in ceilings if c.currency == price.currency), None)
    if ceiling is None:
        named = ", ".join(c.currency for c in ceilings)
        return Verdict.waiting(
            Reason.PRICE_NOT_COMPARABLE,
            f"The price is in {price.currency}; maxMonthlyCost names only {named}. Add a ceiling in {price.currency}.",
        )
    if price.amount > ceiling.decimal:
        return Verdict.waiting(
            Reason.TOO_EXPENSIVE,
            f"The monthly price of {money(price)} is above the ceiling of {ceiling}.",
        )
    return None


def in_order_of(tenant: Tenant, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Order by a hash of tenant and number, so that many tenants at once do not run for the same number."""

    def rank(candidate: Candidate) -> bytes:
        return hashlib.sha256(f"{tenant.uid}/{candidate.number}".encode()).digest()

    return tuple(sorted(candidates, key=rank))


def money(price: Price) -> Money:
    """A provider's price as it stands in status: at most four decimals, rounded up."""
    amount = Decimal(price.amount)
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_MONEY_DECIMALS:
        amount = amount.quantize(Decimal(1).scaleb(-_MONEY_DECIMALS), rounding=ROUND_UP)
    return Money.of(amount, price.currency)


def _no_account(wanted: DesiredNumber) -> Verdict:
    if wanted.provider is not None:
        return Verdict.waiting(
            Reason.PROVIDER_NOT_FOUND,
            f"spec.phoneNumber.providerRef names PhoneProvider {wanted.provider}, which does not exist, is being"
            " deleted or is marked as lost. Create it, or name another.",
        )
    return Verdict.waiting(
        Reason.PROVIDER_NOT_FOUND,
        f"No PhoneProvider serves {wanted.country}. Create one, or add the country to spec.countries of one.",
    )
