"""From the SDK's records to our plain data. The SDK is not typed and fills missing fields with None: read
with care.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from controller.api.business_tenant import Capability, NumberType
from controller.providers.telephony.e164 import country_of, type_of
from controller.providers.telephony.protocol import (
    CallDirection,
    CallRecord,
    InboundMessage,
    NumberSettings,
    OwnedNumber,
    Price,
)

_TYPES: Final = {
    "local": NumberType.LOCAL,
    "mobile": NumberType.MOBILE,
    "national": NumberType.NATIONAL,
    "tollfree": NumberType.TOLL_FREE,
}
# What makes Twilio ignore our URLs while it is set.
_OVERRIDES: Final = ("trunk_sid", "voice_application_sid", "sms_application_sid")
_UNDER_WAY: Final = frozenset({"queued", "initiated", "ringing", "in-progress"})
# Originating trunk calls come from the public network, to the number.
_INBOUND: Final = frozenset({"inbound", "trunking-originating"})
# A number of unknown age must look old: a new one may be taken for one that we have just bought.
_UNKNOWN_AGE: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Offered:
    """A number for sale, as far as we look at it."""

    number: str
    capabilities: frozenset[Capability]
    needs_address: bool


def number_type(word: object) -> NumberType | None:
    """`toll free`, `toll-free`, `toll_free` and `TollFree` are the same: Twilio writes all of them."""
    return _TYPES.get("".join(letter for letter in str(word).lower() if letter.isalpha()))


def owned_number(record: object) -> OwnedNumber:
    """Read an IncomingPhoneNumber. Raises `ValueError` when number or SID are missing."""
    number, sid = _text(record, "phone_number"), _text(record, "sid")
    if not number or not sid:
        raise ValueError("an IncomingPhoneNumber without phone_number or sid")
    created = getattr(record, "date_created", None)
    return OwnedNumber(
        number=number,
        id=sid,
        country=country_of(number),
        type=number_type(getattr(record, "type", None)) or type_of(number),
        settings=NumberSettings(
            label=_text(record, "friendly_name"),
            voice_url=_text(record, "voice_url"),
            voice_fallback_url=_text(record, "voice_fallback_url"),
            status_callback_url=_text(record, "status_callback"),
            sms_url=_text(record, "sms_url"),
            sms_fallback_url=_text(record, "sms_fallback_url"),
        ),
        created_at=created if isinstance(created, datetime) else _UNKNOWN_AGE,
        overridden_by=", ".join(overrides_of(record)),
    )


def overrides_of(record: object) -> list[str]:
    """Names of the settings that make Twilio ignore the URLs of an IncomingPhoneNumber."""
    return [name for name in _OVERRIDES if _text(record, name)]


def offered_number(record: object) -> Offered:
    """Read an AvailablePhoneNumber. Raises `ValueError` when the number is missing."""
    number = _text(record, "phone_number")
    if not number:
        raise ValueError("an AvailablePhoneNumber without phone_number")
    told = getattr(record, "capabilities", None)
    # Live answers write voice but SMS, the documentation's examples sms.
    able = (
        {str(name).lower() for name, value in told.items() if value} if isinstance(told, Mapping) else set()
    )
    return Offered(
        number=number,
        capabilities=frozenset(capability for capability in Capability if capability.lower() in able),
        needs_address=(_text(record, "address_requirements") or "none") != "none",
    )


def call_record(record: object) -> CallRecord | None:
    """Read a Call; None for one that has not been dialled yet. Raises `ValueError` when its SID is missing."""
    started, sid = getattr(record, "start_time", None), _text(record, "sid")
    if not sid:
        raise ValueError("a Call without sid")
    if not isinstance(started, datetime):
        return None
    inbound = _text(record, "direction") in _INBOUND
    # Empty for busy, failed and unanswered calls as well as for those under way.
    seconds = int(_text(record, "duration") or 0)
    return CallRecord(
        id=sid,
        number=_text(record, "to" if inbound else "_from"),
        started_at=started,
        direction=CallDirection.INBOUND if inbound else CallDirection.OUTBOUND,
        duration=None if _text(record, "status") in _UNDER_WAY else timedelta(seconds=seconds),
    )


def inbound_message(record: object) -> InboundMessage | None:
    """Read a Message; None for one that was sent by us, or whose time is not known."""
    sent = getattr(record, "date_sent", None)
    if _text(record, "direction") != "inbound" or not isinstance(sent, datetime):
        return None
    return InboundMessage(sender=_text(record, "from_"), received_at=sent, text=_text(record, "body"))


def prices_of(record: object) -> dict[NumberType, Price]:
    """Monthly prices of a country by type, from the pricing API.

    Amounts are strings (the documentation says numbers); one that cannot be read is left out, and so unknown.
    """
    currency = _text(record, "price_unit").upper()
    listed = getattr(record, "phone_number_prices", None)
    prices: dict[NumberType, Price] = {}
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, Mapping):
            continue
        kind, amount = number_type(entry.get("number_type")), _amount(entry.get("current_price"))
        if kind is not None and amount is not None and currency:
            prices[kind] = Price(amount, currency)
    return prices


def _amount(told: object) -> Decimal | None:
    try:
        amount = Decimal(str(told))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _text(record: object, name: str) -> str:
    value = getattr(record, name, None)
    return value if isinstance(value, str) else ""
