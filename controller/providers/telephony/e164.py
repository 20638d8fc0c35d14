"""What a phone number tells by itself: its country and, in most countries, its kind."""

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from controller.api.business_tenant import NumberType

_KINDS: Final = {
    PhoneNumberType.FIXED_LINE: NumberType.LOCAL,
    PhoneNumberType.MOBILE: NumberType.MOBILE,
    PhoneNumberType.TOLL_FREE: NumberType.TOLL_FREE,
    PhoneNumberType.UAN: NumberType.NATIONAL,
}
_NORTH_AMERICA: Final = 1
# They share the United Kingdom's numbers, and providers sell them as such.
_CROWN_DEPENDENCIES: Final = frozenset({"GG", "IM", "JE"})


def country_of(number: str) -> str | None:
    """ISO 3166-1 alpha-2 code of an E.164 number; None when it cannot be told, as for satellites."""
    return _told_by(number)[0]


def _country(parsed: PhoneNumber) -> str | None:
    country = phonenumbers.region_code_for_number(parsed)
    if country in _CROWN_DEPENDENCIES:
        return "GB"
    return country if country and country.isalpha() else None


def type_of(number: str) -> NumberType | None:
    """Kind of an E.164 number by the numbering plan; None when the plan does not tell."""
    return _told_by(number)[1]


def _type(parsed: PhoneNumber) -> NumberType | None:
    kind = phonenumbers.number_type(parsed)
    if kind == PhoneNumberType.FIXED_LINE_OR_MOBILE and parsed.country_code == _NORTH_AMERICA:
        # North America does not tell mobile numbers apart, and sells them all as local.
        return NumberType.LOCAL
    return _KINDS.get(kind)


# Every poll lists the same numbers, and the numbering plan costs more than the rest of reading one.
@lru_cache(maxsize=2**17)
def _told_by(number: str) -> tuple[str | None, NumberType | None]:
    """Country and kind."""
    parsed = _parse(number)
    return (None, None) if parsed is None else (_country(parsed), _type(parsed))


def _parse(number: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
