"""A person pairs a tenant: the code comes through the pairing API and nowhere else, and only while it is of use."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.runtime.manual_clock import settle
from tests.runtime.pairing_client import PairingClient, pairing_client

from .conftest import StartWorld
from .phone_accounts import VonageSide
from .process import OperatorProcess
from .tenants import number_only, tenant
from .world import NAMESPACE, QUICK, World

CONNECT = "GET /instance/connect/{name}"
INTERVAL = 61.0


@pytest.fixture
async def world(start_world: StartWorld) -> AsyncIterator[World]:
    """One on which somebody must scan."""
    async with start_world(manual_pairing=True) as world:
        yield world


def told(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    return body


async def scan(world: World, number: str | None = None) -> None:
    phone = {"number": number or world.number().phone_number}
    await world.evolution_console(f"instances/{world.instance().name}/scan", phone)


async def close(world: World, code: int) -> None:
    await world.evolution_console(f"instances/{world.instance().name}/close", {"code": code})


async def expire(world: World) -> None:
    await world.evolution_console(f"instances/{world.instance().name}/expire", {})


def codes(world: World) -> list[str]:
    """What is offered now: nobody but the one who asks may see it."""
    offered = world.instance().qr
    return (
        [] if offered is None else [offered.code, *([offered.pairing_code] if offered.pairing_code else [])]
    )


def connects(world: World) -> int:
    return world.wire.outside_changes.count(CONNECT)


async def paired(world: World, operator: OperatorProcess) -> None:
    await scan(world)
    await operator.poll(2)
    assert await world.is_ready()


# ---- a code for the one who asks -------------------------------------------------------------------------------


async def test_a_qr_code_is_shown_scanned_and_followed_by_ready_at_once(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    body = told(await desk.pair(**{"with": "QR"}))
    assert body == {
        "state": "waiting",
        "number": world.number().phone_number,
        "qr": codes(world)[0],
        "pairingCode": None,
        "refreshAfterSeconds": 5,
    }
    await scan(world)
    assert told(await desk.pair()) == {"state": "connected", "number": world.number().phone_number}
    # No poll of the server: the request that saw it open brings the tenant back.
    await operator.until_quiet(within=0.5)
    assert await world.is_ready()


async def test_who_was_shown_a_code_is_told_but_never_the_code(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await desk.pair()
    await desk.pair(**{"with": "PairingCode"})
    code = told(await desk.pair(**{"with": "PairingCode"}))["pairingCode"]
    await operator.until_quiet(within=0.5)
    assert await world.events("CodeShown") == [
        f"sandbox was shown a code to pair {world.number().phone_number} with."
    ]
    secrets = [*codes(world), code]
    seen = [*world.wire.texts, *map(str, world.log_lines), str(await world.tenant())]
    assert any("shown to a person" in text for text in seen)
    assert [secret for secret in secrets for text in seen if secret in text] == []


async def test_a_new_code_follows_an_old_one(world: World, desk: PairingClient) -> None:
    first = told(await desk.pair())["qr"]
    await close(world, 408)  # the socket is opened again by the server itself, and offers another code
    await settle()
    assert told(await desk.pair())["qr"] not in (first, "")


async def test_a_pairing_code_needs_a_logout_and_is_for_the_tenants_number(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    preparing = told(await desk.pair(**{"with": "PairingCode"}), 202)
    assert preparing["state"] == "preparing"
    assert "closed and opened again for a pairing code of +371" in preparing["message"]
    body = told(await desk.pair(**{"with": "PairingCode"}))
    qr, code = codes(world)
    assert body["pairingCode"] == f"{code[:4]}-{code[4:]}"
    assert body["qr"] == qr
    assert f"+{world.instance().pairing_number}" == body["number"] == world.number().phone_number
    await paired(world, operator)


async def test_a_pairing_code_of_another_process_is_not_trusted(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await desk.pair(**{"with": "PairingCode"})
    operator.process.pairing._context.memory.opened_for.clear()
    assert told(await desk.pair())["pairingCode"] is None
    assert told(await desk.pair(**{"with": "PairingCode"}), 202)["state"] == "preparing"


async def test_asking_again_and_again_opens_no_more_sockets(world: World, desk: PairingClient) -> None:
    attempt = world.instance().attempt
    for _ in range(3):
        assert told(await desk.pair())["state"] == "waiting"
    assert world.instance().attempt == attempt


async def test_a_server_that_gets_no_pairing_code_is_logged_out_once_an_interval(
    world: World, desk: PairingClient
) -> None:
    def logouts() -> int:
        return world.wire.outside_changes.count("DELETE /instance/logout/{name}")

    await desk.pair(**{"with": "PairingCode"})
    without = {"pairingCode": None, "code": "2@without", "base64": "", "count": 1}
    fault = {"match": "GET /instance/connect/*", "action": "status:200", "body": without}
    await world.evolution_console("faults", [fault])
    for _ in range(3):
        assert "not given" in told(await desk.pair(**{"with": "PairingCode"}), 202)["message"]
    assert logouts() == 1
    await world.clock.advance(INTERVAL)
    told(await desk.pair(**{"with": "PairingCode"}), 202)
    assert logouts() == 2


# ---- only while it is of use -----------------------------------------------------------------------------------


async def test_a_used_code_is_not_shown_after_an_unlink(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    used = told(await desk.pair())["qr"]
    await paired(world, operator)
    world.evolution.world.pace = replace(QUICK, qr_after=3600)
    await close(world, 401)
    await world.clock.advance(INTERVAL)
    await operator.poll()
    assert codes(world) == [used]  # what the server would answer
    assert told(await desk.pair(), 202)["state"] == "preparing"


async def test_a_paired_instance_that_reconnects_needs_nobody(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await paired(world, operator)
    await world.evolution_console("whatsapp", {"reachable": False})
    before = connects(world)
    assert "nobody needs to do anything" in told(await desk.pair(), 202)["message"]
    assert connects(world) == before


async def test_a_closed_instance_is_opened_once_an_interval(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await expire(world)
    first = told(await desk.pair(), 202)
    assert 1 < first["refreshAfterSeconds"] <= 60
    assert "opened once more after that" in first["message"]
    await world.clock.advance(INTERVAL)
    attempt = world.instance().attempt
    assert told(await desk.pair(), 202)["refreshAfterSeconds"] == 2
    assert world.instance().attempt == attempt + 1
    assert told(await desk.pair())["qr"] == codes(world)[0]


async def test_somebody_who_looks_starts_a_session_that_had_timed_out_again(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await expire(world)
    await world.clock.advance(3700)
    await operator.until_quiet()
    assert (await world.condition("Ready"))["reason"] == "PairingTimedOut"
    closed = connects(world)
    await operator.poll()
    await operator.look_at_all()
    assert connects(world) == closed  # nobody looks, so no socket is opened
    told(await desk.pair(), 202)
    await operator.until_quiet(within=0.5)
    assert (await world.condition("Ready"))["reason"] == "WaitingForPairing"
    assert told(await desk.pair())["state"] == "waiting"


async def test_a_session_that_timed_out_while_codes_still_come_starts_again_too(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await world.clock.advance(3700)
    await operator.until_quiet()
    assert (await world.condition("Ready"))["reason"] == "PairingTimedOut"
    assert told(await desk.pair())["state"] == "waiting"
    await operator.until_quiet(within=0.5)
    assert (await world.condition("Ready"))["reason"] == "WaitingForPairing"
    await world.clock.advance(3700)
    await operator.until_quiet()
    assert (await world.condition("Ready"))["reason"] == "PairingTimedOut"


async def test_while_somebody_looks_a_session_does_not_time_out(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    for _ in range(3):
        await world.clock.advance(1800)
        await desk.pair()
        await operator.until_quiet(within=0.5)
        assert (await world.condition("Ready"))["reason"] == "WaitingForPairing"


# ---- which disconnects ask for a person --------------------------------------------------------------------------


@pytest.mark.parametrize("code", [401, 402, 403, 406])
async def test_a_terminal_disconnect_asks_for_a_new_pairing(
    world: World, operator: OperatorProcess, desk: PairingClient, code: int
) -> None:
    await paired(world, operator)
    await close(world, code)
    await world.clock.advance(INTERVAL)
    await operator.poll(2)
    assert (await world.condition("WhatsAppConnected"))["reason"] == "WaitingForPairing"
    assert world.instance().live == "connecting"
    assert told(await desk.pair())["qr"] == codes(world)[0]
    await paired(world, operator)


@pytest.mark.parametrize("code", [408, 428, 440, 500, 503, 515])
async def test_every_other_close_heals_itself(
    world: World, operator: OperatorProcess, desk: PairingClient, code: int
) -> None:
    await paired(world, operator)
    before = connects(world)
    world.evolution.world.pace = replace(QUICK, reconnect_after=3600)
    await close(world, code)
    await operator.poll(2)
    assert (await world.condition("WhatsAppConnected"))["reason"] == "Connecting"
    world.evolution.world.pace = QUICK
    await world.evolution_console("whatsapp", {"reachable": True})
    await settle()
    await operator.poll(2)
    assert await world.is_ready()
    assert connects(world) == before


async def test_codes_that_ran_out_are_offered_anew_within_the_session(
    world: World, operator: OperatorProcess
) -> None:
    """The server gives up after its last code: closed in memory, connecting in its database for ever."""
    await expire(world)
    assert (world.instance().live, world.instance().stored) == ("close", "connecting")
    await operator.poll()
    assert (await world.condition("WhatsAppConnected"))["reason"] == "WaitingForPairing"
    await world.clock.advance(INTERVAL)
    await operator.until_quiet()
    assert world.instance().live == "connecting"
    await paired(world, operator)


async def test_without_live_states_somebody_who_looks_sees_what_the_database_does_not_tell(
    start_world: StartWorld,
) -> None:
    """The row says connecting for ever after the codes ran out; only the one instance's state tells otherwise."""
    async with start_world(manual_pairing=True, metrics=False) as world:
        operator = await world.ready(tenant())
        async with pairing_client(operator.process.pairing.application(), NAMESPACE) as desk:
            assert told(await desk.pair())["state"] == "waiting"
            await expire(world)
            await world.clock.advance(INTERVAL)
            assert told(await desk.pair(), 202)["state"] == "preparing"
            assert told(await desk.pair())["qr"] == codes(world)[0]
            await scan(world)
            assert told(await desk.pair())["state"] == "connected"
            await operator.until_quiet(within=0.5)
            assert await world.is_ready()


# ---- who may not, and when it is not possible --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ({"paused": True}, "paused by spec.paused"),
        ({"managementPolicy": "Observe"}, "managementPolicy: Observe"),
    ],
)
async def test_a_tenant_that_is_held_back_is_not_paired(
    world: World, operator: OperatorProcess, desk: PairingClient, edit: dict[str, Any], sentence: str
) -> None:
    await world.edit(edit)
    await operator.until_quiet(within=0.5)
    before = len(world.wire.outside_changes)
    assert sentence in told(await desk.pair(), 409)["error"]
    assert len(world.wire.outside_changes) == before


async def test_what_there_is_nothing_to_pair_of_is_said(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await world.apply(number_only("line"), tenant("test", whatsapp={"channel": "Evolution", "profile": None}))
    await operator.until_quiet()
    for name in ("line", "test"):
        assert "nothing to pair" in told(await desk.pair(name), 409)["error"]


async def test_only_the_tenants_number_may_be_paired_unless_any_may(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    other = {"with": "PairingCode", "number": "+37129999999"}
    assert "Only the number of tenants/cafe" in told(await desk.pair(**other), 409)["error"]
    await world.edit({"whatsapp": {"number": "Any"}})
    await operator.until_quiet(within=0.5)
    await desk.pair(**other)
    assert told(await desk.pair(**other))["number"] == "+37129999999"
    assert world.instance().pairing_number == "37129999999"


async def test_the_wrong_phone_is_told(world: World, operator: OperatorProcess, desk: PairingClient) -> None:
    await scan(world, "+37129999999")
    body = told(await desk.pair())
    assert body["state"] == "connected"
    assert "Unlink the device" in body["message"]


async def test_a_server_that_is_down_is_said(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await world.evolution_console("faults", [{"match": "* /**", "action": "status:503"}])
    assert told(await desk.pair(), 503)["error"]
    await operator.poll(4)
    assert told(await desk.pair(), 503)["error"]


async def test_an_instance_that_is_gone_is_not_opened(world: World, desk: PairingClient) -> None:
    name = world.instance().name
    await world.evolution_console(f"instances/{name}")
    assert "is not on evolution-eu now" in told(await desk.pair(), 202)["message"]


# ---- the verification SMS ----------------------------------------------------------------------------------------


async def receive(world: World, sender: str, text: str, minutes_ago: float = 0) -> None:
    at = (world.clock.now() - timedelta(minutes=minutes_ago)).isoformat()
    sms = {"from": sender, "to": world.number().phone_number, "body": text, "date_sent": at}
    await world.phone.console("messages", sms)


async def test_the_verification_sms_is_shown_and_nothing_else(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    code = "Your WhatsApp code: 871-932"
    await receive(world, "WhatsApp", "Your WhatsApp code: 111-111", minutes_ago=16)
    await receive(world, "+12025550100", code, minutes_ago=2)
    await receive(world, "+37129999999", "Is the kitchen open? Write me on WhatsApp")
    await receive(world, "Bank", "Your code is 222-222")
    body = told(await desk.verification_sms())
    assert [(one["from"], one["text"]) for one in body["messages"]] == [("+12025550100", code)]
    await operator.until_quiet(within=0.5)
    assert await world.events("VerificationShown") == [
        "sandbox was shown the verification SMS that WhatsApp sent to its number."
    ]
    seen = [*world.wire.texts, *map(str, world.log_lines), str(await world.tenant())]
    assert [text for text in seen if "871-932" in text] == []


async def test_without_one_nobody_was_shown_anything(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    assert told(await desk.verification_sms()) == {"messages": []}
    await operator.until_quiet(within=0.5)
    assert await world.events("VerificationShown") == []


async def test_a_provider_that_is_down_is_said(world: World, desk: PairingClient) -> None:
    await world.phone.go_down()
    assert told(await desk.verification_sms(), 503)["error"]


async def test_vonage_does_not_tell_and_says_where_to_look(start_world: StartWorld) -> None:
    async with start_world(phone=VonageSide) as world:
        operator = await world.ready(number_only())
        async with pairing_client(operator.process.pairing.application(), NAMESPACE) as desk:
            assert "dashboard" in told(await desk.verification_sms(), 501)["error"]


async def test_a_tenant_without_a_number_receives_none(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await world.apply(tenant("quiet", phoneNumber=None, ai={"voice": None}))
    await operator.until_quiet()
    assert "no number" in told(await desk.verification_sms("quiet"), 409)["error"]
    assert "say which phone" in told(await desk.pair("quiet", **{"with": "PairingCode"}), 409)["error"]
    assert told(await desk.pair("quiet"))["number"] is None
