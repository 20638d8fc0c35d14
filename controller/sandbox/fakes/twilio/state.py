"""What a fake Twilio holds: accounts, the numbers they own, their calls, and what they were charged."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum

from controller.sandbox.fakes.number_shelf import Capabilities
from controller.sandbox.fakes.twilio.errors import ErrorShape
from controller.sandbox.fakes.twilio.inventory import AddressRequirement, Inventory, NumberType

Clock = Callable[[], datetime]


@dataclass(slots=True)
class OwnedNumber:
    """One IncomingPhoneNumber. `fields` are the ones an owner can change, under their JSON names."""

    sid: str
    account_sid: str
    phone_number: str
    country: str
    kind: NumberType
    capabilities: Capabilities
    address_requirements: AddressRequirement
    created: datetime
    updated: datetime
    position: int
    """Order of purchase; lists show the newest first."""
    fields: dict[str, str | bool | None]


@dataclass(slots=True)
class Account:
    sid: str
    auth_token: str
    created: datetime
    friendly_name: str
    owner_sid: str
    status: str = "active"
    kind: str = "Full"
    api_keys: dict[str, str] = field(default_factory=dict)
    """API key SID to secret: other credentials for the same account."""


class BundleStatus(StrEnum):
    DRAFT = "draft"
    PENDING_REVIEW = "pending-review"
    IN_REVIEW = "in-review"
    REJECTED = "twilio-rejected"
    APPROVED = "twilio-approved"
    PROVISIONALLY_APPROVED = "provisionally-approved"

    @property
    def serves(self) -> bool:
        """Whether a number can be bought with such a bundle."""
        return self in (BundleStatus.APPROVED, BundleStatus.PROVISIONALLY_APPROVED)


@dataclass(slots=True)
class Bundle:
    """Papers for the numbers of a country and type, reviewed by Twilio."""

    sid: str
    account_sid: str
    regulation_sid: str
    friendly_name: str
    status: BundleStatus
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """A purchase: the first month of one number."""

    account_sid: str
    phone_number: str
    sid: str
    price: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    sid: str
    account_sid: str
    source: str
    destination: str
    direction: str
    status: str
    duration: int
    started: datetime
    price: str | None
    phone_number_sid: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """An SMS of a number. Who sends it may be a number or a name."""

    sid: str
    account_sid: str
    source: str
    destination: str
    direction: str
    body: str
    sent: datetime


@dataclass(slots=True)
class World:
    accounts: dict[str, Account]
    inventory: Inventory
    now: Clock
    random: random.Random
    numbers: dict[str, OwnedNumber] = field(default_factory=dict)
    """Owned numbers by E.164, over all accounts."""
    by_sid: dict[str, OwnedNumber] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    """Position of every number there ever was, by SID: page tokens outlive the numbers they name."""
    gone: dict[str, str] = field(default_factory=dict)
    """Released or vanished numbers, by E.164: no longer owned and not for sale."""
    calls: dict[str, list[Call]] = field(default_factory=dict)
    messages: dict[str, list[Message]] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    bundles: dict[str, Bundle] = field(default_factory=dict)
    lag: timedelta = timedelta()
    """How long a number that was bought stays out of lists, and is not found by its SID."""

    error_shape: ErrorShape = ErrorShape.CLASSIC

    def sid(self, prefix: str) -> str:
        return f"{prefix}{self.random.getrandbits(128):032x}"

    def taken(self) -> Mapping[str, object]:
        """The numbers that cannot be bought, as one lookup."""
        return _Either(self.numbers, self.gone)

    def owned_by(self, account_sid: str) -> list[OwnedNumber]:
        """Newest first."""
        return [number for number in reversed(self.numbers.values()) if number.account_sid == account_sid]

    def shows(self, number: OwnedNumber) -> bool:
        """Whether reading knows the number yet; see `lag`."""
        return number.created + self.lag <= self.now()

    def add(self, number: OwnedNumber) -> None:
        self.numbers[number.phone_number] = number
        self.by_sid[number.sid] = number
        self.positions[number.sid] = number.position
        self.gone.pop(number.phone_number, None)

    def put_bundle(self, sid: str, account_sid: str, status: BundleStatus) -> Bundle:
        """Make a bundle, or move the one there is to another state."""
        bundle = self.bundles.get(sid)
        if bundle is None:
            bundle = Bundle(sid, account_sid, self.sid("RN"), "Papers", status, self.now(), self.now())
            self.bundles[sid] = bundle
        bundle.status, bundle.updated = status, self.now()
        return bundle

    def remove(self, number: OwnedNumber) -> None:
        self.numbers.pop(number.phone_number, None)
        self.by_sid.pop(number.sid, None)
        self.gone[number.phone_number] = number.sid


class _Either(dict[str, object]):
    """Membership in either of two mappings, without copying them."""

    def __init__(self, first: Mapping[str, object], second: Mapping[str, object]) -> None:
        super().__init__()
        self._first = first
        self._second = second

    def __contains__(self, key: object) -> bool:
        return key in self._first or key in self._second


def rfc2822(moment: datetime) -> str:
    """`Thu, 30 Jul 2015 23:19:04 +0000`, as v2010 resources show times."""
    return format_datetime(moment)


def iso8601(moment: datetime) -> str:
    """`2015-07-30T23:19:04Z`, as newer resources show times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
