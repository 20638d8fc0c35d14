"""Keys, settings, profile and messages on the fake Evolution, where no recording shows them in sequence."""

from dataclasses import replace

import httpx
import pytest

from .conftest import QUICK, EvolutionServer, StartEvolution


async def paired(server: EvolutionServer) -> None:
    await server.create("shop", number="37120000001")
    await server.client.get("/instance/connect/shop")
    await server.until("shop", "open")


async def test_the_token_opens_its_own_instance_only(evolution: EvolutionServer):
    for name in ("mine", "theirs"):
        await evolution.create(name, "EVOLUTION", token=f"token-{name}")

    async with httpx.AsyncClient(
        base_url=evolution.fake.base_url, headers={"apikey": "token-mine"}
    ) as tenant:
        own = await tenant.get("/instance/connectionState/mine")
        other = await tenant.get("/instance/connectionState/theirs")
        listed = await tenant.get("/instance/fetchInstances")

    assert (own.status_code, other.status_code) == (200, 401)
    assert [row["name"] for row in listed.json()] == ["mine"]


async def test_unknown_comes_before_unauthorized(evolution: EvolutionServer):
    async with httpx.AsyncClient(base_url=evolution.fake.base_url) as stranger:
        unknown = await stranger.get("/instance/connectionState/nobody")
        listed = await stranger.get("/instance/fetchInstances")

    assert (unknown.status_code, listed.status_code) == (404, 401)


async def test_settings_read_back_what_was_set(evolution: EvolutionServer):
    await evolution.create("shop", groupsIgnore=True)
    before = (await evolution.client.get("/settings/find/shop")).json()
    wanted = {**before, "rejectCall": True, "msgCall": "write to us"}

    response = await evolution.client.post("/settings/set/shop", json=wanted)

    assert response.status_code == 201
    assert (before["groupsIgnore"], before["rejectCall"]) == (True, False)
    assert (await evolution.client.get("/settings/find/shop")).json() == wanted
    assert (await evolution.row("shop"))["Setting"]["msgCall"] == "write to us"


async def test_settings_drift_by_hand(evolution: EvolutionServer):
    await evolution.create("shop")

    await evolution.control("instances/shop/settings", {"alwaysOnline": True})

    assert (await evolution.client.get("/settings/find/shop")).json()["alwaysOnline"] is True


async def test_profile_name_needs_a_key_that_comes_later(start_evolution: StartEvolution):
    server = await start_evolution(pace=replace(QUICK, app_state_key_after=0.3))
    await paired(server)

    early = await server.client.post("/chat/updateProfileName/shop", json={"name": "Corner Shop"})
    about = await server.client.post("/chat/updateProfileStatus/shop", json={"status": "Open"})
    later = early
    while later.status_code == 500:
        later = await server.client.post("/chat/updateProfileName/shop", json={"name": "Corner Shop"})

    assert early.json()["response"]["message"][1] == "Error: App state key not present!"
    assert about.json() == later.json() == {"update": "success"}
    shown = (await server.client.get("/_sandbox/instances/shop")).json()
    assert (shown["profileName"], shown["profileStatus"]) == ("Corner Shop", "Open")
    # The row learns of it at the next login.
    assert (await server.row("shop"))["profileName"] == "shop"


async def test_sent_messages_are_counted(evolution: EvolutionServer):
    await paired(evolution)
    await evolution.control("whatsapp", {"unknownNumbers": ["37120000000"]})

    sent = await evolution.client.post("/message/sendText/shop", json={"number": "37120000002", "text": "hi"})
    refused = await evolution.client.post(
        "/message/sendText/shop", json={"number": "37120000000", "text": "hi"}
    )

    assert sent.status_code == 201
    assert sent.json()["key"]["remoteJid"] == "37120000002@s.whatsapp.net"
    assert refused.json()["response"]["message"][0]["exists"] is False
    assert (await evolution.row("shop"))["_count"] == {"Message": 1, "Contact": 0, "Chat": 0}
    assert (await evolution.client.get("/_sandbox/state")).json()["messagesSent"] == 1


async def test_controls_name_what_they_do_not_find(evolution: EvolutionServer):
    response = await evolution.client.post("/_sandbox/instances/nobody/scan", json={"number": "1"})

    assert (response.status_code, response.json()) == (404, {"error": 'There is no instance "nobody".'})


@pytest.mark.parametrize("body", [b"[]", b"[1]", b'"text"', b"3"])
async def test_a_body_that_is_no_object_counts_as_empty(evolution: EvolutionServer, body: bytes):
    await evolution.create("shop")

    response = await evolution.client.post(
        "/settings/set/shop",
        content=body,
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 400
    assert 'instance requires property "rejectCall"' in response.json()["response"]["message"][0]
