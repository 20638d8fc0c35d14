"""What a phone number tells by itself: its country and, in most countries, its kind."""

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumber, PhoneNumberType

from controller.api.business_tenant import NumberType

_KINDS: Final = {
    PhoneNumberType.FIXED_LINE: NumberType.LOCAL,
    PhoneNumberType.MOBILE: NumberType.MOBILE,
    PhoneNumberType.TOLL_FREE: NumberType.TOLL_FREE,
    PhoneNumberType.UAN: NumberType.NATIONAL,
}
_NORTH_AMERICA: Final = 1
_LONGEST_CALLING_CODE: Final = 3
_REMEMBERED: Final = 2**17
# They share the United Kingdom's numbers, and providers sell them as such.
_CROWN_DEPENDENCIES: Final = frozenset({"GG", "IM", "JE"})


# Every poll lists the same numbers, and the numbering plan costs more than the rest of reading one.
@lru_cache(maxsize=_REMEMBERED)
def country_of(number: str) -> str | None:
    """ISO 3166-1 alpha-2 code of an E.164 number; None when it cannot be told, as for satellites."""
    country = _only_country(number)
    if country is None:
        parsed = _parse(number)
        country = phonenumbers.region_code_for_number(parsed) if parsed is not None else None
    if country in _CROWN_DEPENDENCIES:
        return "GB"
    return country if country and country.isalpha() else None


@lru_cache(maxsize=_REMEMBERED)
def type_of(number: str) -> NumberType | None:
    """Kind of an E.164 number by the numbering plan; None when the plan does not tell."""
    parsed = _parse(number)
    if parsed is None:
        return None
    kind = phonenumbers.number_type(parsed)
    if kind == PhoneNumberType.FIXED_LINE_OR_MOBILE and parsed.country_code == _NORTH_AMERICA:
        # North America does not tell mobile numbers apart, and sells them all as local.
        return NumberType.LOCAL
    return _KINDS.get(kind)


def _only_country(number: str) -> str | None:
    """The country whose calling code it is, where that is one country's alone: no plan has to be asked."""
    for digits in range(1, _LONGEST_CALLING_CODE + 1):
        code = number[1 : 1 + digits]
        countries = COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code.isascii() and code.isdigit() else None
        if countries is not None:
            return countries[0] if len(countries) == 1 else None
    return None


def _parse(number: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
