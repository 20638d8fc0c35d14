"""The process dies before or after every change it makes outside; the next one brings the tenant home.

Whatever crashes when: one number is bought for the tenant, no claim and no purchase stay behind.
"""

import pytest

from tests.crash_summary import CRASHES

from .conftest import RecordProperty, StartWorld
from .crash_matrix import Scenario, survive_every_crash
from .tenants import releasing, tenant
from .wire import Death
from .world import World


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


SCENARIOS: dict[str, Scenario] = {
    "onboarding": Scenario(onboarding, is_live),
    "deletion-with-retain": Scenario(deletion_with_retain, is_retained),
    "deletion-with-release": Scenario(deletion_with_release, is_gone),
    "applied-again": Scenario(applied_again, is_live),
    "block-removed": Scenario(block_removed, asks_for_nothing),
}


@pytest.mark.parametrize("when", Death)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_next_process_finishes_what_a_dead_one_began(
    start_world: StartWorld, scenario: str, when: Death, record_property: RecordProperty
) -> None:
    record_property(CRASHES, await survive_every_crash(SCENARIOS[scenario], start_world, when))
