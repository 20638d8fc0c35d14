"""Numbers that are taken over by name, and when nothing may be bought instead of what may exist already."""

import copy
from typing import Any

import pytest

from controller.reconcile.ownership import Mark, MarkState, Owner

from .conftest import StartWorld
from .phone_accounts import PROVIDERS, PhoneAccount
from .tenants import VOICE_URL, called, number_only
from .world import (
    CLUSTER_ID,
    NAMESPACE,
    SECOND_PROVIDER,
    World,
    custom_resources,
    provider_object,
    second_account,
)

NAMED = "+37120000009"
THEIRS = "http://theirs.test/voice"


@pytest.mark.parametrize("phone", PROVIDERS)
async def test_a_number_without_a_mark_is_taken_over_by_name(
    start_world: StartWorld, phone: type[PhoneAccount]
) -> None:
    async with start_world(phone=phone) as world:
        await world.phone.own(NAMED, voice_url=THEIRS)
        operator = await world.ready(called(number=NAMED))
        assert await world.is_ready(), await world.status()
        recorded = (await world.status())["phoneNumber"]
        assert (recorded["number"], recorded["origin"]) == (NAMED, "Adopted")
        amount, currency = phone.price
        assert recorded["monthlyCost"] == {"amount": amount, "currency": currency}
        assert _is_marked_by(world, "cafe", MarkState.ACTIVE)
        assert world.phone.numbers()[NAMED].voice_url == VOICE_URL
        assert world.charges == []
        assert await world.claims() == []
        await world.assert_still(operator)
        await world.delete()
        await operator.until_quiet()
        assert not await world.exists()
        assert _is_marked_by(world, "cafe", MarkState.RELEASED)
        await world.apply(called(number=NAMED))
        await operator.until_quiet()
        assert await world.is_ready()
        assert _is_marked_by(world, "cafe", MarkState.ACTIVE)
        assert world.charges == []


@pytest.mark.parametrize("phone", PROVIDERS)
@pytest.mark.parametrize(
    "owner", [Owner(CLUSTER_ID, NAMESPACE, "other"), Owner("elsewhere", NAMESPACE, "cafe")], ids=str
)
@pytest.mark.parametrize("state", MarkState)
async def test_what_another_tenant_or_cluster_marked_is_not_taken_over(
    start_world: StartWorld, phone: type[PhoneAccount], owner: Owner, state: MarkState
) -> None:
    async with start_world(phone=phone) as world:
        await world.phone.own(NAMED, label=owner.label(state), voice_url=THEIRS)
        before = world.phone.numbers()[NAMED]
        operator = await world.ready(called(number=NAMED))
        condition = await world.condition("NumberReady")
        assert (condition["status"], condition["reason"]) == ("False", "NameTaken")
        assert world.wire.outside_changes == []
        await world.delete()
        await operator.until_quiet()
        assert not await world.exists()
        assert world.phone.numbers() == {NAMED: before}
        assert world.charges == []


@pytest.mark.parametrize("phone", PROVIDERS)
async def test_a_number_that_no_account_has_is_waited_for_and_not_bought(
    start_world: StartWorld, phone: type[PhoneAccount]
) -> None:
    async with start_world(phone=phone) as world:
        operator = await world.ready(called(number=NAMED))
        condition = await world.condition("NumberReady")
        assert condition["reason"] == "NumberNotOwned"
        assert NAMED in condition["message"]
        await world.phone.own(NAMED)
        await operator.poll()
        assert await world.is_ready(), await world.condition("NumberReady")
        assert (await world.status())["phoneNumber"]["origin"] == "Adopted"
        assert world.charges == []


@pytest.mark.parametrize("phone", PROVIDERS)
@pytest.mark.parametrize("wish", [{"country": "EE"}, {"type": "Local"}], ids=str)
async def test_a_number_of_another_kind_is_not_taken_over(
    start_world: StartWorld, phone: type[PhoneAccount], wish: dict[str, Any]
) -> None:
    async with start_world(phone=phone) as world:
        await world.phone.own(NAMED)
        await world.ready(called(number=NAMED, **wish))
        assert (await world.condition("NumberReady"))["reason"] == "NumberDoesNotFit"
        assert world.wire.outside_changes == []
        assert world.charges == []


async def test_of_two_that_name_one_number_the_older_has_it(world: World) -> None:
    await world.phone.own(NAMED)
    await world.apply(called("younger-by-name", number=NAMED))
    await world.clock.advance(60)
    await world.apply(called("a-later-one", number=NAMED))
    operator = await world.start_operator()
    await operator.until_quiet()
    assert await world.is_ready("younger-by-name")
    condition = await world.condition("NumberReady", "a-later-one")
    assert condition["reason"] == "NameTaken"
    assert "younger-by-name" in condition["message"]
    assert _is_marked_by(world, "younger-by-name", MarkState.ACTIVE)
    await world.assert_still(operator)


async def test_a_mark_outweighs_age(world: World) -> None:
    """Its status is lost, and an older tenant names its number meanwhile: it stays with the one that has it."""
    await world.apply(called("older"))
    await world.clock.advance(60)
    await world.phone.own(NAMED)
    operator = await world.ready(called(number=NAMED))
    assert await world.is_ready()
    await world.delete("older")
    await world.delete()
    await operator.until_quiet()
    await world.apply(called("older", number=NAMED))
    await world.clock.advance(60)
    await world.apply(called(number=NAMED))
    await operator.until_quiet()
    assert await world.is_ready()
    assert (await world.condition("NumberReady", "older"))["reason"] == "NameTaken"
    assert _is_marked_by(world, "cafe", MarkState.ACTIVE)


@pytest.mark.parametrize("way_out", ["it answers", "it is lost"])
async def test_a_rebuilt_cluster_buys_nothing_while_an_account_is_down(world: World, way_out: str) -> None:
    """The tenants come from git, with empty status; another account could sell them new numbers."""
    kept = Owner(CLUSTER_ID, NAMESPACE, "cafe").label()
    await world.phone.own(NAMED, label=kept)
    await world.twilio_console(
        "faults", [{"match": f"* /2010-04-01/Accounts/{world.phone.account}**", "action": "status:503"}]
    )
    await world.apply(*second_account(world))
    operator = await world.ready(called())
    condition = await world.condition("NumberReady")
    assert condition["reason"] == "SearchingExisting"
    assert world.phone.provider_name in condition["message"]
    assert world.twilio.world.charges == []
    if way_out == "it answers":
        await world.phone.come_back()
    else:
        await world.edit_provider({"lost": True})
    await operator.until_quiet(within=600)
    assert await world.is_ready(), await world.condition("NumberReady")
    recorded = (await world.status())["phoneNumber"]
    if way_out == "it answers":
        assert (recorded["number"], recorded["origin"]) == (NAMED, "TakenBack")
        assert world.twilio.world.charges == []
    else:
        assert (recorded["provider"], recorded["origin"]) == (SECOND_PROVIDER, "Purchased")


async def test_a_provider_that_does_not_parse_blocks_the_proof(world: World) -> None:
    """As one that a newer operator understands: what its account holds is unknown."""
    world.api_server.install_crd(_definition_of_a_newer_operator())
    newer = provider_object("newer", world.twilio.base_url)
    newer["spec"] = {**newer["spec"], "type": "Bandwidth"}
    del newer["spec"]["twilio"]
    await world.apply(newer)
    operator = await world.ready(called())
    condition = await world.condition("NumberReady")
    assert condition["reason"] == "SearchingExisting"
    assert "newer (InvalidSpec)" in condition["message"]
    assert world.charges == []
    await world.delete_provider("newer")
    await operator.until_quiet()
    assert await world.is_ready(), await world.condition("NumberReady")
    assert len(world.charges) == 1


async def test_a_named_number_is_found_also_while_another_account_is_down(world: World) -> None:
    await world.phone.own(NAMED)
    await world.apply(provider_object("down", "http://127.0.0.1:9"))
    await world.ready(number_only(number=NAMED))
    assert await world.is_ready()


def _is_marked_by(world: World, tenant: str, state: MarkState) -> bool:
    mark = Mark.parse(world.phone.numbers()[NAMED].label)
    return Owner(CLUSTER_ID, NAMESPACE, tenant).owns(mark) and mark is not None and mark.state is state


def _definition_of_a_newer_operator() -> dict[str, Any]:
    (known,) = (one for one in custom_resources() if one["spec"]["names"]["kind"] == "PhoneProvider")
    newer = copy.deepcopy(known)
    for version in newer["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        spec["properties"]["type"]["enum"].append("Bandwidth")
    return newer
