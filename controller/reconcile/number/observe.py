"""What is known of a tenant's number: from the snapshots, with a look at the market only when one is to be bought."""

from controller.api.conditions import Reason
from controller.api.group import Annotation
from controller.providers.errors import OutsideError
from controller.providers.telephony.protocol import OwnedNumber
from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredNumber, DesiredTenant
from controller.reconcile.number.offer import look_for_offer
from controller.reconcile.observed import HeldNumber, NumberObserved
from controller.reconcile.ownership import Mark, MarkState, Owner
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import Verdict


async def observe_number(
    tenant: Tenant, desired: DesiredTenant, context: Context, *, searching: bool = True
) -> NumberObserved:
    """Everything the number's plan needs. Asks a provider only for an offer; the rest is in memory.

    `searching` False: look only at what is recorded or under way.
    """
    status = tenant.status.phone_number
    if status is not None and status.number is not None and status.provider is not None:
        recorded = _observe_recorded(tenant, context)
        if not _replacement_approved(tenant, recorded):
            return recorded
    if desired.number is None or not searching:
        return (
            NumberObserved(intent=status.purchase, monthly_cost=status.monthly_cost)
            if status
            else NumberObserved()
        )
    if status is not None and status.purchase is not None:
        return NumberObserved(intent=status.purchase, monthly_cost=status.monthly_cost)
    found = find_marked(desired.owner, desired.number, context)
    if found:
        return NumberObserved(found=found)
    not_listed = tuple(context.fleet.accounts_not_listed())
    if not_listed:
        return NumberObserved(accounts_not_listed=not_listed)
    try:
        offer = await look_for_offer(tenant, desired.number, context)
    except OutsideError as error:
        offer = Verdict.failed(error)
    return NumberObserved(offer=offer)


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
    return NumberObserved(
        recorded=status,
        held=HeldNumber(account.name, owned) if owned is not None else None,
        origin=status.origin,
        monthly_cost=status.monthly_cost,
        unreachable=account.problem if owned is None or account.problem is not None else None,
        loss_proven=account.listed.loss_proven(status.number),
    )


def _replacement_approved(tenant: Tenant, observed: NumberObserved) -> bool:
    """Whether a person named exactly this lost number as one to be replaced."""
    return (
        observed.recorded is not None
        and observed.loss_proven
        and tenant.annotations.get(Annotation.APPROVE_REPLACEMENT) == observed.recorded.number
    )
