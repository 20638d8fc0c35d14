"""The telephony account of a world, whichever provider it is at: what it holds, and what people do with it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import httpx

from controller.providers.telephony.e164 import country_of
from controller.sandbox.fakes.server import FakeServer
from controller.sandbox.fakes.twilio import TwilioFake
from controller.sandbox.fakes.vonage import VonageFake

TWILIO_ACCOUNT = "AC" + "a" * 32
OTHER_TWILIO_CUSTOMER = "AC" + "b" * 32
AUTH_TOKEN = "twilio-auth-token-never-shown"
VONAGE_KEY = "vonagekeynevershown"
OTHER_VONAGE_CUSTOMER = "othercustomer"
VONAGE_SECRET = "vonage-api-secret-never-shown"

Clock = Callable[[], datetime]


async def console(http: httpx.AsyncClient, fake: FakeServer, path: str, body: object = None) -> Any:
    """What somebody does at a fake behind the operator's back; without a body: delete."""
    url = f"{fake.base_url}/_sandbox/{path}"
    response = await (http.delete(url) if body is None else http.post(url, json=body))
    assert response.is_success, response.text
    return response.json() if response.content else None


@dataclass(frozen=True, slots=True)
class NumberSeen:
    """A number as its account has it."""

    label: str
    voice_url: str
    sms_url: str


class PhoneAccount(ABC):
    """Our account at one fake provider, beside another customer's."""

    provider_name: ClassVar[str]
    account: ClassVar[str]
    secrets: ClassVar[tuple[str, ...]]
    purchase: ClassVar[str]
    """The request that buys, as the wire counts it."""
    price: ClassVar[tuple[str, str]]
    """Monthly price of a Latvian mobile number."""
    mobile: ClassVar[str]
    """What the fake's inventory calls mobile numbers."""
    fake: FakeServer

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @abstractmethod
    def numbers(self) -> Mapping[str, NumberSeen]:
        """Numbers that our account owns, by E.164."""

    @abstractmethod
    def charges(self) -> list[str]:
        """Numbers bought by our account, in order."""

    @abstractmethod
    async def own(self, number: str, label: str = "", voice_url: str = "") -> None:
        """Our account owns this number, however it came by it; `label` is its mark, empty for none."""

    @abstractmethod
    def credentials(self) -> dict[str, str]:
        """What the provider's Secret holds."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """What the PhoneProvider's spec says of the account."""

    async def console(self, path: str, body: object = None) -> Any:
        """What somebody does at the provider behind the operator's back; without a body: delete."""
        return await console(self._http, self.fake, path, body)

    async def for_sale(self, **shelf: Any) -> None:
        """Change what is sold of Latvian mobile numbers."""
        await self.console("inventory", {"LV": {self.mobile: shelf}})

    async def lose(self, number: str) -> None:
        """The account no longer owns this number, and nobody told us."""
        await self.console(f"numbers/{number}")

    async def go_down(self) -> None:
        await self.console("faults", [{"match": "* /**", "action": "status:503"}])

    async def come_back(self) -> None:
        await self.console("faults")

    def received_texts(self) -> list[str]:
        """SMS that our numbers received."""
        return []

    @property
    def secret_name(self) -> str:
        return self.provider_name


class TwilioSide(PhoneAccount):
    provider_name = "twilio-eu"
    account = TWILIO_ACCOUNT
    secrets = (AUTH_TOKEN,)
    purchase = "POST /IncomingPhoneNumbers"
    price = ("3.00", "USD")
    mobile = "mobile"

    def __init__(self, http: httpx.AsyncClient, now: Clock) -> None:
        super().__init__(http)
        accounts = {TWILIO_ACCOUNT: AUTH_TOKEN, OTHER_TWILIO_CUSTOMER: "other"}
        self.fake: TwilioFake = TwilioFake(accounts=accounts, now=now)

    def numbers(self) -> Mapping[str, NumberSeen]:
        return {
            one.phone_number: NumberSeen(*(str(one.fields[name] or "") for name in _TWILIO_FIELDS))
            for one in self.fake.world.numbers.values()
            if one.account_sid == self.account
        }

    def charges(self) -> list[str]:
        return [one.phone_number for one in self.fake.world.charges if one.account_sid == self.account]

    def received_texts(self) -> list[str]:
        return [one.body for one in self.fake.world.messages.get(self.account, ())]

    async def own(self, number: str, label: str = "", voice_url: str = "") -> None:
        fields = {"PhoneNumber": number, "VoiceUrl": voice_url, **({"FriendlyName": label} if label else {})}
        await self.console("numbers", {"account": self.account, **fields})

    def credentials(self) -> dict[str, str]:
        return {"authToken": AUTH_TOKEN}

    def spec(self) -> dict[str, Any]:
        reference = {"name": self.secret_name}
        return {
            "type": "Twilio",
            "twilio": {"accountSID": self.account, "credentialsSecretRef": reference},
        }


class VonageSide(PhoneAccount):
    provider_name = "vonage-eu"
    account = VONAGE_KEY
    secrets = (VONAGE_KEY, VONAGE_SECRET)
    purchase = "POST /number/buy"
    price = ("2.80", "EUR")
    mobile = "mobile-lvn"

    def __init__(self, http: httpx.AsyncClient, now: Clock) -> None:
        super().__init__(http)
        accounts = {VONAGE_KEY: VONAGE_SECRET, OTHER_VONAGE_CUSTOMER: "other"}
        self.fake: VonageFake = VonageFake(accounts=accounts, now=now)

    def numbers(self) -> Mapping[str, NumberSeen]:
        applications = self.fake.world.applications
        return {
            f"+{one.msisdn}": NumberSeen(
                label=applications[one.app_id].name if one.app_id else "",
                voice_url=_answer_url(applications[one.app_id].capabilities) if one.app_id else "",
                sms_url=one.sms_url,
            )
            for one in self.fake.world.owned_by(self.account)
        }

    def charges(self) -> list[str]:
        return [f"+{one.msisdn}" for one in self.fake.world.charges if one.account == self.account]

    async def own(self, number: str, label: str = "", voice_url: str = "") -> None:
        linked = {}
        if label or voice_url:
            webhooks = {"answer_url": {"address": voice_url, "http_method": "POST"}} if voice_url else {}
            wanted = {"name": label or "a line of ours", "capabilities": {"voice": {"webhooks": webhooks}}}
            made = await self.console("applications", {"account": self.account, **wanted})
            linked = {"app_id": made["id"]}
        owned = {"country": country_of(number), "msisdn": number.removeprefix("+"), **linked}
        await self.console("numbers", {"account": self.account, **owned})

    def credentials(self) -> dict[str, str]:
        return {"apiKey": VONAGE_KEY, "apiSecret": VONAGE_SECRET}

    def spec(self) -> dict[str, Any]:
        return {"type": "Vonage", "vonage": {"credentialsSecretRef": {"name": self.secret_name}}}


PROVIDERS: tuple[type[TwilioSide | VonageSide], ...] = (TwilioSide, VonageSide)

_TWILIO_FIELDS = ("friendly_name", "voice_url", "sms_url")


def _answer_url(capabilities: Mapping[str, Any]) -> str:
    webhooks = (capabilities.get("voice") or {}).get("webhooks") or {}
    return str((webhooks.get("answer_url") or {}).get("address", ""))
