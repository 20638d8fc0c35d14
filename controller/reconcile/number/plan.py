"""What to do about a tenant's number. Pure."""

from dataclasses import fields

from controller.api.business_tenant_status import NumberOrigin
from controller.api.conditions import Reason
from controller.providers.telephony.protocol import NumberSettings, OwnedNumber
from controller.reconcile.change import (
    BuyNumber,
    Change,
    ConfigureNumber,
    FinishPurchase,
    RetainNumber,
    TakeNumber,
)
from controller.reconcile.desired import DesiredNumber, DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.number.money import money
from controller.reconcile.number.observe import fits
from controller.reconcile.observed import HeldNumber, NumberObserved, Offer
from controller.reconcile.ownership import Mark, MarkState
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict


def plan_number(desired: DesiredTenant, observed: NumberObserved) -> FacetPlan:
    """Changes of the number in order, and what is to be said when none is left."""
    if observed.intent is not None:
        # First of all, also when the block went: an unresolved purchase may have cost money already.
        return _finish_purchase(observed)
    if desired.number is None:
        return _let_go(desired, observed)
    if observed.recorded is not None:
        return _keep(desired, desired.number, observed)
    if observed.found:
        return _take(desired, observed.found[0], desired.number, observed.origin or NumberOrigin.TAKEN_BACK)
    if observed.accounts_not_listed:
        names = ", ".join(observed.accounts_not_listed)
        return FacetPlan.say(
            Verdict.waiting(
                Reason.SEARCHING_EXISTING,
                f"Looking for a number of this tenant first; no complete list yet of: {names}.",
            )
        )
    match observed.offer:
        case Offer() as offer:
            return _buy(offer, desired.number)
        case Verdict() as verdict:
            return FacetPlan.say(verdict)
        case None:
            return FacetPlan.say(Verdict.waiting(Reason.SEARCHING_EXISTING, "Looking for a number."))


def _finish_purchase(observed: NumberObserved) -> FacetPlan:
    intent = observed.intent
    assert intent is not None  # noqa: S101
    change = Change(
        Facet.NUMBER,
        f"finish the purchase of {intent.candidate} at {intent.provider}",
        "a purchase was begun and its outcome is not recorded",
        FinishPurchase(intent),
        billable=True,
    )
    return FacetPlan((change,), Verdict.waiting(Reason.PURCHASING, f"Buying {intent.candidate}."))


def _let_go(desired: DesiredTenant, observed: NumberObserved) -> FacetPlan:
    held = observed.held
    mark = Mark.parse(held.owned.settings.label) if held is not None else None
    if held is None or (mark is not None and not desired.owner.owns(mark)):
        return FacetPlan.say(NOT_REQUESTED)
    change = Change(
        Facet.NUMBER,
        f"silence {held.owned.number} and mark it as released",
        "spec.phoneNumber was removed, which always means Retain",
        RetainNumber(held, desired.owner.label(MarkState.RELEASED)),
        before="active",
        after="released, kept in the account",
    )
    return FacetPlan((change,), NOT_REQUESTED)


def _keep(desired: DesiredTenant, wanted: DesiredNumber, observed: NumberObserved) -> FacetPlan:
    recorded = observed.recorded
    assert recorded is not None  # noqa: S101
    if observed.held is None:
        return FacetPlan.say(_say_missing(observed))
    held = observed.held
    mark = Mark.parse(held.owned.settings.label)
    if mark is not None and not desired.owner.owns(mark):
        return FacetPlan.say(
            Verdict.waiting(
                Reason.NAME_TAKEN,
                f"{recorded.number} carries the mark of another tenant or cluster ({mark.cluster_id})."
                " Nothing is changed on it; find out who marked it.",
            )
        )
    differing = differences(held.owned, wanted.settings)
    if not differing:
        return FacetPlan.say(_say_available(wanted, observed))
    change = Change(
        Facet.NUMBER,
        f"set {', '.join(differing)} of {held.owned.number}",
        "the number is not set as wanted",
        ConfigureNumber(held, wanted.settings),
        before=_shown(held.owned.settings, differing),
        after=_shown(wanted.settings, differing),
        repairs="number",
    )
    unreachable = observed.unreachable
    return FacetPlan(
        () if unreachable else (change,),
        unreachable or Verdict.waiting(Reason.CONFIGURING, f"Setting {', '.join(differing)}."),
    )


def _take(desired: DesiredTenant, held: HeldNumber, wanted: DesiredNumber, origin: NumberOrigin) -> FacetPlan:
    number, mark = held.owned.number, Mark.parse(held.owned.settings.label)
    if mark is not None and not desired.owner.owns(mark):
        return FacetPlan.say(
            Verdict.waiting(
                Reason.NAME_TAKEN,
                f"{number} at {held.account} carries the mark of another tenant or cluster ({mark.cluster_id}), so it"
                " is not taken over. Delete that tenant first, or have its cluster release the number.",
            )
        )
    if not fits(held.owned, wanted):
        kind = held.owned.type.value if held.owned.type else "unknown"
        return FacetPlan.say(
            Verdict.waiting(
                Reason.NUMBER_DOES_NOT_FIT,
                f"{number} at {held.account} is a {kind} number of {held.owned.country}, not {wanted.type.value} of"
                f" {wanted.country}. Correct spec.phoneNumber.country and type.",
            )
        )
    own = desired.owner.owns(mark)
    change = Change(
        Facet.NUMBER,
        f"{'take back' if own else 'take over'} {number} at {held.account}",
        "it carries this tenant's mark" if own else "spec.phoneNumber.number names it",
        TakeNumber(held, wanted.settings, origin),
        before=held.owned.settings.label or "unmarked",
        after=wanted.settings.label,
    )
    return FacetPlan((change,), Verdict.waiting(Reason.CONFIGURING, f"Taking {number}."))


def _buy(offer: Offer, wanted: DesiredNumber) -> FacetPlan:
    first = offer.candidates[0]
    cost = money(first.price) if first.price is not None else None
    change = Change(
        Facet.NUMBER,
        f"buy {first.number} at {offer.account}",
        f"the tenant has no {wanted.type.value} number in {wanted.country}",
        BuyNumber(offer),
        after=first.number,
        monthly_cost=cost,
        billable=True,
    )
    return FacetPlan((change,), Verdict.waiting(Reason.PURCHASING, f"Buying {first.number}."))


def differences(owned: OwnedNumber, wanted: NumberSettings) -> list[str]:
    """Names of the settings that are not as wanted, and of what overrides our URLs."""
    differing = [
        field.name.replace("_", " ")
        for field in (fields(NumberSettings) if owned.settings != wanted else ())
        if getattr(owned.settings, field.name) != getattr(wanted, field.name)
    ]
    if owned.overridden_by:
        differing.append(f"{owned.overridden_by} (overrides our URLs)")
    return differing


def _shown(settings: NumberSettings, differing: list[str]) -> str:
    pairs = (
        (field.name.replace("_", " "), getattr(settings, field.name)) for field in fields(NumberSettings)
    )
    return ", ".join(f"{name}={value or 'none'}" for name, value in pairs if name in differing)[:1024]


def _say_missing(observed: NumberObserved) -> Verdict:
    recorded = observed.recorded
    assert recorded is not None  # noqa: S101
    if observed.unreachable is not None:
        return observed.unreachable
    if observed.loss_proven:
        return Verdict.waiting(
            Reason.NUMBER_LOST,
            f"{recorded.number} is no longer in the account of PhoneProvider {recorded.provider}. No other is bought"
            " by itself. Restore it at the provider, or set the annotation x-sevenai.com/approve-replacement:"
            f' "{recorded.number}" to buy another.',
        )
    return Verdict.waiting(
        Reason.SEARCHING_EXISTING,
        f"{recorded.number} is not in a complete list of PhoneProvider {recorded.provider} yet; looking again.",
    )


def _say_available(wanted: DesiredNumber, observed: NumberObserved) -> Verdict:
    recorded, held = observed.recorded, observed.held
    assert recorded is not None  # noqa: S101
    assert held is not None  # noqa: S101
    unmet = _unmet_wishes(wanted, observed, held)
    if unmet:
        return Verdict.good(
            Reason.NOT_AS_REQUESTED,
            f"{recorded.number} works, but {unmet}. Numbers are never exchanged by themselves.",
        )
    return Verdict.good(Reason.AVAILABLE, f"{recorded.number} at {recorded.provider} is set as wanted.")


def _unmet_wishes(wanted: DesiredNumber, observed: NumberObserved, held: HeldNumber) -> str:
    if wanted.named is not None and wanted.named != held.owned.number:
        return f"spec.phoneNumber.number names {wanted.named}"
    if wanted.provider is not None and wanted.provider != held.account:
        return f"it is held by {held.account}, not by {wanted.provider}"
    if wanted.query.pattern is not None and not _matches(wanted.query.pattern, held.owned.number):
        return f"it does not match the pattern {wanted.query.pattern}"
    cost = observed.monthly_cost
    ceiling = next((c for c in wanted.ceilings if cost is not None and c.currency == cost.currency), None)
    if cost is not None and ceiling is not None and cost.decimal > ceiling.decimal:
        return f"it costs {cost} a month, more than {ceiling}"
    return ""


def _matches(pattern: str, number: str) -> bool:
    """A pattern's digits anywhere in the number, `*` for any run of digits; from the start when it begins with +."""
    position = 0
    for index, part in enumerate(pattern.split("*")):
        at = number.find(part, position)
        if at < 0 or (index == 0 and pattern.startswith("+") and at != 0):
            return False
        position = at + len(part)
    return True
