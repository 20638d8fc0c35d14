"""What a real Evolution does on bad days: restarts, zombies, storms, a missing licence."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from .conftest import QUICK, EvolutionServer, StartEvolution
from .receiver import Receiver


async def paired(server: EvolutionServer, name: str = "shop") -> None:
    await server.create(name, number="37120000001")
    await server.client.get(f"/instance/connect/{name}")
    await server.until(name, "open")


async def listed(server: EvolutionServer) -> list[str]:
    return sorted(row["name"] for row in (await server.client.get("/instance/fetchInstances")).json())


async def world(server: EvolutionServer) -> dict[str, Any]:
    state: dict[str, Any] = (await server.client.get("/_sandbox/state")).json()
    return state


async def delete(server: EvolutionServer, name: str = "shop") -> httpx.Response:
    return await server.client.delete(f"/instance/delete/{name}")


async def test_after_a_start_the_database_is_known_before_the_instances_are(evolution: EvolutionServer):
    await paired(evolution)
    await evolution.create("chat", "EVOLUTION")

    await evolution.control("restart", {"seconds": 30})

    assert await listed(evolution) == ["chat", "shop"]
    by_name = await evolution.client.get("/instance/fetchInstances", params={"instanceName": "shop"})
    assert by_name.status_code == 404
    assert await evolution.state("shop") is None
    assert "evolution_instances_total 0" in (await evolution.client.get("/metrics")).text


async def test_a_start_connects_what_was_not_closed(start_evolution: StartEvolution):
    pace = replace(QUICK, qr_limit=1, qr_lifetime=0.2)
    server = await start_evolution(manual_pairing=True, pace=pace)
    for name in ("linked", "gave-up", "closed"):
        await server.create(name)
    await server.control("instances/linked/scan", {"number": "37120000001"})
    await server.until("linked", "open")
    await server.client.get("/instance/connect/gave-up")
    await server.until("gave-up", "close")

    await server.control("restart", {})

    await server.until("linked", "open")
    await server.until("gave-up", "connecting")
    assert await server.state("closed") == "close"


async def test_a_restart_loses_ghosts_and_unfinished_deletions(start_evolution: StartEvolution):
    server = await start_evolution(delete_after=60)
    for name in ("ghost", "leaving"):
        await server.create(name, "EVOLUTION")
    await server.client.delete("/_sandbox/instances/ghost", params={"ghost": "1"})
    assert (await delete(server, "leaving")).status_code == 200

    await server.control("restart", {})

    await server.until("leaving", "open")
    await server.until("ghost", None)


async def test_a_dead_socket_looks_open_until_the_next_start(evolution: EvolutionServer):
    await paired(evolution)
    await evolution.control("instances/shop/troubles", {"deadSocket": True})

    message = {"number": "37120000002", "text": "hi"}
    answers = [
        await evolution.client.post("/message/sendText/shop", json=message),
        await evolution.client.post("/chat/whatsappNumbers/shop", json={"numbers": ["37120000002"]}),
        await evolution.client.delete("/instance/logout/shop"),
        await delete(evolution),
    ]

    assert [answer.status_code for answer in answers] == [500, 500, 500, 400]
    assert all("Connection Closed" in answer.text for answer in answers)
    assert await evolution.state("shop") == "open"
    await evolution.control("restart", {})
    await evolution.until("shop", "open")
    assert (await evolution.client.post("/message/sendText/shop", json=message)).status_code == 201
    assert (await delete(evolution)).status_code == 200
    await evolution.until("shop", None)


async def test_a_deletion_may_leave_its_row_behind(evolution: EvolutionServer):
    await evolution.create("shop", "EVOLUTION")
    await evolution.control("instances/shop/troubles", {"deleteLeavesRow": True})

    first = await delete(evolution)
    while (await world(evolution))["instances"]["shop"]["deleting"]:
        pass

    assert first.json()["status"] == "SUCCESS"
    assert await listed(evolution) == ["shop"]
    assert await evolution.state("shop") is None
    assert (await evolution.create("shop")).status_code == 403
    await delete(evolution)
    await evolution.until("shop", None)


async def test_what_is_deleted_while_reconnecting_goes_on_trying_until_the_next_start(
    evolution: EvolutionServer,
):
    await paired(evolution)
    await evolution.control("whatsapp", {"reachable": False, "flapping": True})

    await delete(evolution)
    await evolution.until("shop", None)

    assert (await world(evolution))["orphans"] == ["shop"]
    await evolution.control("restart", {})
    assert (await world(evolution))["orphans"] == []


async def test_an_outage_is_a_storm_of_webhooks_and_both_states(
    evolution: EvolutionServer, receiver: Receiver
):
    await paired(evolution)
    webhook = {"url": receiver.url, "enabled": True, "events": ["CONNECTION_UPDATE"]}
    await evolution.control("instances/shop/webhook", webhook)

    await evolution.control("whatsapp", {"reachable": False, "flapping": True})

    seen: set[str | None] = set()
    async with asyncio.timeout(10):
        while len(seen) < 2 or len(receiver.received) < 10:
            seen.add(await evolution.state("shop"))
    assert seen == {"close", "connecting"}
    assert {item.body["data"]["state"] for item in receiver.received} == {"connecting"}
    assert (await evolution.row("shop"))["connectionStatus"] == "open"
    await evolution.control("whatsapp", {"reachable": True})
    await evolution.until("shop", "open")


async def test_a_new_picture_makes_two_sockets_fight_over_the_login(
    evolution: EvolutionServer, receiver: Receiver
):
    await paired(evolution)
    webhook = {"url": receiver.url, "enabled": True, "events": ["CONNECTION_UPDATE"]}
    await evolution.control("instances/shop/webhook", webhook)

    picture = {"picture": "https://shop.example/logo.png"}
    answer = await evolution.client.post("/chat/updateProfilePicture/shop", json=picture)

    assert answer.json() == {"update": "success"}
    async with asyncio.timeout(10):
        while len(receiver.received) < 6:
            await evolution.state("shop")
    states = [item.body["data"]["state"] for item in receiver.received]
    assert states[:6] == ["connecting", "open"] * 3


async def test_without_a_licence_only_the_welcome_answers(evolution: EvolutionServer):
    await evolution.create("shop", "EVOLUTION")
    await evolution.control("server", {"licensed": False})

    locked = [
        await evolution.client.get("/instance/fetchInstances"),
        await evolution.client.get("/instance/connectionState/nobody"),
        await evolution.client.get("/metrics"),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in locked} == {(503, "LICENSE_REQUIRED")}
    assert (await evolution.client.get("/")).status_code == 200
    await evolution.control("server", {"licensed": True})
    assert await listed(evolution) == ["shop"]


async def test_a_used_code_is_shown_again_until_a_new_one_comes(start_evolution: StartEvolution):
    server = await start_evolution(manual_pairing=True)
    await server.create("shop")
    used = (await server.client.get("/instance/connect/shop")).json()
    await server.control("instances/shop/scan", {"number": "37120000001"})
    await server.until("shop", "open")

    await server.control("whatsapp", {"reachable": False})
    again = (await server.client.post("/instance/restart/shop")).json()

    assert again == used


async def test_codes_are_counted_across_pairings(start_evolution: StartEvolution):
    server = await start_evolution(manual_pairing=True)
    await server.create("shop")
    counts = []
    for _ in range(3):
        counts.append((await server.client.get("/instance/connect/shop")).json()["count"])
        await server.control("instances/shop/scan", {"number": "37120000001"})
        await server.until("shop", "open")
        await server.control("instances/shop/close", {"code": 401})

    assert counts == [1, 2, 3]


async def test_a_failed_creation_holds_its_name_for_a_while(start_evolution: StartEvolution):
    server = await start_evolution(delete_after=0.2)

    failed = await server.create("shop", "WHATSAPP-BUSINESS", token="t")

    assert failed.status_code == 400
    row = (await server.client.get("/instance/fetchInstances")).json()[0]
    assert (row["name"], row["connectionStatus"], row["Setting"]) == ("shop", "close", None)
    assert (await server.create("shop", "EVOLUTION")).status_code == 403
    await server.until("shop", None)
    assert (await server.create("shop", "EVOLUTION")).status_code == 201


@pytest.mark.parametrize("path", ["chatwoot/find/shop", "dify/find/shop"])
async def test_a_switched_off_integration_says_so(evolution: EvolutionServer, path: str):
    await evolution.create("shop", "EVOLUTION")
    await evolution.control("server", {"chatwoot": False, "disabledBots": ["dify"]})

    answer = await evolution.client.get(f"/{path}")

    assert answer.status_code == 400
    assert answer.json()["response"]["message"] == [
        f"{path.split('/', maxsplit=1)[0].capitalize()} is disabled"
    ]


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("server", {"disabledBots": ["clippy"]}, "Unknown kinds of bots"),
        ("server", {"licensed": "no"}, '"licensed" must be true or false.'),
        ("restart", {"seconds": -1}, "a number from 0"),
    ],
)
async def test_controls_say_what_is_wrong_with_an_order(
    evolution: EvolutionServer, path: str, body: object, text: str
):
    response = await evolution.client.post(f"/_sandbox/{path}", json=body)

    assert response.status_code == 400
    assert text in response.json()["error"]
