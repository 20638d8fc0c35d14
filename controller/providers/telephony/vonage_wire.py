"""Vonage's answers as plain data. Lenient about what we do not read: much of an account may not be ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from controller.api.business_tenant import Capability, NumberType
from controller.providers.telephony.e164 import type_of
from controller.providers.telephony.protocol import NumberSettings, OwnedNumber, Price
from controller.providers.telephony.vonage_requests import TYPES, NumberSearch

CURRENCY: Final = "EUR"
"""Search answers `cost` in Euros, whatever the account's currency (Numbers API reference)."""

_TYPES: Final = {word.value: kind for kind, word in TYPES.items()}
_FORWARDS: Final = frozenset({"sip", "tel"})
_MARK: Final = re.compile(r"^bt\d+:(?P<cluster>[^:]+):[^:]+:(?P<tenant>[^:]+)(?::|$)")


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class NumberRecord(_Record):
    """A number, owned or for sale. `msisdn` has no plus."""

    country: str = Field(min_length=2, max_length=2)
    msisdn: str = Field(pattern=r"^\d{3,15}$")
    type: str = ""
    features: list[str] = []
    cost: str | None = None
    sms_url: str | None = Field(None, alias="moHttpUrl")
    app_id: str | None = None
    voice_callback_type: str | None = Field(None, alias="voiceCallbackType")
    voice_callback_value: str | None = Field(None, alias="voiceCallbackValue")

    @property
    def application_id(self) -> str:
        """The application that the number is linked to; empty when there is none."""
        if self.app_id:
            return self.app_id
        return (self.voice_callback_value or "") if self.voice_callback_type == "app" else ""

    @property
    def capabilities(self) -> frozenset[Capability]:
        able = {feature.upper() for feature in self.features}
        return frozenset(capability for capability in Capability if capability.upper() in able)

    @property
    def kind(self) -> NumberType | None:
        return _TYPES.get(self.type)

    @property
    def price(self) -> Price | None:
        """The monthly rent, where it can be read."""
        try:
            amount = Decimal(self.cost or "")
        except InvalidOperation:
            return None
        return Price(amount, CURRENCY) if amount.is_finite() and amount >= 0 else None

    @property
    def forwards_calls_by(self) -> str:
        """`sip` or `tel` when calls go there whatever the application says; else empty."""
        return self.voice_callback_type if self.voice_callback_type in _FORWARDS else ""

    @property
    def forward_to(self) -> str:
        """The E.164 number that calls are forwarded to; empty when there is none."""
        value = (self.voice_callback_value or "").removeprefix("+")
        return f"+{value}" if self.forwards_calls_by == "tel" and value else ""


class NumberPage(_Record):
    """A page of numbers. An account or a market without any answers `{}`."""

    count: int = 0
    numbers: list[NumberRecord] = []

    @model_validator(mode="before")
    @classmethod
    def _is_a_page(cls, value: object) -> object:
        # Anything else must not be taken for "no numbers": that is how numbers get lost.
        if isinstance(value, Mapping) and (not value or "count" in value):
            if value.get("count") and "numbers" not in value:
                raise ValueError("a count of numbers without the numbers")
            return value
        raise ValueError("not a page of numbers")


class OperationResult(_Record):
    """The answer to a purchase, update or cancellation that went through."""

    error_code: str = Field(alias="error-code", pattern=r"^200$")


class ApplicationRecord(_Record):
    """An application: its name is the label of the numbers linked to it."""

    id: str = Field(min_length=1)
    name: str = ""
    capabilities: object = None

    def webhook(self, name: str) -> str:
        """The address of one voice webhook; empty when it is not set."""
        value: object = self.capabilities
        for step in ("voice", "webhooks", name, "address"):
            value = value.get(step) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else ""

    def settings(self, sms_url: str = "") -> NumberSettings:
        return NumberSettings(
            label=self.name,
            voice_url=self.webhook("answer_url"),
            voice_fallback_url=self.webhook("fallback_answer_url"),
            status_callback_url=self.webhook("event_url"),
            sms_url=sms_url,
        )


class _Embedded(_Record):
    applications: list[ApplicationRecord]


class ApplicationPage(_Record):
    page: int = 1
    total_items: int | None = None
    total_pages: int | None = None
    embedded: _Embedded = Field(alias="_embedded")


@dataclass(frozen=True, slots=True)
class NumberId:
    """What Vonage identifies a number by; written `LV/37120000001`."""

    country: str
    msisdn: str

    @classmethod
    def parse(cls, text: str) -> "NumberId":
        """Raises `ValueError`."""
        country, slash, msisdn = text.partition("/")
        if not slash or not msisdn.isdigit():
            raise ValueError(f"not the id of a Vonage number: {text!r}")
        return cls(country, msisdn)

    def __str__(self) -> str:
        return f"{self.country}/{self.msisdn}"


def owned_number(record: NumberRecord, application: ApplicationRecord | None) -> OwnedNumber:
    """Join a number with the application that it is linked to, if that exists."""
    sms_url = record.sms_url or ""
    number = f"+{record.msisdn}"
    settings = application.settings(sms_url) if application else NumberSettings(label="", sms_url=sms_url)
    return OwnedNumber(
        number=number,
        id=str(NumberId(record.country, record.msisdn)),
        country=record.country,
        type=record.kind or type_of(number),
        settings=replace(settings, forward_to=record.forward_to),
        created_at=None,
        overridden_by="a sip forward" if record.forwards_calls_by == "sip" else "",
    )


def owner_of(label: str) -> tuple[str, str] | None:
    """Cluster and tenant that a mark names, whatever its state; None for a name that is not a mark.

    An application with another name was made by somebody else, and is never renamed or deleted.
    """
    mark = _MARK.match(label)
    return (mark["cluster"], mark["tenant"]) if mark else None


def search_for(pattern: str) -> NumberSearch | None:
    """The longest run of digits of a wish such as `+371201*`: as much of it as Vonage can search for."""
    runs = [run.lstrip("+") for run in pattern.split("*")]
    longest = max(runs, key=len)
    if not longest:
        return None
    return NumberSearch(longest, at_beginning=pattern.startswith("+") and longest == runs[0])


def fits_pattern(pattern: str, number: str) -> bool:
    """A wish's digits anywhere in an E.164 number, `*` for any run of digits; from its start with a leading +."""
    body = ".*".join(re.escape(run) for run in pattern.split("*"))
    return re.search(f"^{body}" if pattern.startswith("+") else body, number) is not None
