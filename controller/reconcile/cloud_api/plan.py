"""What stands in the way of a number at Meta, and when its instance must be made anew. Pure."""

from controller.api.conditions import Reason
from controller.providers.whatsapp_numbers import same_whatsapp_number
from controller.reconcile.change import Change, ReplaceInstance
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.observed import InstanceObserved, NumberObserved
from controller.reconcile.verdict import Facet, Verdict


def stands_in_the_way(
    desired: DesiredTenant, number: NumberObserved, observed: InstanceObserved
) -> Verdict | None:
    """Why Meta's side is not as it must be; None where it is, and on every other channel."""
    wanted, meta = desired.instance, observed.meta
    if wanted is None or wanted.cloud_api is None or meta is None:
        return None
    if wanted.cloud_api.phone_number_id is None:
        return _register(desired, number)
    if meta.problem is not None:
        return meta.problem
    tenants_number = number.recorded.number if number.recorded else None
    if (
        wanted.paired_number_is_tenants
        and tenants_number is not None
        and meta.number is not None
        and not same_whatsapp_number(meta.number, tenants_number)
    ):
        return Verdict.waiting(
            Reason.WRONG_NUMBER,
            f"Phone number id {wanted.cloud_api.phone_number_id} is {meta.number} at Meta, but the tenant's number is"
            f" {tenants_number}. It gets no routing. Correct spec.whatsapp.cloudAPI.phoneNumberID, or set"
            " whatsapp.number: Any.",
        )
    return None


def replacement(observed: InstanceObserved) -> Change | Verdict | None:
    """The change that makes the instance anew of what it is to be made of now; why it waits; None where it is."""
    row, meta = observed.row, observed.meta
    if row is None or meta is None or not meta.differing:
        return None
    if meta.held_back is not None:
        return meta.held_back
    parts = " and ".join(meta.differing)
    return Change(
        Facet.INSTANCE,
        f"replace {row.name} on {observed.server}: delete it and create it with the new {parts}",
        f"Evolution cannot change the {parts} of an instance; messages that come in until it is there again are not"
        " answered, and what it stored of earlier ones goes",
        ReplaceInstance(),
        irreversible=True,
    )


def _register(desired: DesiredTenant, number: NumberObserved) -> Verdict:
    if desired.number is not None and number.recorded is None:
        return Verdict.waiting(
            Reason.WAITING_FOR_NUMBER, "The number is registered at Meta once the tenant has one."
        )
    which = number.recorded.number if number.recorded else "the business's number"
    return Verdict.waiting(
        Reason.REGISTER_NUMBER_AT_META,
        f"Register {which} in Meta Business Manager, and put its phone number id into"
        " spec.whatsapp.cloudAPI.phoneNumberID.",
    )
