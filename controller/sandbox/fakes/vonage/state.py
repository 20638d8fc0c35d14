"""What a fake Vonage holds: accounts, their numbers and applications, and what they were charged."""

import random
import uuid
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controller.sandbox.fakes.number_shelf import Capabilities
from controller.sandbox.fakes.vonage.inventory import Inventory, NumberType

Clock = Callable[[], datetime]


@dataclass(slots=True)
class OwnedNumber:
    """A number of an account. Empty texts are not set."""

    msisdn: str
    account: str
    country: str
    kind: NumberType
    capabilities: Capabilities
    bought: datetime
    app_id: str = ""
    sms_url: str = ""
    voice_callback_type: str = ""
    voice_callback_value: str = ""
    voice_status_callback: str = ""


@dataclass(slots=True)
class Application:
    id: str
    account: str
    name: str
    capabilities: Mapping[str, object]
    privacy: Mapping[str, object]
    public_key: str


@dataclass(frozen=True, slots=True)
class Charge:
    """A purchase: the first month of one number."""

    account: str
    msisdn: str
    price: str | None
    at: datetime


@dataclass(slots=True)
class World:
    accounts: dict[str, str]
    """API key to API secret."""
    inventory: Inventory
    now: Clock
    random: random.Random
    keeps_omitted: bool
    """Whether an update keeps what it leaves out. Not documented, so a client must live with both."""
    numbers: dict[str, OwnedNumber] = field(default_factory=dict)
    """By msisdn, over all accounts, in the order of purchase."""
    gone: dict[str, datetime] = field(default_factory=dict)
    """Cancelled or vanished numbers: no longer owned and not for sale."""
    applications: dict[str, Application] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def taken(self) -> Mapping[str, object]:
        """The numbers that cannot be bought."""
        return ChainMap[str, Any](self.numbers, self.gone)

    def owned_by(self, account: str) -> list[OwnedNumber]:
        return [number for number in self.numbers.values() if number.account == account]

    def applications_of(self, account: str) -> list[Application]:
        return [application for application in self.applications.values() if application.account == account]

    def remove(self, number: OwnedNumber) -> None:
        self.numbers.pop(number.msisdn, None)
        self.gone[number.msisdn] = self.now()
