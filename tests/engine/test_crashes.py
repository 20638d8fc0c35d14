"""The process dies before or after every change it makes outside; the next one brings the tenant home.

Whatever crashes when: one number is bought for the tenant, no claim and no purchase stay behind.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from .conftest import StartWorld
from .process import OperatorProcess
from .tenants import releasing, tenant
from .wire import Death, Mortality, ProcessDied
from .world import World

# More changes than any of the scenarios makes: a scenario that never survives is a defect of the test.
MOST_CHANGES = 80


async def onboarding(world: World) -> None:
    await world.apply(tenant())


async def deletion_with_retain(world: World) -> None:
    await world.ready(tenant())
    await world.delete()


async def deletion_with_release(world: World) -> None:
    await world.ready(releasing())
    await world.delete()


async def applied_again(world: World) -> None:
    operator = await world.ready(tenant())
    await world.delete()
    await operator.until_quiet()
    await world.apply(tenant())


async def block_removed(world: World) -> None:
    await world.ready(tenant())
    await world.edit({"phoneNumber": None, "whatsapp": None, "ai": None})


async def is_live(world: World) -> None:
    assert await world.is_ready(), await world.status()
    status = await world.status()
    assert world.charges == [status["phoneNumber"]["number"]]
    assert "purchase" not in status["phoneNumber"]
    assert world.number().fields["voice_url"]
    webhook = world.instance().webhook
    assert webhook is not None
    assert webhook.enabled
    assert world.instance().owner_jid is not None


async def is_retained(world: World) -> None:
    assert not await world.exists()
    assert ":r:" in str(world.number().fields["friendly_name"])
    await is_silent(world)


async def is_silent(world: World) -> None:
    assert not world.number().fields["voice_url"]
    webhook = world.instance().webhook
    assert webhook is None or (not webhook.enabled and not webhook.headers)


async def is_gone(world: World) -> None:
    assert not await world.exists()
    assert world.numbers == {}
    assert world.instances == {}


async def asks_for_nothing(world: World) -> None:
    assert await world.is_ready(), await world.status()
    status = await world.status()
    assert "phoneNumber" not in status
    assert "instance" not in status
    assert ":r:" in str(world.number().fields["friendly_name"])
    await is_silent(world)


Scenario = tuple[Callable[[World], Awaitable[None]], Callable[[World], Awaitable[None]]]
SCENARIOS: dict[str, Scenario] = {
    "onboarding": (onboarding, is_live),
    "deletion-with-retain": (deletion_with_retain, is_retained),
    "deletion-with-release": (deletion_with_release, is_gone),
    "applied-again": (applied_again, is_live),
    "block-removed": (block_removed, asks_for_nothing),
}


@pytest.mark.parametrize("when", Death)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_next_process_finishes_what_a_dead_one_began(
    start_world: StartWorld, scenario: str, when: Death
) -> None:
    prepare, expected = SCENARIOS[scenario]
    for nth in range(1, MOST_CHANGES):
        mortality = Mortality(when, nth)
        async with start_world() as world:
            await prepare(world)
            with suppress(ProcessDied):
                operator = await world.start_operator(mortality)
                await operator.until_quiet()
                operator.spare()
            if mortality.died_at is not None:
                operator = await world.start_operator()
                await operator.until_quiet()
            await _assert_settled(world, operator, expected, mortality.died_at)
        if mortality.died_at is None:
            assert nth > 3, "hardly anything was changed"
            return
    pytest.fail("the process never survived")


async def _assert_settled(
    world: World, operator: OperatorProcess, expected: Callable[[World], Awaitable[None]], what: str | None
) -> None:
    try:
        await operator.poll(2)  # two lists prove what the dead process removed
        await operator.until_quiet()
        await expected(world)
        assert len(world.charges) == 1
        await operator.sweep()
        assert await world.claims() == []
        await world.assert_still(operator)
    except AssertionError as error:
        raise AssertionError(f"after death {what}: {error}") from error
