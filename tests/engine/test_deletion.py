"""Tenants that go: what is kept, what is given back, and what slows that down."""

import pytest

from .tenants import number_only, releasing, tenant
from .world import World


async def test_a_deleted_tenant_keeps_number_and_pairing_and_has_them_again_when_applied_again(
    world: World,
) -> None:
    operator = await world.ready(tenant())
    number, instance = world.number(), world.instance()
    await world.delete()
    await operator.until_quiet()
    assert not await world.exists()
    assert world.number() is number
    assert ":r:" in str(number.fields["friendly_name"])
    assert not number.fields["voice_url"]
    assert instance.owner_jid
    assert not world.is_routed()
    await operator.poll()
    assert [o["number"] for o in (await world.provider())["status"]["orphans"]] == [number.phone_number]
    await world.apply(tenant())
    await operator.until_quiet()
    assert await world.is_ready()
    assert (await world.status())["phoneNumber"]["origin"] == "TakenBack"
    assert world.charges == [number.phone_number]
    assert world.instance() is instance
    assert world.is_routed()
    await world.assert_still(operator)


async def test_a_released_mark_of_another_country_is_not_taken_back(world: World) -> None:
    operator = await world.ready(number_only())
    await world.delete()
    await operator.until_quiet()
    await world.apply(number_only(country="EE"))
    await operator.until_quiet()
    assert await world.is_ready()
    assert len(world.charges) == 2


async def test_release_gives_number_and_instance_back(world: World) -> None:
    operator = await world.ready(releasing())
    await world.delete()
    await operator.until_quiet()
    assert not await world.exists()
    assert world.numbers == {}
    assert world.instances == {}
    acts = (await world.provider())["status"]["recentIrreversible"]
    assert [act["what"] for act in acts] == ["ReleaseNumber"]


async def test_the_sixth_release_within_an_hour_waits_for_approval_or_time(world: World) -> None:
    names = [f"cafe-{n}" for n in range(7)]
    operator = await world.ready(*(number_only(name, deletionPolicy="Release") for name in names))
    assert len(world.numbers) == 7
    for name in names:
        await world.delete(name)
    await operator.until_quiet()
    waiting = [name for name in names if await world.exists(name)]
    assert len(waiting) == len(world.numbers) == 2
    condition = await world.condition("Deleting", waiting[0])
    assert condition["reason"] == "ApprovalRequired"
    held = (await world.status(waiting[0]))["phoneNumber"]["number"]
    assert held in condition["message"]
    await world.annotate(waiting[0], approve_release=held)
    await operator.until_quiet()
    assert not await world.exists(waiting[0])
    assert held not in world.numbers
    assert await world.exists(waiting[1])
    await world.clock.advance(4000)  # an hour, and what looks are spread by
    await operator.until_quiet(within=400)
    await operator.until_quiet()
    assert not await world.exists(waiting[1])
    assert world.numbers == {}


async def test_a_number_without_our_mark_is_never_released(world: World) -> None:
    operator = await world.ready(number_only(deletionPolicy="Release"))
    await world.twilio_console(
        f"numbers/{world.number().phone_number}", {"FriendlyName": "the boss's number"}
    )
    await world.delete()
    await operator.until_quiet()
    assert (await world.condition("Deleting"))["reason"] == "NeedsHuman"
    assert len(world.numbers) == 1


@pytest.mark.parametrize(("policy", "gone"), [("Retain", True), ("Release", False)])
async def test_only_what_is_kept_may_be_left_behind_when_the_provider_is_down(
    world: World, policy: str, *, gone: bool
) -> None:
    operator = await world.ready(number_only(deletionPolicy=policy))
    await world.twilio_console("faults", [{"match": "* /2010-04-01/**", "action": "status:503"}])
    await world.delete()
    await operator.until_quiet()
    assert await world.exists()
    await world.clock.advance(630)
    await operator.until_quiet(within=310)
    assert await world.exists() is not gone
    assert bool(await world.events("LeftBehind")) is gone
    assert ":a:" in str(world.number().fields["friendly_name"])


async def test_removed_blocks_are_kept_and_taken_back(world: World) -> None:
    operator = await world.ready(releasing())
    number, instance = world.number(), world.instance()
    blocks = tenant()["spec"]
    await world.edit({"phoneNumber": None, "whatsapp": None, "ai": None})
    await operator.until_quiet()
    assert await world.is_ready()
    assert "phoneNumber" not in await world.status()
    assert "instance" not in await world.status()
    assert ":r:" in str(number.fields["friendly_name"])
    assert not world.is_routed()
    await world.assert_still(operator)
    await world.edit({name: blocks[name] for name in ("phoneNumber", "whatsapp", "ai")})
    await operator.until_quiet()
    assert await world.is_ready()
    assert world.number() is number
    assert world.instance() is instance
    assert len(world.charges) == 1


async def test_a_paused_tenant_is_left_alone_and_its_deletion_waits(world: World) -> None:
    operator = await world.ready(tenant())
    changes = len(world.wire.outside_changes)
    await world.edit({"paused": True, "ai": {"features": ["menu"]}})
    await operator.until_quiet()
    assert (await world.condition("Paused"))["status"] == "True"
    assert (await world.condition("Ready"))["reason"] == "Paused"
    await world.assert_still(operator)
    await world.delete()
    await operator.until_quiet()
    assert "deletion waits" in (await world.condition("Deleting"))["message"]
    assert len(world.wire.outside_changes) == changes
    await world.edit({"paused": False})
    await operator.until_quiet()
    assert not await world.exists()


async def test_pausing_by_annotation(world: World) -> None:
    await world.apply(tenant())
    await world.annotate(paused="true")
    operator = await world.start_operator()
    await operator.until_quiet()
    assert "annotation" in (await world.condition("Paused"))["message"]
    assert world.charges == []
    await world.annotate(paused=None)
    await operator.until_quiet()
    assert await world.is_ready()


async def test_a_purchase_under_way_is_resolved_before_its_tenant_goes(world: World) -> None:
    """The process died after the purchase, and the tenant was deleted before the next one came."""
    await world.apply(number_only(deletionPolicy="Release"))
    await world.crash_after("POST /IncomingPhoneNumbers")
    assert len(world.numbers) == 1
    await world.delete()
    operator = await world.start_operator()
    await operator.until_quiet()
    assert not await world.exists()
    assert world.numbers == {}
    assert await world.claims() == []


async def test_an_instance_that_was_never_recorded_is_silenced_too(world: World) -> None:
    await world.apply(tenant(phoneNumber=None, ai={"voice": None}))
    await world.crash_after("POST /instance/create")
    assert world.is_routed()
    await world.delete()
    operator = await world.start_operator()
    await operator.until_quiet()
    assert not await world.exists()
    assert not world.is_routed()


async def test_a_number_taken_back_and_never_recorded_is_released_again(world: World) -> None:
    operator = await world.ready(number_only())
    await world.delete()
    await operator.until_quiet()
    await world.apply(number_only())
    await world.crash_after("POST /IncomingPhoneNumbers/{sid}")
    assert ":a:" in str(world.number().fields["friendly_name"])
    await world.delete()
    operator = await world.start_operator()
    await operator.until_quiet()
    assert not await world.exists()
    assert ":r:" in str(world.number().fields["friendly_name"])


async def test_a_provider_that_goes_serves_its_tenants_to_the_end(world: World) -> None:
    operator = await world.ready(number_only())
    await operator.poll()
    await world.delete_provider()
    await operator.poll()
    assert await world.is_ready()
    assert (await world.provider())["metadata"]["deletionTimestamp"]
    await world.apply(number_only("late"))
    await operator.until_quiet()
    assert (await world.condition("NumberReady", "late"))["reason"] == "ProviderNotFound"
    await world.delete()
    await operator.until_quiet()
    await operator.poll()
    assert await world.provider() == {}
