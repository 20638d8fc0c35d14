"""Connecting, pairing, losing and deleting instances on the fake Evolution."""

import asyncio
from dataclasses import replace

import pytest

from .conftest import QUICK, EvolutionServer, StartEvolution
from .receiver import Receiver


async def paired(server: EvolutionServer, name: str = "shop", number: str = "37120000001") -> None:
    await server.create(name, number=number)
    await server.client.get(f"/instance/connect/{name}")
    await server.until(name, "open")


async def test_an_instance_scans_itself_with_its_own_number(evolution: EvolutionServer):
    await evolution.create("shop", number="37120000001")
    assert await evolution.state("shop") == "close"

    await evolution.client.get("/instance/connect/shop")
    await evolution.until("shop", "open")

    row = await evolution.row("shop")
    assert row["ownerJid"] == "37120000001@s.whatsapp.net"
    assert row["connectionStatus"] == "open"


async def test_manual_pairing_waits_for_a_phone_which_may_be_the_wrong_one(start_evolution: StartEvolution):
    server = await start_evolution(manual_pairing=True)
    await server.create("shop", number="37120000001")

    shown = (await server.client.get("/instance/connect/shop")).json()
    assert shown["count"] == 1
    assert shown["code"].startswith("2@")
    assert await server.state("shop") == "connecting"

    await server.control("instances/shop/scan", {"number": "37129999999"})
    await server.until("shop", "open")
    assert (await server.row("shop"))["ownerJid"] == "37129999999@s.whatsapp.net"


async def test_codes_that_ran_out_close_it_in_memory_and_leave_the_row(start_evolution: StartEvolution):
    server = await start_evolution(manual_pairing=True)
    await server.create("shop")
    await server.client.get("/instance/connect/shop")

    await server.control("instances/shop/expire", {})

    assert await server.state("shop") == "close"
    assert (await server.row("shop"))["connectionStatus"] == "connecting"


async def test_connect_may_answer_before_there_is_a_code(start_evolution: StartEvolution):
    server = await start_evolution(manual_pairing=True, pace=replace(QUICK, qr_after=0.2, connect_wait=0))
    await server.create("shop")

    assert (await server.client.get("/instance/connect/shop")).json() == {"count": 0}
    assert (await server.row("shop"))["connectionStatus"] == "close"

    answer = {}
    while "code" not in answer:
        answer = (await server.client.get("/instance/connect/shop")).json()
    assert (await server.row("shop"))["connectionStatus"] == "connecting"


async def test_a_number_makes_a_pairing_code_only_for_a_closed_instance(start_evolution: StartEvolution):
    server = await start_evolution(manual_pairing=True)
    for name in ("first", "second"):
        await server.create(name)

    plain = (await server.client.get("/instance/connect/first")).json()
    ignored = (await server.client.get("/instance/connect/first", params={"number": "37120000001"})).json()
    code = (await server.client.get("/instance/connect/second", params={"number": "37120000001"})).json()

    assert plain["pairingCode"] is None
    assert ignored == plain
    assert len(code["pairingCode"]) == 8


async def test_codes_run_out_and_the_row_stays_connecting(start_evolution: StartEvolution):
    server = await start_evolution(manual_pairing=True, pace=replace(QUICK, qr_lifetime=0, qr_limit=3))
    await server.create("shop")

    await server.client.get("/instance/connect/shop")
    await server.until("shop", "close")

    assert (await server.row("shop"))["connectionStatus"] == "connecting"


@pytest.mark.parametrize("code", [401, 402, 403, 406])
async def test_a_terminal_close_unlinks(evolution: EvolutionServer, code: int):
    await paired(evolution)

    await evolution.control("instances/shop/close", {"code": code})

    row = await evolution.row("shop")
    assert await evolution.state("shop") == "close"
    assert (row["connectionStatus"], row["disconnectionReasonCode"]) == ("close", code)


@pytest.mark.parametrize("code", [408, 428, 440, 500, 503, 515])
async def test_any_other_close_heals_and_the_row_never_noticed(evolution: EvolutionServer, code: int):
    await paired(evolution)

    closed = (await evolution.control("instances/shop/close", {"code": code})).json()

    assert (closed["live"], closed["stored"]) == ("connecting", "open")
    await evolution.until("shop", "open")


async def test_an_outage_shows_in_memory_only_and_ends(evolution: EvolutionServer):
    await paired(evolution)

    await evolution.control("whatsapp", {"reachable": False})
    assert await evolution.state("shop") == "connecting"
    assert (await evolution.row("shop"))["connectionStatus"] == "open"

    await evolution.control("whatsapp", {"reachable": True})
    await evolution.until("shop", "open")


async def test_restart_answers_the_old_state_and_comes_back(evolution: EvolutionServer, receiver: Receiver):
    await paired(evolution)
    webhook = {"enabled": True, "url": receiver.url, "events": ["CONNECTION_UPDATE"]}
    await evolution.control("instances/shop/webhook", webhook)

    answer = (await evolution.client.post("/instance/restart/shop")).json()

    assert answer == {"instance": {"instanceName": "shop", "state": "open"}}
    await receiver.wait_for_data("state", "open")
    assert [item.body["data"]["state"] for item in receiver.received] == ["connecting", "open"]


async def test_restart_of_a_closed_instance_fails_with_status_200(evolution: EvolutionServer):
    await evolution.create("shop")

    response = await evolution.client.post("/instance/restart/shop")

    assert response.status_code == 200
    assert response.json() == {"error": True, "message": "[object Object]"}


async def test_a_passive_channel_that_was_logged_out_stays_closed(evolution: EvolutionServer):
    await evolution.create("chat", "EVOLUTION")
    assert await evolution.state("chat") == "open"

    assert (await evolution.client.delete("/instance/logout/chat")).status_code == 200

    assert (await evolution.client.get("/instance/connect/chat")).json() == {}
    assert await evolution.state("chat") == "close"
    assert (await evolution.row("chat"))["connectionStatus"] == "open"


async def test_deletion_is_answered_before_it_is_done(start_evolution: StartEvolution):
    server = await start_evolution(delete_after=0.3)
    await server.create("shop")

    deleted = await server.client.delete("/instance/delete/shop")
    while_deleting = [
        await server.client.get("/instance/connectionState/shop"),
        await server.create("shop"),
        await server.client.delete("/instance/delete/shop"),
    ]

    assert deleted.json()["status"] == "SUCCESS"
    assert while_deleting[0].json() == {"instance": {"instanceName": "shop"}}
    assert [response.status_code for response in while_deleting] == [200, 403, 200]
    await server.until("shop", None)
    assert (await server.client.delete("/instance/delete/shop")).status_code == 404
    assert (await server.create("shop")).status_code == 201


async def test_a_lost_race_of_creates_takes_the_winner_with_it(start_evolution: StartEvolution):
    server = await start_evolution(pace=replace(QUICK, create_takes=0.1))

    answers = await asyncio.gather(*(server.create("race", "EVOLUTION", token=f"t{n}") for n in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    await server.until("race", None)


async def test_a_failed_create_leaves_nothing_behind(evolution: EvolutionServer):
    response = await evolution.create("shop", webhook={"url": "http://127.0.0.1:9"})

    assert response.status_code == 400
    await evolution.until("shop", None)


async def test_an_instance_deleted_behind_our_back_is_gone(evolution: EvolutionServer):
    await paired(evolution)

    await evolution.client.delete("/_sandbox/instances/shop")

    assert (await evolution.client.get("/instance/connectionState/shop")).status_code == 404
    assert (await evolution.client.get("/instance/fetchInstances")).json() == []


async def test_a_ghost_is_in_memory_without_a_row(evolution: EvolutionServer):
    await paired(evolution)

    await evolution.client.delete("/_sandbox/instances/shop", params={"ghost": "1"})

    by_name = await evolution.client.get("/instance/fetchInstances", params={"instanceName": "shop"})
    assert (by_name.status_code, by_name.json()) == (200, [])
    assert await evolution.state("shop") == "open"
    assert (await evolution.create("shop")).status_code == 403


async def test_ids_are_the_same_for_the_same_seed(start_evolution: StartEvolution):
    tokens = []
    for _ in range(2):
        server = await start_evolution(random_seed=7)
        tokens.append((await server.create("shop")).json()["hash"])

    assert tokens[0] == tokens[1]
    assert tokens[0] == tokens[0].upper()


async def test_metrics_can_be_off(start_evolution: StartEvolution):
    server = await start_evolution(metrics=False)

    response = await server.client.get("/metrics")

    assert response.status_code == 404
    assert response.json()["response"]["message"] == ["Cannot GET /metrics"]


async def test_metrics_tell_the_live_state(evolution: EvolutionServer):
    await paired(evolution)
    await evolution.create("new")

    lines = (await evolution.client.get("/metrics")).text.splitlines()

    assert "evolution_instances_total 2" in lines
    assert 'evolution_instance_up{instance="shop",integration="WHATSAPP-BAILEYS"} 1' in lines
    assert 'evolution_instance_state{instance="new",integration="WHATSAPP-BAILEYS",state="close"} 1' in lines
