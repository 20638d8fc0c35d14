"""What others do to numbers and instances behind the operator's back, and what is done about it."""

import pytest

from .conftest import StartWorld
from .tenants import VOICE_URL, WEBHOOK_URL, number_only, tenant
from .world import World


async def test_an_instance_deleted_outside_comes_back_with_the_same_token(world: World) -> None:
    operator = await world.ready(tenant())
    before = world.instance()
    await world.evolution_console(f"instances/{before.name}")
    await operator.poll(2)
    await operator.until_quiet()
    after = world.instance()
    assert after.id != before.id
    assert (after.name, after.token) == (before.name, before.token)
    assert after.webhook is not None
    assert after.webhook.enabled
    assert await world.is_ready()
    await world.assert_still(operator)


async def test_an_instance_deleted_while_nobody_looked_comes_back(world: World) -> None:
    await world.ready(tenant())
    await world.evolution_console(f"instances/{world.instance().name}")
    operator = await world.start_operator()
    await operator.until_quiet()
    await operator.poll(2)
    await operator.until_quiet()
    assert world.instance().owner_jid
    assert await world.is_ready()


async def test_a_lost_number_is_said_after_two_lists_and_replaced_only_when_approved(world: World) -> None:
    operator = await world.ready(number_only())
    lost = world.number().phone_number
    await world.twilio_console(f"numbers/{lost}")
    await operator.poll()
    assert (await world.condition("NumberReady"))["reason"] == "SearchingExisting"
    await operator.poll()
    assert (await world.condition("NumberReady"))["reason"] == "NumberLost"
    assert (await world.condition("Stalled"))["status"] == "True"
    await world.annotate(approve_replacement="+37100000000")
    await operator.until_quiet()
    assert world.charges == [lost]
    await world.annotate(approve_replacement=lost)
    await operator.until_quiet()
    assert await world.is_ready()
    assert world.charges == [lost, world.number().phone_number]
    assert await world.claims() == []


async def test_a_number_lost_while_nobody_looked_is_said(world: World) -> None:
    await world.ready(number_only())
    await world.twilio_console(f"numbers/{world.number().phone_number}")
    operator = await world.start_operator()
    await operator.until_quiet()
    assert (await world.condition("NumberReady"))["reason"] == "SearchingExisting"
    await operator.poll()
    assert (await world.condition("NumberReady"))["reason"] == "NumberLost"


async def test_a_number_edited_by_hand_is_repaired(world: World) -> None:
    operator = await world.ready(tenant())
    await world.twilio_console(
        f"numbers/{world.number().phone_number}", {"VoiceUrl": "http://other", "TrunkSid": "TK" + "1" * 32}
    )
    await operator.poll()
    assert world.number().fields["voice_url"] == VOICE_URL
    assert not world.number().fields["trunk_sid"]
    assert await world.is_ready()


async def test_a_number_marked_by_another_cluster_is_left_alone(world: World) -> None:
    operator = await world.ready(number_only())
    label = f"bt1:other:a:{'b' * 22}:theirs"
    await world.twilio_console(f"numbers/{world.number().phone_number}", {"FriendlyName": label})
    await operator.poll()
    assert world.number().fields["friendly_name"] == label
    assert (await world.condition("NumberReady"))["reason"] == "NameTaken"


async def test_a_webhook_edited_by_hand_is_repaired_at_the_deep_check(world: World) -> None:
    operator = await world.ready(tenant())
    name = world.instance().name
    await world.evolution_console(f"instances/{name}/webhook", {"url": "http://other", "enabled": True})
    await operator.poll()
    webhook = world.instance().webhook
    assert webhook is not None
    assert webhook.url == "http://other"  # no list shows it
    await world.clock.advance(31 * 60)
    await operator.look_at_all()
    assert webhook.url == WEBHOOK_URL
    assert await world.is_ready()


async def test_settings_that_are_changed_back_again_and_again_are_left_and_it_is_said(world: World) -> None:
    operator = await world.ready(tenant())
    name = world.instance().name
    for _ in range(3):
        await world.evolution_console(f"instances/{name}/settings", {"rejectCall": False})
        await world.clock.advance(601)
        await operator.poll()
        assert world.instance().setting.values["rejectCall"] is True
    await world.evolution_console(f"instances/{name}/settings", {"rejectCall": False})
    await world.clock.advance(601)
    await operator.poll()
    assert world.instance().setting.values["rejectCall"] is False
    assert (await world.condition("InstanceReady"))["reason"] == "Contended"
    await world.clock.advance(3601)
    await operator.poll()
    await operator.until_quiet(within=600)
    assert world.instance().setting.values["rejectCall"] is True
    assert await world.is_ready()


async def test_a_wrong_number_gets_no_routing_until_the_right_one_is_paired(start_world: StartWorld) -> None:
    async with start_world(manual_pairing=True) as world:
        operator = await world.ready(tenant())
        scan = f"instances/{world.instance().name}/scan"
        await world.evolution_console(scan, {"number": "+37129999999"})
        await operator.poll()
        assert (await world.condition("WhatsAppConnected"))["reason"] == "WrongNumber"
        assert not await world.is_ready()
        webhook = world.instance().webhook
        assert webhook is not None
        assert not webhook.enabled
        await world.evolution_console(f"instances/{world.instance().name}/close", {"code": 401})
        await operator.poll()
        await operator.until_quiet(within=120)
        await world.evolution_console(scan, {"number": world.number().phone_number})
        await world.clock.advance(301)
        await operator.poll(2)
        assert await world.is_ready(), await world.status()
        assert webhook.enabled


async def test_a_wrong_number_is_silenced_also_when_the_webhook_was_not_recorded(
    start_world: StartWorld,
) -> None:
    async with start_world() as world:
        await world.ready(tenant())
        status = await world.status()
        await world.evolution_console(f"instances/{world.instance().name}/scan", {"number": "+37129999999"})
        await world.forget_routing()
        operator = await world.start_operator()
        await operator.until_quiet()
        assert (await world.condition("Ready"))["reason"] == "WrongNumber", status
        webhook = world.instance().webhook
        assert webhook is not None
        assert not webhook.enabled


async def test_any_number_may_be_paired_where_the_spec_says_so(start_world: StartWorld) -> None:
    async with start_world(manual_pairing=True) as world:
        operator = await world.ready(tenant(whatsapp={"number": "Any"}))
        await world.evolution_console(f"instances/{world.instance().name}/scan", {"number": "+37129999999"})
        await operator.poll()
        assert await world.is_ready()


@pytest.mark.parametrize("code", [401, 402, 403, 406])
async def test_a_logout_asks_for_a_new_pairing(start_world: StartWorld, code: int) -> None:
    async with start_world(manual_pairing=True) as world:
        operator = await world.ready(tenant())
        scan = f"instances/{world.instance().name}/scan"
        await world.evolution_console(scan, {"number": world.number().phone_number})
        await operator.poll()
        assert await world.is_ready()
        await world.evolution_console(f"instances/{world.instance().name}/close", {"code": code})
        await operator.poll()
        assert (await world.condition("Ready"))["reason"] == "WaitingForPairing"


async def test_many_instances_gone_at_once_are_not_created_again(world: World) -> None:
    names = [f"cafe-{n}" for n in range(4)]
    operator = await world.ready(*(tenant(name) for name in names))
    assert all([await world.is_ready(name) for name in names])
    for name in list(world.instances)[:3]:
        await world.evolution_console(f"instances/{name}")
    await operator.poll(3)
    await operator.until_quiet()
    assert len(world.instances) == 1
    reasons = [(await world.condition("InstanceReady", name))["reason"] for name in names]
    assert sorted(reasons) == ["Available", *["MassDisappearance"] * 3]
    await world.edit_server({"lost": True})
    await operator.poll(2)
    await operator.until_quiet()
    assert len(world.instances) == 4


async def test_after_a_restart_a_mass_disappearance_is_said_too(world: World) -> None:
    names = [f"cafe-{n}" for n in range(4)]
    await world.ready(*(tenant(name) for name in names))
    for name in list(world.instances):
        await world.evolution_console(f"instances/{name}")
    operator = await world.start_operator()
    await operator.until_quiet()
    await world.apply(tenant("late"))
    await operator.until_quiet()
    assert world.instances == {}
    assert (await world.condition("InstanceReady", "cafe-1"))["reason"] == "MassDisappearance"
    assert (await world.condition("InstanceReady", "late"))["reason"] == "SearchingExisting"
