"""Tenants on Meta's Cloud API: registered by a person, verified at Meta, and kept as they should be."""

import pytest

from .cloud_api import NEW_TOKEN, give_phone_number_id, live, rotated, waiting_for_registration
from .conftest import StartWorld
from .tenants import on_cloud_api
from .world import BUSINESS_ACCOUNT, META_SECRET, META_TOKEN, World

OTHER_NUMBER = "+37129999999"


async def test_a_person_is_told_to_register_the_number(world: World) -> None:
    await waiting_for_registration(world)

    status = await world.status()
    assert status["phase"] == "WaitingForApproval"
    for facet in ("InstanceReady", "WhatsAppConnected", "Ready"):
        condition = await world.condition(facet)
        assert (condition["status"], condition["reason"]) == ("False", "RegisterNumberAtMeta")
        assert world.charges[0] in condition["message"]
        assert "spec.whatsapp.cloudAPI.phoneNumberID" in condition["message"]
    assert world.instances == {}
    assert world.wire.outside_reads.count("GET /{phone_number_id}") == 0


async def test_with_the_id_the_instance_is_made_of_metas_ids_and_token(world: World) -> None:
    operator = await live(world)

    instance = world.instance()
    assert (instance.integration, instance.number, instance.business_id, instance.token) == (
        "WHATSAPP-BUSINESS",
        "100200300",
        BUSINESS_ACCOUNT,
        META_TOKEN,
    )
    assert instance.setting.values["readMessages"] is True
    assert world.is_routed()
    status = await world.status()
    assert status["instance"]["channel"] == "CloudAPI"
    assert status["instance"]["number"] == world.charges[0]
    assert status["instance"]["tokenSecretRef"] == {"name": META_SECRET}
    assert await world.secret("cafe-evolution") is None
    await world.assert_still(operator)


async def test_a_new_process_asks_meta_nothing(world: World) -> None:
    await live(world)
    before = len(world.wire.outside_reads)

    operator = await world.start_operator()
    await operator.until_quiet()

    assert await world.is_ready()
    assert not [read for read in world.wire.outside_reads[before:] if "{phone_number_id}" in read]
    await world.assert_still(operator)


async def test_an_id_of_another_number_makes_no_instance(world: World) -> None:
    operator = await waiting_for_registration(world)
    await world.register_at_meta(OTHER_NUMBER)
    await give_phone_number_id(world)
    await operator.until_quiet()

    condition = await world.condition("InstanceReady")
    assert condition["reason"] == "WrongNumber"
    assert OTHER_NUMBER in condition["message"]
    assert world.charges[0] in condition["message"]
    assert world.instances == {}

    await world.edit({"whatsapp": {"number": "Any"}})
    await operator.until_quiet()

    assert await world.is_ready()
    assert (await world.status())["instance"]["number"] == OTHER_NUMBER


async def test_an_instance_whose_id_turns_out_to_be_another_number_gets_no_routing(world: World) -> None:
    operator = await live(world, number="Any")
    await world.meta_console("numbers/100200300", {"display_phone_number": OTHER_NUMBER})
    await world.edit({"whatsapp": {"number": "Tenant"}})
    await operator.until_quiet()
    await world.clock.advance(3600)  # what was verified is looked at again
    await operator.until_quiet()

    assert (await world.condition("WhatsAppConnected"))["reason"] == "WrongNumber"
    assert (await world.condition("RoutingReady"))["reason"] == "WrongNumber"
    assert not world.is_routed()


async def test_without_the_secret_it_is_named(world: World) -> None:
    operator = await waiting_for_registration(
        world, cloudAPI={"accessTokenSecretRef": {"name": "sunrise-meta", "key": "token"}}
    )
    await give_phone_number_id(world)
    await operator.until_quiet()

    condition = await world.condition("InstanceReady")
    assert condition["reason"] == "SecretNotFound"
    assert "tenants/sunrise-meta" in condition["message"]
    assert (await world.status())["phase"] == "Stalled"


async def test_without_the_key_it_is_named(world: World) -> None:
    operator = await waiting_for_registration(
        world, cloudAPI={"accessTokenSecretRef": {"name": META_SECRET, "key": "accessToken"}}
    )
    await give_phone_number_id(world)
    await operator.until_quiet()

    condition = await world.condition("InstanceReady")
    assert condition["reason"] == "SecretNotFound"
    assert "has no key accessToken" in condition["message"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("expired", "it has expired"),
        ("revoked", "password was changed"),
        ("without-permission", "permission"),
    ],
)
async def test_a_refused_token_makes_no_instance_and_a_good_one_does(
    world: World, state: str, words: str
) -> None:
    operator = await waiting_for_registration(world)
    await world.register_at_meta(world.charges[0])
    await world.meta_console("tokens", {"token": META_TOKEN, "state": state})
    await give_phone_number_id(world)
    await operator.until_quiet()

    condition = await world.condition("InstanceReady")
    assert condition["reason"] == "WrongCredentials"
    assert words in condition["message"]
    assert f"tenants/{META_SECRET}, key token" in condition["message"]
    assert world.instances == {}

    await world.issue_meta_token(NEW_TOKEN)
    await world.put_token(NEW_TOKEN)
    await operator.until_quiet()

    assert await world.is_ready()
    assert world.instance().token == NEW_TOKEN


async def test_a_token_that_evolution_cannot_store_touches_nothing(world: World) -> None:
    operator = await live(world)
    before = world.instance()
    long = "m" * 256
    await world.issue_meta_token(long)
    await world.put_token(long)
    await operator.until_quiet(within=60)

    assert (await world.condition("InstanceReady"))["reason"] == "TokenTooLong"
    assert world.instance() is before
    assert before.token == META_TOKEN


async def test_a_new_token_that_meta_accepts_makes_the_instance_anew(world: World) -> None:
    operator = await live(world)
    before = world.instance()

    await world.clock.advance(60)
    since = (await world.status())["instance"]["connectedSince"]
    after = await rotated(world, operator)

    assert (await world.status())["instance"]["connectedSince"] > since
    assert after.name == before.name
    assert after.id != before.id
    assert after.token == NEW_TOKEN
    assert after.setting.values["readMessages"] is True
    assert world.is_routed()
    assert await world.is_ready()
    acts = (await world.server())["status"]["recentIrreversible"]
    assert [(act["what"], act["name"]) for act in acts] == [("ReplaceInstance", before.name)]
    await world.assert_still(operator)


async def test_a_new_token_that_meta_refuses_touches_nothing(world: World) -> None:
    operator = await live(world)
    before = world.instance()

    await world.put_token(NEW_TOKEN)
    await operator.until_quiet()

    assert world.instance() is before
    assert world.is_routed()
    condition = await world.condition("WhatsAppConnected")
    assert condition["reason"] == "WrongCredentials"
    assert "left with the token that it has" in condition["message"]
    assert not await world.is_ready()

    await world.put_token(META_TOKEN)
    await operator.until_quiet()

    assert world.instance() is before
    assert await world.is_ready()


async def test_a_replacement_waits_for_the_brake(start_world: StartWorld) -> None:
    async with start_world(irreversible_per_hour=0) as world:
        operator = await live(world)
        before = world.instance()

        assert await rotated(world, operator) is before

        condition = await world.condition("InstanceReady")
        assert condition["reason"] == "ApprovalRequired"
        assert before.name in condition["message"]

        await world.annotate(approve_release=before.name)
        await operator.until_quiet()

        assert world.instance().token == NEW_TOKEN
        assert await world.is_ready()


async def test_another_phone_number_id_makes_the_instance_anew(world: World) -> None:
    operator = await live(world)
    await world.register_at_meta(world.charges[0], phone_number_id="100200301")

    await give_phone_number_id(world, "100200301")
    await operator.until_quiet()

    assert world.instance().number == "100200301"
    assert await world.is_ready()


async def test_observing_says_what_a_replacement_costs(world: World) -> None:
    operator = await live(world)
    await world.edit({"managementPolicy": "Observe"})
    before = world.instance()

    assert await rotated(world, operator) is before

    (change,) = (await world.status())["plan"]["changes"]
    assert change["irreversible"] is True
    assert "access token" in change["what"]
    assert "not answered" in change["why"]


async def test_a_number_that_meta_does_not_let_send_is_told(world: World) -> None:
    operator = await live(world)
    await world.meta_console("numbers/100200300", {"status": "BANNED"})
    await world.clock.advance(3600)
    await operator.until_quiet()

    condition = await world.condition("WhatsAppConnected")
    assert condition["reason"] == "Refused"
    assert "BANNED" in condition["message"]


async def test_an_outage_of_meta_does_not_touch_a_live_tenant(world: World) -> None:
    operator = await live(world)
    await world.graph.stop()
    await world.clock.advance(3600)
    await operator.until_quiet()

    assert await world.is_ready()
    await world.assert_still(operator)
    await world.graph.start()


@pytest.mark.parametrize("what", ["100200300/whatsapp_business_profile", "400500600/message_templates"])
async def test_a_deep_check_that_meta_answers_only_in_part_touches_nothing(world: World, what: str) -> None:
    template = {
        "name": "menu",
        "language": "lv",
        "category": "Utility",
        "components": [{"type": "BODY", "text": "Menu"}],
    }
    operator = await live(world, templates=[template])
    before = await world.status()
    await world.meta_console("faults", [{"match": f"GET /v26.0/{what}", "action": "status:503"}])
    await world.clock.advance(3600)
    await operator.until_quiet()

    assert await world.status() == before
    assert any(what.rpartition("/")[2] in read for read in world.wire.outside_reads)


async def test_a_deleted_tenant_leaves_its_instance_silent(world: World) -> None:
    operator = await live(world)
    await world.delete()
    await operator.until_quiet()

    assert not await world.exists()
    assert not world.is_routed()
    assert world.instance().token == META_TOKEN


async def test_applied_again_it_has_the_same_instance(world: World) -> None:
    operator = await live(world)
    before = world.instance()
    await world.delete()
    await operator.until_quiet()
    await world.apply(on_cloud_api())
    await operator.until_quiet()

    assert await world.is_ready()
    assert world.instance() is before


async def test_with_delete_the_instance_goes(world: World) -> None:
    operator = await live(world, deletionPolicy="Delete")
    name = world.instance().name
    await world.delete()
    await operator.until_quiet()

    assert not await world.exists()
    assert world.instances == {}
    acts = (await world.server())["status"]["recentIrreversible"]
    assert [(act["what"], act["name"]) for act in acts] == [("DeleteInstance", name)]


async def test_a_number_that_another_tenant_has_is_not_answered_twice(world: World) -> None:
    operator = await live(world)
    first = world.instance()
    await world.apply(on_cloud_api("bar", number="Any"))
    await operator.until_quiet()

    condition = await world.condition("InstanceReady", "bar")
    assert condition["reason"] == "NameTaken"
    assert first.name in condition["message"]
    assert world.instance() is first
