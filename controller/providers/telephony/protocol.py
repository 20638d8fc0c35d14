"""One account at a telephony provider, whichever it is: small methods, plain data in and out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from controller.api.business_tenant import Capability, NumberType
from controller.providers.errors import OutsideError

MOST_CALLS: Final = 10_000
"""Calls in one answer of `TelephonyAccount.calls_since`, at most."""

MOST_MESSAGES: Final = 50
"""SMS in one answer of `TelephonyAccount.recent_messages`, at most."""


@dataclass(frozen=True, slots=True)
class Price:
    """Monthly price of a number."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class NumberQuery:
    """What kind of number is wanted."""

    country: str
    type: NumberType
    capabilities: frozenset[Capability]
    pattern: str | None
    address_available: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number for sale. `price` is None when the provider does not say."""

    number: str
    price: Price | None


@dataclass(frozen=True, slots=True)
class NumberSettings:
    """Everything of a number that we set. An empty string means: not set, clear it.

    `label` carries the ownership mark, at most 64 characters. Twilio: the number's FriendlyName. Vonage: the name
    of the application that the number is linked to, which also holds the voice URLs; numbers with one label share
    one application. `forward_to` is an E.164 number that calls go to instead of the voice URL; Twilio has no such
    setting and refuses it.
    """

    label: str
    voice_url: str = ""
    voice_fallback_url: str = ""
    status_callback_url: str = ""
    sms_url: str = ""
    sms_fallback_url: str = ""
    forward_to: str = ""


@dataclass(frozen=True, slots=True)
class OwnedNumber:
    """A number in the account, as the provider describes it.

    `overridden_by` names a setting that makes the provider ignore our URLs (Twilio: a trunk or an
    application; Vonage: a forward); empty when there is none. `country`, `type` and `created_at` are None when the
    provider does not tell.
    """

    number: str
    id: str
    country: str | None
    type: NumberType | None
    settings: NumberSettings
    created_at: datetime | None
    overridden_by: str = ""


@dataclass(frozen=True, slots=True)
class Papers:
    """Ids of what a country's rules demand; empty when there is none."""

    address_id: str = ""
    bundle_id: str = ""


class CallDirection(StrEnum):
    """As seen from the number: it was called, or it called."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call of a number of the account. `duration` is None while the call goes on.

    `id` is the provider's: a list that begins a little earlier than the last one ended counts nothing twice.
    """

    id: str
    number: str
    started_at: datetime
    direction: CallDirection
    duration: timedelta | None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """An SMS that a number received. `sender` is a number or a name. Never log or store the text."""

    sender: str
    received_at: datetime
    text: str = field(repr=False)


class TelephonyAccount(Protocol):
    """What the engine asks of an account.

    Every method may raise `Retryable`, `Unauthorized` or `Terminal`; others are named below. No method
    repeats a request that is not idempotent.
    """

    @property
    def marks_with_purchase(self) -> bool:
        """Whether a number is marked by the very request that buys it.

        Where it is not (Vonage), a process that dies in between leaves a number without a mark.
        """

    async def account_problem(self) -> OutsideError | None:
        """Why the account as a whole cannot be used, in one sentence; None when it can, or does not tell.

        One request at most. Credentials that are refused, and an account that fails, raise as everywhere.
        """

    async def owned_numbers(self) -> Sequence[OwnedNumber]:
        """All numbers of the account: complete or an error, never a part."""

    async def find_owned(self, number: str) -> OwnedNumber | None:
        """Exactly this E.164 number, read from the provider now; None when the account does not own it."""

    async def search(self, query: NumberQuery) -> Sequence[Candidate]:
        """Numbers for sale, each with the monthly price; empty when none is (also: type not sold there)."""

    async def price(self, country: str, type: NumberType) -> Price | None:  # noqa: A002 - as in the spec
        """Monthly price of such a number now; None when none is sold or the provider does not say."""

    async def papers_problem(self, papers: Papers) -> OutsideError | None:
        """Why a purchase with these papers would be refused: a bundle that is not approved, or that does not exist.

        None when they are in order, or the provider does not tell. `NeedsHuman` while it is being reviewed,
        `Terminal` when somebody must mend the papers. One request at most.
        """

    async def buy(self, number: str, settings: NumberSettings, papers: Papers) -> OwnedNumber:
        """Buy exactly this number, marked and configured; see `marks_with_purchase`.

        Raises `Conflict` when it is no longer for sale, `Retryable` with `outcome_unknown` when it may have been
        bought; after every other error it has not been. What is answered may lack settings that the provider
        refused after the purchase: compare. Twilio *updates* a number that the account already owns, and answers
        as if it were bought (measured by others): look before and after.
        """

    async def configure(self, number_id: str, settings: NumberSettings) -> OwnedNumber:
        """Set everything of `settings`; clears what overrides them.

        Raises `NotFound`, and `Retryable` with the reason `WEBHOOK_NOT_ANSWERING` when the provider asked a URL
        before taking it and got no good answer (Vonage: `sms_url`).
        """

    async def release(self, number_id: str) -> None:
        """Give the number back for good. Already gone is success."""

    async def calls_since(self, since: datetime) -> Sequence[CallRecord] | None:
        """Calls that started at `since` or later, newest first; None where the provider offers no such list.

        At most `MOST_CALLS`; of more, the oldest are left out.
        """

    async def recent_messages(self, number: str, since: datetime) -> Sequence[InboundMessage] | None:
        """SMS that this E.164 number of ours received at `since` or later, newest first.

        At most `MOST_MESSAGES`; of more, the oldest are left out. None where the provider offers no such list.
        """

    async def close(self) -> None:
        """Close connections."""
