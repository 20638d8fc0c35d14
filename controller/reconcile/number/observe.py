"""What is known of a tenant's number: from the snapshots, with a look at the market only when one is to be bought."""

from controller.api.business_tenant_status import NumberOrigin
from controller.api.conditions import Reason
from controller.api.group import Annotation, Kind
from controller.providers.errors import OutsideError
from controller.providers.telephony.protocol import OwnedNumber
from controller.reconcile.allowed_namespaces import not_allowed
from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredNumber, DesiredTenant
from controller.reconcile.number.offer import lets_in, look_for_offer
from controller.reconcile.observed import HeldNumber, NumberObserved
from controller.reconcile.ownership import Mark, MarkState, Owner
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import Verdict


async def observe_number(
    tenant: Tenant, desired: DesiredTenant, context: Context, *, buying: bool = True
) -> NumberObserved:
    """Everything the number's plan needs. Asks a provider only for an offer; the rest is in memory.

    `buying` False: no offer is looked for.
    """
    status = tenant.status.phone_number
    if status is not None and status.purchase is not None:
        # Before everything else, also before the lost number that it replaces: it may have cost money already.
        return NumberObserved(intent=status.purchase, monthly_cost=status.monthly_cost)
    if status is not None and status.number is not None and status.provider is not None:
        recorded = _observe_recorded(tenant, context)
        if desired.number is None and _is_let_go(recorded, desired.owner):
            return NumberObserved()
        if not _replacement_approved(tenant, recorded):
            return recorded
    if desired.number is None:
        return NumberObserved()
    known = _without_buying(tenant, desired.owner, desired.number, context)
    if known is not None or not buying:
        return known or NumberObserved()
    refused = _refused_before(tenant, context)
    if refused is not None:
        return NumberObserved(offer=refused)
    try:
        offer = await look_for_offer(tenant, desired.number, context)
    except OutsideError as error:
        offer = Verdict.failed(error)
    return NumberObserved(offer=offer)


def _without_buying(
    tenant: Tenant, owner: Owner, wanted: DesiredNumber, context: Context
) -> NumberObserved | None:
    """A number that is the tenant's already, or why that is not known yet; None when one is to be bought."""
    if wanted.named is not None:
        return observe_named(tenant, owner, wanted, wanted.named, context)
    found = find_marked(owner, wanted, context)
    if found:
        return NumberObserved(found=found, origin=NumberOrigin.TAKEN_BACK)
    not_listed = tuple(context.fleet.accounts_not_listed(context.shards.held_since(tenant.key)))
    return NumberObserved(accounts_not_listed=not_listed) if not_listed else None


def _refused_before(tenant: Tenant, context: Context) -> Verdict | None:
    """What the provider said to exactly this request; None when it may be made (again)."""
    refused = context.memory.refused_purchases.get(tenant.key)
    if refused is None:
        return None
    account = context.fleet.accounts.get(refused.account)
    same = account is not None and account.turns == refused.turns and tenant.generation == refused.generation
    if same and tenant.reconcile_requested is None:
        return refused.verdict
    del context.memory.refused_purchases[tenant.key]
    return None


def observe_named(
    tenant: Tenant, owner: Owner, wanted: DesiredNumber, named: str, context: Context
) -> NumberObserved:
    """The number that the spec names, where an account owns it and it is this tenant's to take; never an offer."""
    accounts = [a for a in context.fleet.accounts.values() if wanted.provider in (None, a.name)]
    listed = ((account.name, account.listed.get(named)) for account in accounts)
    held = next((HeldNumber(name, owned) for name, owned in listed if owned is not None), None)
    first = context.tenant_index.first_naming_number(named)
    # A mark outweighs age: the number of a tenant whose status was lost is not left to an older one that names it too.
    own = held is not None and owner.owns(Mark.parse(held.owned.settings.label))
    if first is not None and first != tenant.key and not own:
        return NumberObserved(
            offer=Verdict.waiting(
                Reason.NAME_TAKEN,
                f"spec.phoneNumber.number names {named}, which the older tenant {first} names too. Name another.",
            )
        )
    if (
        held is not None
        and not own
        and not lets_in(context.fleet.accounts[held.account], tenant.key.namespace, context)
    ):
        namespace = tenant.key.namespace
        labels = context.namespaces.labels(namespace)
        return NumberObserved(offer=not_allowed(Kind.PHONE_PROVIDER, held.account, namespace, labels))
    if held is not None:
        return NumberObserved(found=(held,), origin=NumberOrigin.ADOPTED)
    not_listed = tuple(context.fleet.accounts_not_listed(context.shards.held_since(tenant.key)))
    if not_listed:
        return NumberObserved(accounts_not_listed=not_listed)
    names = ", ".join(account.name for account in accounts) or "any PhoneProvider"
    return NumberObserved(
        offer=Verdict.waiting(
            Reason.NUMBER_NOT_OWNED,
            f"spec.phoneNumber.number names {named}, which is not in the account of {names}. Nothing is bought. Have it"
            " moved there, or leave the field out to buy another.",
        )
    )


def find_marked(owner: Owner, wanted: DesiredNumber, context: Context) -> tuple[HeldNumber, ...]:
    """Numbers with this tenant's mark that fit what it wants, lowest E.164 first.

    A number of another country or type is not taken back: the business asked for something else, and the number
    stays in the orphans report.
    """
    held = [
        HeldNumber(account.name, owned)
        for account in context.fleet.accounts.values()
        for owned in account.listed.carrying(owner.cluster_id, owner.tenant_hash)
        if fits(owned, wanted)
    ]
    return tuple(sorted(held, key=lambda one: one.owned.number))


def fits(owned: OwnedNumber, wanted: DesiredNumber) -> bool:
    """Whether country and type match, as far as the provider tells."""
    return owned.country in (None, wanted.country) and owned.type in (None, wanted.type)


def is_active_mark_of(owner: Owner, label: str) -> bool:
    """Whether the label is this tenant's mark in the active state."""
    mark = Mark.parse(label)
    return owner.owns(mark) and mark is not None and mark.state is MarkState.ACTIVE


def _observe_recorded(tenant: Tenant, context: Context) -> NumberObserved:
    status = tenant.status.phone_number
    assert status is not None  # noqa: S101  # the caller looked
    assert status.number is not None  # noqa: S101
    account = context.fleet.accounts.get(status.provider or "")
    if account is None:
        return NumberObserved(
            recorded=status,
            unreachable=Verdict.waiting(
                Reason.PROVIDER_NOT_FOUND,
                f"The number {status.number} is held by PhoneProvider {status.provider}, which does not exist."
                " Create it again.",
            ),
        )
    owned = account.listed.get(status.number)
    account.listed.expect(status.number)
    return NumberObserved(
        recorded=status,
        held=HeldNumber(account.name, owned) if owned is not None else None,
        origin=status.origin,
        monthly_cost=status.monthly_cost,
        unreachable=account.problem if owned is None or account.problem is not None else None,
        loss_proven=account.listed.loss_proven(status.number),
    )


def _is_let_go(observed: NumberObserved, owner: Owner) -> bool:
    """Whether the mark says that the recorded number is released, or somebody else's: not the tenant's any more."""
    mark = Mark.parse(observed.held.owned.settings.label) if observed.held is not None else None
    return mark is not None and (not owner.owns(mark) or mark.state is MarkState.RELEASED)


def _replacement_approved(tenant: Tenant, observed: NumberObserved) -> bool:
    """Whether a person named exactly this lost number as one to be replaced."""
    return (
        observed.recorded is not None
        and observed.loss_proven
        and tenant.annotations.get(Annotation.APPROVE_REPLACEMENT) == observed.recorded.number
    )
