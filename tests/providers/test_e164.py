"""What a number tells by itself."""

import pytest

from controller.api.business_tenant import NumberType
from controller.providers.telephony.e164 import country_of, type_of


@pytest.mark.parametrize(
    ("number", "country", "kind"),
    [
        ("+37120000001", "LV", NumberType.MOBILE),
        ("+37167000001", "LV", NumberType.LOCAL),
        ("+12025550123", "US", NumberType.LOCAL),
        ("+14165550123", "CA", NumberType.LOCAL),
        ("+447911123456", "GB", NumberType.MOBILE),
        ("+4915112345678", "DE", NumberType.MOBILE),
        ("+78005553535", "RU", NumberType.TOLL_FREE),
        ("+800", None, None),
        ("not a number", None, None),
        ("", None, None),
    ],
)
def test_country_and_kind(number: str, country: str | None, kind: NumberType | None) -> None:
    assert country_of(number) == country
    assert type_of(number) is kind
