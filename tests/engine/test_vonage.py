"""A tenant whose number is at Vonage, which marks a number only after it was bought."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from controller.reconcile.ownership import MarkState, Owner
from controller.sandbox.fakes.vonage.state import Application

from .conftest import StartWorld
from .phone_accounts import VONAGE_KEY, NumberSeen, VonageSide
from .tenants import VOICE_URL, called
from .world import CLUSTER_ID, NAMESPACE, World

SMS = "http://platform.test/sms"
SMS_URL = f"{SMS}?tenant=tenants/cafe"
OWNER = Owner(CLUSTER_ID, NAMESPACE, "cafe")


@pytest.fixture
async def world(start_world: StartWorld) -> AsyncIterator[World]:
    async with start_world(phone=VonageSide) as world:
        yield world


async def test_a_tenant_becomes_ready_and_then_nothing_moves(world: World) -> None:
    operator = await world.ready(_with_sms(SMS))
    assert await world.is_ready(), await world.status()
    recorded = (await world.status())["phoneNumber"]
    assert world.charges == [recorded["number"]]
    assert (recorded["origin"], recorded["provider"]) == ("Purchased", "vonage-eu")
    assert recorded["monthlyCost"] == {"amount": "2.80", "currency": "EUR"}
    assert world.phone.numbers() == {
        recorded["number"]: NumberSeen(label=OWNER.label(), voice_url=VOICE_URL, sms_url=SMS_URL)
    }
    assert len(_applications(world)) == 1
    assert await world.claims() == []
    await world.assert_still(operator)


async def test_a_deleted_tenant_keeps_its_number_silenced_and_has_it_again_when_applied_again(
    world: World,
) -> None:
    operator = await world.ready(_with_sms(SMS))
    (number,) = world.phone.numbers()
    (application,) = _applications(world)
    await world.delete()
    await operator.until_quiet()
    assert not await world.exists()
    assert world.phone.numbers() == {number: NumberSeen(OWNER.label(MarkState.RELEASED), "", "")}
    await operator.poll()
    assert [o["number"] for o in (await world.provider())["status"]["orphans"]] == [number]
    await world.apply(_with_sms(SMS))
    await operator.until_quiet()
    assert await world.is_ready()
    assert (await world.status())["phoneNumber"]["origin"] == "TakenBack"
    assert world.phone.numbers() == {number: NumberSeen(OWNER.label(), VOICE_URL, SMS_URL)}
    assert world.charges == [number]
    assert _applications(world) == [application]
    await world.assert_still(operator)


async def test_release_gives_the_number_back_and_deletes_its_application(world: World) -> None:
    operator = await world.ready(called(deletionPolicy="Release"))
    await world.delete()
    await operator.until_quiet()
    assert not await world.exists()
    assert world.phone.numbers() == {}
    assert _applications(world) == []
    acts = (await world.provider())["status"]["recentIrreversible"]
    assert [act["what"] for act in acts] == ["ReleaseNumber"]


async def test_an_sms_address_that_does_not_answer_is_named_and_noticed_when_it_does(world: World) -> None:
    """Vonage asks it first; the number is bought and marked nevertheless."""
    async with _webhook() as (url, answer):
        operator = await world.ready(_with_sms(url))
        condition = await world.condition("NumberReady")
        assert condition["reason"] == "WebhookNotAnswering"
        assert url in condition["message"]
        ((number, seen),) = world.phone.numbers().items()
        assert seen == NumberSeen(OWNER.label(), VOICE_URL, "")
        answer["status"] = 200
        await operator.until_quiet(within=300)
        assert await world.is_ready(), await world.condition("NumberReady")
        assert world.phone.numbers()[number].sms_url == f"{url}?tenant=tenants/cafe"
        assert world.charges == [number]


async def test_an_sms_address_at_which_nobody_listens_takes_nothing_from_a_live_tenant(world: World) -> None:
    operator = await world.ready(_with_sms(SMS))
    nobody = "http://127.0.0.1:1/sms"
    await world.edit({"ai": {"sms": {"url": nobody}}})
    await operator.until_quiet()
    for condition in (await world.condition("NumberReady"), await world.condition("Stalled")):
        assert condition["reason"] == "WebhookNotAnswering"
        assert nobody in condition["message"]
    ((number, seen),) = world.phone.numbers().items()
    assert seen == NumberSeen(OWNER.label(), VOICE_URL, SMS_URL)
    await world.edit({"ai": {"sms": {"url": SMS_URL}}})
    await operator.until_quiet()
    assert await world.is_ready(), await world.condition("NumberReady")
    assert world.charges == [number]


async def test_calls_are_forwarded_and_no_longer_when_the_tenant_goes(world: World) -> None:
    voice = {"route": "Forward", "forwardTo": "+37129999999"}
    body = called()
    operator = await world.ready({**body, "spec": {**body["spec"], "ai": {"route": "None", "voice": voice}}})
    assert await world.is_ready(), await world.condition("NumberReady")
    assert (await world.status())["routing"]["voice"] == "Forward"
    assert _forwards(world) == [("tel", "37129999999")]
    await world.edit({"ai": {"voice": {"forwardTo": "+37128888888"}}})
    await operator.until_quiet()
    assert _forwards(world) == [("tel", "37128888888")]
    await world.assert_still(operator)
    await world.delete()
    await operator.until_quiet()
    assert _forwards(world) == [("", "")]


async def test_an_sms_fallback_is_refused_before_money_is_spent(world: World) -> None:
    await world.ready(_with_sms(SMS, fallbackURL="http://platform.test/other"))
    condition = await world.condition("NumberReady")
    assert condition["reason"] == "Refused"
    assert "fallbackURL" in condition["message"]
    assert world.charges == []


async def test_a_number_that_was_bought_and_not_marked_is_brought_home(world: World) -> None:
    await world.apply(called())
    await world.crash_after(world.phone.purchase)
    ((number, seen),) = world.phone.numbers().items()
    assert not seen.label
    purchase = (await world.status())["phoneNumber"]["purchase"]
    assert purchase["candidate"] == number
    assert purchase["absentAt"]
    operator = await world.start_operator()
    await operator.until_quiet()
    assert await world.is_ready(), await world.status()
    assert world.phone.numbers() == {number: NumberSeen(OWNER.label(), VOICE_URL, "")}
    assert world.charges == [number]
    assert await world.claims() == []


@pytest.mark.parametrize("policy", ["Retain", "Release"])
async def test_a_number_that_was_bought_and_not_marked_is_let_go_as_the_policy_says(
    world: World, policy: str
) -> None:
    await world.apply(called(deletionPolicy=policy))
    await world.crash_after(world.phone.purchase)
    (number,) = world.phone.numbers()
    await world.delete()
    operator = await world.start_operator()
    await operator.until_quiet()
    assert not await world.exists()
    kept = {number: NumberSeen(OWNER.label(MarkState.RELEASED), "", "")}
    assert world.phone.numbers() == (kept if policy == "Retain" else {})
    assert await world.claims() == []


async def test_an_unmarked_number_that_was_never_seen_absent_is_somebody_elses(world: World) -> None:
    """The process died between intent and purchase; meanwhile a person bought the same number."""
    await world.apply(called())
    await world.crash_after("patch businesstenants/status tenants/cafe")
    purchase = (await world.status())["phoneNumber"]["purchase"]
    assert "absentAt" not in purchase
    theirs = purchase["candidate"]
    await world.phone.own(theirs, voice_url="http://theirs.test/voice")
    before = world.phone.numbers()[theirs]
    operator = await world.start_operator()
    await operator.until_quiet(within=600)
    assert await world.is_ready(), await world.status()
    recorded = (await world.status())["phoneNumber"]
    assert recorded["number"] != theirs
    assert world.phone.numbers()[theirs] == before
    assert world.charges == [recorded["number"]]
    assert await world.claims() == []


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "status:500", "status:420"])
@pytest.mark.parametrize("request_", ["number/buy", "number/update", "v2/applications"])
async def test_a_doubtful_answer_costs_one_number_at_most(world: World, fault: str, request_: str) -> None:
    operator = await world.start_operator()
    await operator.until_quiet()
    await world.phone.console("faults", [{"match": f"POST /{request_}", "action": fault, "times": 2}])
    await world.apply(_with_sms(SMS))
    await operator.until_quiet(within=300)
    assert await world.is_ready(), await world.status()
    ((number, seen),) = world.phone.numbers().items()
    assert seen == NumberSeen(OWNER.label(), VOICE_URL, SMS_URL)
    assert world.charges == [number]
    assert "purchase" not in (await world.status())["phoneNumber"]
    assert await world.claims() == []


async def test_a_vanished_number_is_not_bought_again(world: World) -> None:
    operator = await world.ready(called())
    (number,) = world.phone.numbers()
    await world.phone.console(f"numbers/{number}")
    await operator.poll(2)
    assert (await world.condition("NumberReady"))["reason"] == "NumberLost"
    assert world.charges == [number]
    await world.annotate(approve_replacement=number)
    await operator.until_quiet()
    assert await world.is_ready()
    assert len(world.charges) == 2


async def test_what_somebody_changes_in_the_dashboard_is_set_back(world: World) -> None:
    operator = await world.ready(_with_sms(SMS))
    (number,) = world.phone.numbers()
    await world.phone.console(f"numbers/{number}", {"moHttpUrl": "http://elsewhere.test/sms"})
    await operator.poll()
    assert await world.is_ready()
    assert world.phone.numbers() == {number: NumberSeen(OWNER.label(), VOICE_URL, SMS_URL)}
    await world.phone.console(f"applications/{_applications(world)[0].id}")
    await operator.poll()
    assert await world.is_ready()
    assert world.phone.numbers() == {number: NumberSeen(OWNER.label(), VOICE_URL, SMS_URL)}


def _with_sms(url: str, **more: str) -> dict[str, Any]:
    body = called()
    body["spec"]["ai"]["sms"] = {"route": "Webhook", "url": url, **more}
    return body


def _applications(world: World) -> list[Application]:
    assert isinstance(world.phone, VonageSide)
    return world.phone.fake.world.applications_of(VONAGE_KEY)


@asynccontextmanager
async def _webhook() -> AsyncIterator[tuple[str, dict[str, int]]]:
    """A webhook on this machine that answers what it is told to, first 503."""
    answer = {"status": 503}

    async def respond(_: web.Request) -> web.Response:
        return web.Response(status=answer["status"])

    application = web.Application()
    application.router.add_get("/sms", respond)
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/sms", answer
    await runner.cleanup()


def _forwards(world: World) -> list[tuple[str, str]]:
    assert isinstance(world.phone, VonageSide)
    numbers = world.phone.fake.world.numbers.values()
    return [(one.voice_callback_type, one.voice_callback_value) for one in numbers]
