"""Choosing what to buy: which account, which candidates, at what price."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from controller.api.common_fields import Money
from controller.api.conditions import Reason
from controller.api.group import Kind
from controller.providers.telephony.protocol import Candidate, Price, TelephonyAccount
from controller.reconcile.allowed_namespaces import allows, not_allowed
from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredNumber
from controller.reconcile.fleet import PhoneAccount
from controller.reconcile.number.budget import budget_refusal, count_refusal, pace_refusal
from controller.reconcile.number.money import money
from controller.reconcile.observed import Offer
from controller.reconcile.tenant_object import Tenant, TenantKey
from controller.reconcile.verdict import Verdict


async def look_for_offer(tenant: Tenant, wanted: DesiredNumber, context: Context) -> Offer | Verdict:
    """What the first fitting account sells, or why there is nothing to buy.

    Falls through to the next account only when one has none for sale within bounds. An account that cannot be asked
    is waited for: its absence must not make a tenant buy elsewhere what its own account would have sold.
    """
    serving = eligible_accounts(wanted, context)
    accounts = [account for account in serving if lets_in(account, tenant.key.namespace, context)]
    if not accounts:
        return _nowhere(wanted, serving, tenant.key.namespace, context)
    refused: Verdict | None = None
    for account in accounts:
        if account.problem is not None or account.client is None:
            return account.problem or Verdict.waiting(
                Reason.WAITING_FOR_PROVIDER, f"PhoneProvider {account.name} is not ready yet."
            )
        looked = await _look_at(account, account.client, tenant, wanted, context)
        if isinstance(looked, Offer):
            return looked
        refused = refused or looked
    interval = context.policy.sale_check_interval.total_seconds()
    if refused is not None:
        return replace(refused, after=min(refused.after or interval, interval))
    names = ", ".join(account.name for account in accounts)
    capabilities = " and ".join(sorted(wanted.query.capabilities))
    return Verdict.waiting(
        Reason.NO_NUMBER_FOR_SALE,
        f"No {wanted.type.value} number in {wanted.country} with {capabilities} is for sale at {names}."
        " It is looked for again by itself; loosen type, pattern or capabilities, or add a PhoneProvider.",
        after=interval,
    )


async def _look_at(
    account: PhoneAccount, client: TelephonyAccount, tenant: Tenant, wanted: DesiredNumber, context: Context
) -> Offer | Verdict | None:
    """What the account sells within all bounds, or why not; None when it has none for sale."""
    budget, spending, now = account.spec.budget, account.spending, context.clock.now()
    if budget is not None and spending is not None:
        # Known before anything is asked: a full account must not be searched for every tenant.
        full = count_refusal(account.name, budget, spending) or pace_refusal(
            account.name, budget, spending, now
        )
        if full is not None:
            return full
    # Before any money is at stake: with papers that are not in order the purchase would be refused.
    problem = await client.papers_problem(wanted.papers)
    if problem is not None:
        return Verdict.failed(problem)
    is_free = free_for(tenant.key, account.name, context)
    candidates = await account.for_sale.search(wanted.query, client, is_free, context.clock)
    if not candidates:
        return None
    refusals = {
        price: price_refusal(price, wanted.ceilings)
        or budget_refusal(account.name, budget, spending, price, now)
        for price in dict.fromkeys(candidate.price for candidate in candidates)
    }
    affordable = [candidate for candidate in candidates if refusals[candidate.price] is None]
    if not affordable:
        return refusals[candidates[0].price]
    free = [candidate for candidate in affordable if is_free(candidate.number)]
    return Offer(account.name, in_order_of(tenant, free or affordable))


def eligible_accounts(wanted: DesiredNumber, context: Context) -> Sequence[PhoneAccount]:
    """Accounts to ask, in order: the one named, or those that serve the country by priority, then name."""
    accounts = context.fleet.accounts.values()
    if wanted.provider is not None:
        return [a for a in accounts if a.name == wanted.provider and a.open]
    return sorted((a for a in accounts if a.serves(wanted.country)), key=lambda a: (-a.priority, a.name))


def free_for(key: TenantKey, account: str, context: Context) -> Callable[[str], bool]:
    """Whether no other worker of this process is buying a number or has bought it, as far as is known now."""
    memory, known = context.memory, context.fleet.accounts.get(account)
    others = {claim for holder, claim in memory.claims_held.items() if holder != key} | memory.being_claimed

    def is_free(number: str) -> bool:
        return (account, number) not in others and (known is None or known.listed.get(number) is None)

    return is_free


def lets_in(account: PhoneAccount, namespace: str, context: Context) -> bool:
    """Whether tenants of the namespace may be given a number of the account."""
    return allows(account.spec.allowed_namespaces, context.namespaces.labels(namespace))


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
    """By number, beginning at a hash of the tenant, so that many at once do not run for the same number."""
    ordered = sorted(candidates, key=lambda candidate: candidate.number)
    start = int.from_bytes(hashlib.sha256(tenant.uid.encode()).digest()) % len(ordered)
    return (*ordered[start:], *ordered[:start])


def _nowhere(
    wanted: DesiredNumber, serving: Sequence[PhoneAccount], namespace: str, context: Context
) -> Verdict:
    if serving:
        names = ", ".join(account.name for account in serving)
        return not_allowed(Kind.PHONE_PROVIDER, names, namespace, context.namespaces.labels(namespace))
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
