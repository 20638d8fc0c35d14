"""The same on the Cloud API: the process dies before or after every change; the next one brings the tenant home."""

import pytest

from tests.crash_summary import CRASHES

from .cloud_api import NEW_TOKEN
from .conftest import RecordProperty, StartWorld
from .crash_matrix import Scenario, survive_every_crash
from .tenants import on_cloud_api
from .wire import Death
from .world import META_TOKEN, World

TEMPLATE = {
    "name": "order_ready",
    "language": "en",
    "category": "Utility",
    "components": [{"type": "BODY", "text": "Your order is ready."}],
}


async def registration(world: World) -> None:
    await world.ready(on_cloud_api(phone_number_id=None, templates=[TEMPLATE]))
    await world.register_at_meta(world.charges[0])
    await world.edit({"whatsapp": {"cloudAPI": {"phoneNumberID": "100200300"}}})


async def live(world: World) -> None:
    await registration(world)
    operator = await world.start_operator()
    await operator.until_quiet()


async def rotation(world: World) -> None:
    await live(world)
    await world.issue_meta_token(NEW_TOKEN)
    await world.put_token(NEW_TOKEN)


async def removal_of_a_template(world: World) -> None:
    await live(world)
    await world.edit({"whatsapp": {"templates": []}})


async def deletion(world: World) -> None:
    await live(world)
    await world.edit({"whatsapp": {"deletionPolicy": "Delete"}})
    await world.delete()


async def is_live(world: World) -> None:
    await is_live_with(world, META_TOKEN)


async def is_live_with_the_new_token(world: World) -> None:
    await is_live_with(world, NEW_TOKEN)


async def is_live_with(world: World, token: str) -> None:
    assert await world.is_ready(), await world.status()
    instance = world.instance()
    assert (instance.token, instance.number) == (token, "100200300")
    assert instance.setting.values["readMessages"] is True
    assert world.is_routed()
    assert world.graph.world.numbers["100200300"].profile["about"] == "Open 7-22"
    (template,) = world.graph.world.templates.values()
    (record,) = (await world.status())["templates"]
    assert (record["metaName"], record["id"]) == (template.name, template.id)


async def has_no_template(world: World) -> None:
    assert await world.is_ready(), await world.status()
    assert world.graph.world.templates == {}
    assert "templates" not in await world.status()


async def is_gone(world: World) -> None:
    assert not await world.exists()
    assert world.instances == {}
    assert world.graph.world.templates == {}


SCENARIOS: dict[str, Scenario] = {
    "registration": Scenario(registration, is_live),
    "rotation": Scenario(rotation, is_live_with_the_new_token),
    "removal-of-a-template": Scenario(removal_of_a_template, has_no_template),
    "deletion": Scenario(deletion, is_gone),
}


@pytest.mark.parametrize("when", Death)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_next_process_finishes_what_a_dead_one_began(
    start_world: StartWorld, scenario: str, when: Death, record_property: RecordProperty
) -> None:
    record_property(CRASHES, await survive_every_crash(SCENARIOS[scenario], start_world, when))
