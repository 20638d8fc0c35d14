"""The process dies around every change of a switch or a new key; the next one ends with one bot and one key."""

import pytest

from controller.api.ai_routes import MessageRoute
from tests.crash_summary import CRASHES

from .conftest import RecordProperty, StartWorld
from .crash_matrix import Scenario, survive_every_crash
from .routes import NEW_KEY, ROUTES, answering, bots, give_key, keys, live, routed, switch
from .wire import Death
from .world import World

OPENAI, DIFY, WEBHOOK = (
    ROUTES[name] for name in (MessageRoute.OPENAI, MessageRoute.DIFY, MessageRoute.WEBHOOK)
)


async def setting_up(world: World) -> None:
    await give_key(world)
    await world.apply(routed(world, OPENAI))


async def to_dify(world: World) -> None:
    await live(world, OPENAI)
    await switch(world, DIFY)


async def to_webhook(world: World) -> None:
    await live(world, OPENAI)
    await switch(world, WEBHOOK)


async def from_webhook(world: World) -> None:
    await live(world, WEBHOOK)
    await switch(world, OPENAI)


async def new_key(world: World) -> None:
    await live(world, OPENAI)
    await give_key(world, template=NEW_KEY)


async def going(world: World) -> None:
    await live(world, OPENAI)
    await world.delete()


async def openai_answers(world: World) -> None:
    assert await world.is_ready(), await world.status()
    assert answering(world) == ["openai"]
    (bot,), (key,) = bots(world), keys(world)
    assert bot.values["openaiCredsId"] == key.id
    settings = world.evolution.world.database.bots.settings[bot.instance_id, bot.kind]
    assert settings.credentials_id == key.id


async def new_key_is_used(world: World) -> None:
    await openai_answers(world)
    assert keys(world)[0].api_key == NEW_KEY.format(name="cafe")


async def dify_answers(world: World) -> None:
    assert await world.is_ready(), await world.status()
    assert answering(world) == ["dify"]
    assert len(bots(world)) == 1
    assert keys(world) == []


async def webhook_answers(world: World) -> None:
    assert await world.is_ready(), await world.status()
    assert answering(world) == ["webhook"]
    assert bots(world) == []
    assert keys(world) == []


async def nobody_answers(world: World) -> None:
    assert not await world.exists()
    assert answering(world) == []
    assert bots(world) == []
    assert keys(world) == []


SCENARIOS: dict[str, Scenario] = {
    "set-up": Scenario(setting_up, openai_answers, purchases=0),
    "openai-to-dify": Scenario(to_dify, dify_answers, purchases=0),
    "openai-to-webhook": Scenario(to_webhook, webhook_answers, purchases=0),
    "webhook-to-openai": Scenario(from_webhook, openai_answers, purchases=0),
    "new-key": Scenario(new_key, new_key_is_used, purchases=0),
    "deletion": Scenario(going, nobody_answers, purchases=0),
}


@pytest.mark.parametrize("when", Death)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_next_process_finishes_the_switch(
    start_world: StartWorld, scenario: str, when: Death, record_property: RecordProperty
) -> None:
    record_property(CRASHES, await survive_every_crash(SCENARIOS[scenario], start_world, when))
