"""Providers and servers that refuse, fail, go, and come back; nobody restarts the operator."""

import pytest

from tests.operator import objects
from tests.operator.eventually import eventually
from tests.operator.outside import ACCOUNT_SID
from tests.operator.stage import Stage


async def test_a_wrong_twilio_token_is_mended_without_a_restart(stage: Stage) -> None:
    await stage.apply(objects.twilio_secret(stage.system, token="mistyped"))
    await stage.start_operator()
    await stage.apply_tenants("bakery")

    message = await stage.provider_not_ready("WrongCredentials")
    assert "mistyped" not in message
    # Its number may be in that very account.
    message = await stage.not_ready("bakery", "SearchingExisting", condition="NumberReady")
    assert "twilio (WrongCredentials)" in message

    await stage.apply(objects.twilio_secret(stage.system))
    await stage.ready("bakery")
    await stage.fleet_ready()


async def test_a_wrong_evolution_key_is_mended_without_a_restart(stage: Stage) -> None:
    await stage.apply(objects.evolution_secret(stage.system, key="mistyped"))
    await stage.start_operator()
    await stage.apply_tenants("bakery")

    message = await stage.server_not_ready("WrongCredentials")
    assert "mistyped" not in message
    message = await stage.not_ready("bakery", "SearchingExisting", condition="InstanceReady")
    assert "evolution (WrongCredentials)" in message

    await stage.apply(objects.evolution_secret(stage.system))
    await stage.ready("bakery")
    await stage.fleet_ready()


async def test_a_token_that_is_revoked_later_is_said_of_its_tenants_too(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [before] = await stage.ready("bakery")

    await stage.apply(objects.twilio_secret(stage.system, token="revoked"))
    await stage.provider_not_ready("WrongCredentials")
    await stage.patch("bakery", {"ai": {"voice": {"url": "https://platform.example/new"}}})
    await stage.not_ready("bakery", "WrongCredentials", condition="NumberReady")
    assert (await stage.status("bakery"))["phoneNumber"] == before["phoneNumber"]

    await stage.apply(objects.twilio_secret(stage.system))
    [status] = await stage.ready("bakery")
    number = (await stage.telephony.numbers())[status["phoneNumber"]["number"]]
    assert number["voice_url"] == stage.told("https://platform.example/new")


async def test_the_secret_of_a_provider_may_come_last(empty_stage: Stage) -> None:
    stage = empty_stage
    await stage.apply(
        objects.phone_provider(stage.telephony.url), objects.evolution_server(stage.evolution.url)
    )
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    assert f"{stage.system}/twilio" in await stage.provider_not_ready("SecretNotFound")
    assert f"{stage.system}/evolution" in await stage.server_not_ready("SecretNotFound")

    await stage.apply(objects.twilio_secret(stage.system), objects.evolution_secret(stage.system))

    await stage.ready("bakery")


async def test_a_server_that_is_down_holds_up_its_own_tenants_only(stage: Stage) -> None:
    other = await stage.start_evolution()
    await stage.apply(objects.evolution_server(other.url, name="evolution-2"))
    await stage.start_operator()
    await stage.fleet_ready()
    await stage.apply_tenants("bakery", server=objects.SERVER)
    await stage.apply_tenants("florist", server="evolution-2")
    await stage.ready("bakery", "florist")
    florist = await stage.tenant("florist")

    await stage.evolution.go_down()
    await stage.server_not_ready("ServerUnavailable")
    await stage.not_ready("bakery", "ServerUnavailable")
    await stage.patch("bakery", {"business": {"about": "Said while it was down"}})
    await stage.polls(3)
    assert await stage.tenant("florist") == florist

    await stage.evolution.come_back()
    [status] = await stage.ready("bakery")
    instance = (await stage.evolution.instances())[status["instance"]["name"]]
    assert instance["profileStatus"] == "Said while it was down"
    assert await stage.tenant("florist") == florist


async def test_a_provider_that_fails_does_not_disturb_who_has_a_number(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [before] = await stage.ready("bakery")

    await stage.telephony.order_fault("* /2010-04-01/**", "status:503")
    await stage.provider_not_ready("ProviderUnavailable")
    await stage.apply_tenants("florist")
    await stage.not_ready("florist", "ProviderUnavailable", condition="NumberReady")
    assert (await stage.status("bakery"))["phoneNumber"] == before["phoneNumber"]

    await stage.telephony.clear_faults()
    await stage.ready("bakery", "florist")
    assert len(await stage.telephony.charges()) == 2


@pytest.mark.parametrize("lost", [3, 2])
async def test_many_instances_gone_at_once_are_the_servers_trouble(stage: Stage, lost: int) -> None:
    names = ("bakery", "florist", "garage")
    await stage.start_operator()
    await stage.apply_tenants(*names)
    instances = [status["instance"]["name"] for status in await stage.ready(*names)]
    await stage.evolution.forget_requests()

    for name in instances[:lost]:
        await stage.evolution.control("DELETE", f"instances/{name}")

    if lost == 2:
        await stage.until_instances(3)
        return
    await stage.server_not_ready("MassDisappearance")
    await stage.polls(5)
    assert (await stage.evolution.requests())["POST /instance/create"] == 0
    server = objects.evolution_server(stage.evolution.url, lost=True)
    await stage.apply(server)
    await stage.until_instances(3)


async def test_a_provider_deleted_while_it_serves_goes_with_its_last_tenant(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")
    number = status["phoneNumber"]["number"]

    await stage.delete_provider()
    await stage.polls(2)
    await stage.patch("bakery", {"ai": {"voice": {"url": "https://platform.example/new"}}})
    await stage.ready("bakery")
    assert (await stage.telephony.numbers())[number]["voice_url"] == stage.told(
        "https://platform.example/new"
    )
    await stage.apply_tenants("florist")
    assert "No PhoneProvider serves LV" in await stage.not_ready("florist", "ProviderNotFound")

    await stage.delete_and_wait("florist")
    await stage.delete_and_wait("bakery")
    await stage.provider_gone()


async def test_a_provider_shows_what_it_holds(stage: Stage) -> None:
    await stage.telephony.control("POST", "numbers", {"account": ACCOUNT_SID, "PhoneNumber": "+37129999999"})
    await stage.start_operator()
    await stage.apply_tenants("bakery", "florist")
    await stage.ready("bakery", "florist")

    async def counted() -> bool:
        provider, server = await stage.fleet_statuses()
        numbers = (
            provider.get("numbersOwned"),
            provider.get("numbersManaged"),
            provider.get("numbersUnmarked"),
        )
        instances = server.get("instances"), server.get("connected"), server.get("tenants")
        return (numbers, instances) == ((3, 2, 1), (2, 2, 2))

    await eventually(counted)
