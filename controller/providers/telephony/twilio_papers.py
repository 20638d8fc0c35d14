"""Regulatory bundles: whether Twilio would take one for a purchase."""

from enum import StrEnum

from controller.api.conditions import Reason
from controller.providers.errors import NeedsHuman, OutsideError, Terminal


class _State(StrEnum):
    """What Twilio calls the states of a bundle, but for the approved ones."""

    DRAFT = "draft"
    PENDING = "pending-review"
    IN_REVIEW = "in-review"
    REJECTED = "twilio-rejected"


def bundle_problem(bundle_id: str, state: object, account: str) -> OutsideError | None:
    """None for an approved bundle, and for a state that we do not know: the purchase itself will tell."""
    match state:
        case _State.PENDING | _State.IN_REVIEW:
            return NeedsHuman(
                f"Bundle {bundle_id} of {account} is not approved: it is {state}. Twilio's review takes some days;"
                " its end is noticed by itself.",
                reason=Reason.WAITING_FOR_APPROVAL,
            )
        case _State.DRAFT:
            return Terminal(
                f"Bundle {bundle_id} of {account} is not approved: it is {state}. Submit it for review in Twilio's"
                " Console.",
                reason=Reason.BUNDLE_REQUIRED,
            )
        case _State.REJECTED:
            return Terminal(
                f"Bundle {bundle_id} of {account} is not approved: it is {state}. Twilio's Console tells why: mend and"
                " submit it again, or name another.",
                reason=Reason.BUNDLE_REQUIRED,
            )
        case _:
            return None


def no_such_bundle(bundle_id: str, account: str) -> OutsideError:
    """What a 404 means."""
    return Terminal(
        f"Bundle {bundle_id} does not exist in {account}. Correct spec.phoneNumber.regulatory.bundleSID.",
        reason=Reason.BUNDLE_REQUIRED,
    )
