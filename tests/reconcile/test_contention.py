from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.reconcile.contention import contended, record_repair, within_window

from .builders import NOW, POLICY


@pytest.mark.parametrize(
    ("minutes", "is_contended"), [((1, 2, 3), True), ((1, 2), False), ((1, 2, 61), False)]
)
def test_three_repairs_of_one_field_within_an_hour(minutes: tuple[int, ...], *, is_contended: bool) -> None:
    repairs = record_repair("other", [], NOW)
    for ago in sorted(minutes, reverse=True):
        repairs = [*repairs, *record_repair("webhook", [], NOW - timedelta(minutes=ago))]
    assert contended("webhook", repairs, NOW, POLICY) is is_contended
    assert not contended("settings", repairs, NOW, POLICY)


@given(st.lists(st.integers(0, 200), max_size=60))
def test_the_record_is_bounded_and_young(minutes: list[int]) -> None:
    repairs = record_repair("webhook", [], NOW)
    moment = NOW
    for step in minutes:
        moment += timedelta(minutes=step)
        repairs = record_repair("webhook", repairs, moment)
        assert len(repairs) <= 32
        assert within_window(repairs, moment) == repairs
