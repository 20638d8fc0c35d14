"""The business profile at Meta: written when it differs, and set back when somebody else changed it."""

import pytest

from .cloud_api import give_phone_number_id, live, waiting_for_registration
from .tenants import on_cloud_api
from .world import World


async def test_the_business_profile_is_written_to_meta(world: World) -> None:
    operator = await waiting_for_registration(world)
    business = {
        "description": "Best coffee",
        "address": "Brivibas 1, Riga",
        "email": "hello@cafe.example",
        "websites": ["https://cafe.example"],
        "category": "food_hospitality",
    }
    await world.edit({"business": business})
    await world.register_at_meta(world.charges[0])
    await give_phone_number_id(world)
    await operator.until_quiet()

    assert world.graph.world.numbers["100200300"].profile == {
        "about": "Open 7-22",
        "description": "Best coffee",
        "address": "Brivibas 1, Riga",
        "email": "hello@cafe.example",
        "websites": ["https://cafe.example/"],
        "vertical": "RESTAURANT",
    }
    assert (await world.condition("ProfileSynced"))["status"] == "True"
    await world.assert_still(operator)


async def test_a_profile_that_is_as_wanted_is_not_written(world: World) -> None:
    operator = await waiting_for_registration(world)
    await world.register_at_meta(world.charges[0])
    await world.meta_console("numbers/100200300/profile", {"about": "Open 7-22"})
    await give_phone_number_id(world)
    await operator.until_quiet()

    assert await world.is_ready()
    assert "POST /{phone_number_id}/whatsapp_business_profile" not in world.wire.outside_changes


async def test_a_profile_that_somebody_changed_is_set_back(world: World) -> None:
    operator = await live(world)
    await world.meta_console("numbers/100200300/profile", {"about": "Closed"})

    await world.clock.advance(3600)
    await operator.until_quiet()

    assert world.graph.world.numbers["100200300"].profile["about"] == "Open 7-22"


async def test_a_third_website_is_refused_by_the_schema(world: World) -> None:
    body = on_cloud_api()
    body["spec"]["business"]["websites"] = [f"https://{n}.example" for n in range(3)]

    with pytest.raises(Exception, match="must have at most 2 items"):
        await world.apply(body)
