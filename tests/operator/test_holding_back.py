"""Tenants that are not to be changed: paused, or only observed."""

import pytest

from controller.api.group import Annotation
from tests.operator.eventually import eventually
from tests.operator.stage import Stage


async def test_a_paused_tenant_is_left_alone_until_it_is_not(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery", paused=True)

    assert "spec.paused" in await stage.not_ready("bakery", "Paused")
    assert await stage.telephony.numbers() == {}

    await stage.patch("bakery", {"paused": False})
    await stage.ready("bakery")


async def test_the_annotation_pauses_edits_and_deletion(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")
    await stage.annotate("bakery", Annotation.PAUSED, "true")
    await stage.not_ready("bakery", "Paused")
    await stage.evolution.forget_requests()

    await stage.patch("bakery", {"business": {"about": "Not yet"}})
    await stage.polls(3)
    assert await stage.evolution.writes() == {}
    await stage.delete("bakery")

    async def says_it_waits() -> bool:
        return "The deletion waits" in (await stage.status("bakery"))["message"]

    await eventually(says_it_waits)
    assert ":a:" in (await stage.telephony.numbers())[status["phoneNumber"]["number"]]["friendly_name"]

    await stage.annotate("bakery", Annotation.PAUSED, None)
    await stage.gone("bakery")


async def test_an_observed_tenant_is_only_planned(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery", managementPolicy="Observe")

    message = await stage.not_ready("bakery", "ObserveOnly")
    body = await stage.tenant("bakery")

    assert "changes would be made" in message
    whats = [change["what"] for change in body["status"]["plan"]["changes"]]
    assert whats[0].startswith("buy +371")
    assert any(what.startswith("create instance bakery-") for what in whats)
    assert not body["metadata"].get("finalizers"), "nothing is put on what is only looked at"
    assert not await stage.telephony.writes()
    assert not await stage.evolution.writes()

    await stage.patch("bakery", {"managementPolicy": "Full"})
    [status] = await stage.ready("bakery")
    assert "plan" not in status


async def test_observing_a_tenant_that_is_as_wanted_changes_nothing(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.ready("bakery")

    await stage.patch("bakery", {"managementPolicy": "Observe"})
    [status] = await stage.ready("bakery")
    assert status["plan"]["changes"] == []
    number = status["phoneNumber"]["number"]
    await stage.telephony.control("POST", f"numbers/{number}", {"VoiceUrl": "https://other.example/"})

    await stage.not_ready("bakery", "ObserveOnly")
    [change] = (await stage.status("bakery"))["plan"]["changes"]
    assert "voice" in change["what"]
    assert (await stage.telephony.numbers())[number]["voice_url"] == "https://other.example/"


@pytest.mark.parametrize("scanned_by", ["the tenant's phone", "another phone"])
async def test_a_tenant_waits_for_somebody_to_pair_it(stage: Stage, scanned_by: str) -> None:
    by_hand = await stage.start_evolution(manual_pairing=True)
    await stage.apply_second_server(by_hand)
    await stage.start_operator()
    await stage.apply_tenants("bakery", server="evolution-2")

    message = await stage.not_ready("bakery", "WaitingForPairing")
    status = await stage.status("bakery")
    name, number = status["instance"]["name"], status["phoneNumber"]["number"]
    assert number in message
    assert status["phase"] == "WaitingForPairing"

    scanner = number if scanned_by == "the tenant's phone" else "+37129999999"
    await by_hand.control("POST", f"instances/{name}/scan", {"number": scanner.removeprefix("+")})

    if scanner == number:
        await stage.ready("bakery")
        return
    await stage.not_ready("bakery", "WrongNumber")

    async def is_silent() -> bool:
        return not (await by_hand.instances())[name]["webhook"]["enabled"]

    await eventually(is_silent)
