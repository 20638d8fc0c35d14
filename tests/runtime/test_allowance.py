"""A handful at once, then one after the other."""

from controller.runtime.allowance import Allowance
from tests.runtime.manual_clock import ManualClock


async def test_a_handful_at_once_then_one_after_the_other() -> None:
    clock = ManualClock()
    allowance = Allowance(clock, at_once=3, seconds_each=2.0)
    assert [allowance.wait("cafe") for _ in range(4)] == [0, 0, 0, 2.0]
    assert allowance.wait("bar") == 0
    await clock.advance(2.0)
    assert [allowance.wait("cafe") for _ in range(2)] == [0, 2.0]
    await clock.advance(6.0)
    assert [allowance.wait("cafe") for _ in range(4)] == [0, 0, 0, 2.0]
