"""One account at a telephony provider, whichever it is: small methods, plain data in and out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from controller.api.business_tenant import Capability, NumberType


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

    `label` carries the ownership mark (Twilio: FriendlyName, at most 64 characters).
    """

    label: str
    voice_url: str = ""
    voice_fallback_url: str = ""
    status_callback_url: str = ""
    sms_url: str = ""
    sms_fallback_url: str = ""


@dataclass(frozen=True, slots=True)
class OwnedNumber:
    """A number in the account, as the provider describes it.

    `overridden_by` names a setting that makes the provider ignore our URLs (Twilio: a trunk or an
    application); empty when there is none. `country` and `type` are None when they cannot be told.
    """

    number: str
    id: str
    country: str | None
    type: NumberType | None
    settings: NumberSettings
    created_at: datetime
    overridden_by: str = ""


@dataclass(frozen=True, slots=True)
class Papers:
    """Ids of what a country's rules demand; empty when there is none."""

    address_id: str = ""
    bundle_id: str = ""


class TelephonyAccount(Protocol):
    """What the engine asks of an account.

    Every method may raise `Retryable`, `Unauthorized` or `Terminal`; others are named below. No method
    repeats a request that is not idempotent.
    """

    async def owned_numbers(self) -> Sequence[OwnedNumber]:
        """All numbers of the account: complete or an error, never a part."""

    async def find_owned(self, number: str) -> OwnedNumber | None:
        """Exactly this E.164 number, read from the provider now; None when the account does not own it."""

    async def search(self, query: NumberQuery) -> Sequence[Candidate]:
        """Numbers for sale, each with the monthly price; empty when none is (also: type not sold there)."""

    async def buy(self, number: str, settings: NumberSettings, papers: Papers) -> OwnedNumber:
        """Buy exactly this number, marked and configured in the same request.

        Raises `Conflict` when it is no longer for sale. A number that the account already owns is *updated*
        by this call, and answered as if it were bought (measured by others): look before and after.
        """

    async def configure(self, number_id: str, settings: NumberSettings) -> OwnedNumber:
        """Set everything of `settings`; clears what overrides them. Raises `NotFound`."""

    async def release(self, number_id: str) -> None:
        """Give the number back for good. Already gone is success."""

    async def close(self) -> None:
        """Close connections."""
