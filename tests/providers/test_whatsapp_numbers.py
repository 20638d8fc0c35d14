"""A paired account is compared with the tenant's number as WhatsApp writes numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.providers.whatsapp_numbers import same_whatsapp_number

PREFIXES = ["", "1", "371", "52", "521", "54", "549", "55", "5511", "55119", "5567", "55679"]
NUMBERS = st.builds("{}{}".format, st.sampled_from(PREFIXES), st.from_regex(r"[0-9]{5,11}", fullmatch=True))


@pytest.mark.parametrize(
    ("owner", "number"),
    [
        ("+37120000001", "+37120000001"),
        ("37120000001", "+37120000001"),
        ("+556781234567", "+5567981234567"),  # Brazil without the ninth digit
        ("+5567981234567", "+5567981234567"),
        ("+5215512345678", "+525512345678"),  # Mexico with the old 1
        ("+5491112345678", "+541112345678"),  # Argentina with the 9
    ],
)
def test_one_subscriber(owner: str, number: str) -> None:
    assert same_whatsapp_number(owner, number)
    assert same_whatsapp_number(number, owner)


@pytest.mark.parametrize(
    ("owner", "number"),
    [
        ("+37120000001", "+37120000002"),
        ("+551131234567", "+5511931234567"),  # a landline in São Paulo, and a mobile number that is younger
        ("+556781234567", "+5568981234567"),  # other area
        ("+5581234567", "+5567981234567"),
        ("+5567981234567", "+55679981234567"),
        ("+5215512345678", "+525512345679"),
        ("+15512345678", "+525512345678"),
        ("+525512345678", "+52155123456789"),
        ("+5491112345678", "+5411123456789"),
        ("+491112345678", "+541112345678"),
        ("+37190000001", "+3710000001"),  # no such rule elsewhere
        ("", "+37120000001"),
    ],
)
def test_two_subscribers(owner: str, number: str) -> None:
    assert not same_whatsapp_number(owner, number)
    assert not same_whatsapp_number(number, owner)


@given(NUMBERS, NUMBERS)
def test_it_does_not_matter_which_is_which(one: str, other: str) -> None:
    assert same_whatsapp_number(one, f"+{one}")
    assert same_whatsapp_number(one, other) == same_whatsapp_number(other, one)


@given(NUMBERS, st.sampled_from("0123456789"), st.integers(0, 14))
def test_two_writings_differ_by_one_dropped_digit_at_most(number: str, digit: str, place: int) -> None:
    place = min(place, len(number))
    longer = f"{number[:place]}{digit}{number[place:]}"
    if same_whatsapp_number(number, longer):
        country = next(code for code in ("52", "54", "55") if longer.startswith(code))
        dropped = {"52": (2, "1"), "54": (2, "9"), "55": (4, "9")}[country]
        assert longer[dropped[0]] == dropped[1]
        assert longer[: dropped[0]] + longer[dropped[0] + 1 :] == number


@given(st.lists(NUMBERS, min_size=2, max_size=2).filter(lambda pair: len(pair[0]) == len(pair[1])))
def test_numbers_of_one_length_are_the_same_only_when_equal(pair: list[str]) -> None:
    assert same_whatsapp_number(*pair) == (pair[0] == pair[1])
