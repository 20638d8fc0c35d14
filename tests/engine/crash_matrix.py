"""A scenario once for every change that it makes: the process dies there, and the next one brings it to its end."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .conftest import StartWorld
from .process import OperatorProcess
from .wire import Death, Mortality, ProcessDied
from .world import World

# More changes than any scenario makes: one that never survives is a defect of the test.
MOST_CHANGES = 80


@dataclass(frozen=True, slots=True)
class Scenario:
    """`prepare` leaves something to be done; `expected` asserts that it was; `purchases` are those of both."""

    prepare: Callable[[World], Awaitable[None]]
    expected: Callable[[World], Awaitable[None]]
    purchases: int = 1


async def survive_every_crash(
    scenario: Scenario, start_world: StartWorld, when: Death, **options: Any
) -> int:
    """Answers the number of deaths survived."""
    for nth in range(1, MOST_CHANGES):
        mortality = Mortality(when, nth)
        async with start_world(**options) as world:
            await scenario.prepare(world)
            with suppress(ProcessDied):
                operator = await world.start_operator(mortality)
                await operator.until_quiet()
                operator.spare()
            if mortality.died_at is not None:
                operator = await world.start_operator()
                await operator.until_quiet()
            await _assert_settled(world, operator, scenario, mortality.died_at)
        if mortality.died_at is None:
            assert nth > 2, "hardly anything was changed"
            return nth - 1
    raise AssertionError("the process never survived")


async def _assert_settled(
    world: World, operator: OperatorProcess, scenario: Scenario, what: str | None
) -> None:
    try:
        await operator.poll(2)  # two lists prove what the dead process removed
        await operator.until_quiet()
        await scenario.expected(world)
        assert len(world.charges) == scenario.purchases
        await operator.sweep()
        assert await world.claims() == []
        await world.assert_still(operator)
    except AssertionError as error:
        raise AssertionError(f"after death {what}: {error}") from error
