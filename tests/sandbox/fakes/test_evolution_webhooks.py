"""What the fake Evolution sends to an instance's webhook."""

import asyncio
from dataclasses import replace
from typing import Any

import jwt
import pytest

from .conftest import QUICK, EvolutionServer, StartEvolution
from .receiver import Receiver


async def test_an_inbound_message_arrives_in_the_envelope(evolution: EvolutionServer, receiver: Receiver):
    webhook = {"url": f"{receiver.url}/shop", "events": ["MESSAGES_UPSERT"], "headers": {"x-tenant": "shop"}}
    await evolution.create("shop", webhook=webhook)

    body = {"from": "37120000009", "text": "hi", "pushName": "Ana", "id": "IN1"}
    await evolution.control("instances/shop/inbound", body)

    sent = await receiver.wait_for("messages.upsert")
    assert sent.path == "/shop"
    assert sent.headers["x-tenant"] == "shop"
    assert sent.body["instance"] == "shop"
    assert sent.body["destination"] == f"{receiver.url}/shop"
    assert sent.body["data"]["key"] == {
        "id": "IN1",
        "remoteJid": "37120000009@s.whatsapp.net",
        "fromMe": False,
    }
    assert sent.body["data"]["message"] == {"conversation": "hi"}
    assert (await evolution.row("shop"))["_count"]["Message"] == 1


async def test_jwt_key_becomes_a_signed_bearer_token(evolution: EvolutionServer, receiver: Receiver):
    key = "k" * 32
    webhook = {"url": receiver.url, "events": ["MESSAGES_UPSERT"], "headers": {"jwt_key": key}}
    await evolution.create("shop", webhook=webhook)

    await evolution.control("instances/shop/inbound", {"from": "37120000009", "text": "hi"})

    headers = (await receiver.wait_for("messages.upsert")).headers
    claims = jwt.decode(headers["Authorization"].removeprefix("Bearer "), key, algorithms=["HS256"])
    assert (claims["app"], claims["action"], claims["exp"] - claims["iat"]) == ("evolution", "webhook", 600)
    assert "jwt_key" not in headers


async def test_by_events_adds_the_event_to_the_path(evolution: EvolutionServer, receiver: Receiver):
    await evolution.create("shop", webhook={"url": f"{receiver.url}/x", "events": [], "byEvents": True})

    assert (await receiver.wait_for("instance.create")).path == "/x/instance-create"


@pytest.mark.parametrize(
    "change",
    [{"enabled": False, "url": "keep"}, {"enabled": True, "url": "keep", "events": ["CALL"]}],
    ids=["disabled", "not subscribed"],
)
async def test_only_subscribed_events_are_sent(
    evolution: EvolutionServer, receiver: Receiver, change: dict[str, object]
):
    await evolution.create("shop", webhook={"url": receiver.url, "events": ["MESSAGES_UPSERT"]})
    wanted = {"webhook": change | {"url": receiver.url}}
    assert (await evolution.client.post("/webhook/set/shop", json=wanted)).status_code == 201

    await evolution.control("instances/shop/inbound", {"from": "37120000009", "text": "first"})
    await evolution.control("instances/shop/webhook", {"enabled": True, "events": ["MESSAGES_UPSERT"]})
    await evolution.control("instances/shop/inbound", {"from": "37120000009", "text": "second"})

    first = await receiver.wait_for("messages.upsert")
    assert first.body["data"]["message"]["conversation"] == "second"


async def test_a_failing_receiver_is_tried_again_but_not_for_ever(
    evolution: EvolutionServer, receiver: Receiver
):
    receiver.status = 500
    await evolution.create("shop", webhook={"url": receiver.url, "events": ["INSTANCE_CREATE"]})

    deliveries: dict[str, Any] = {"failed": 0}
    while not deliveries["failed"]:
        deliveries = (await evolution.client.get("/_sandbox/deliveries")).json()

    assert deliveries["newest"][0]["attempts"] == 1 + len(QUICK.webhook_retries)
    assert receiver.events() == ["instance.create"] * 3


async def test_a_refusing_receiver_is_not_tried_again(evolution: EvolutionServer, receiver: Receiver):
    receiver.status = 404
    await evolution.create("shop", webhook={"url": receiver.url, "events": ["INSTANCE_CREATE"]})

    await receiver.wait_for("instance.create")
    deliveries: dict[str, Any] = {"failed": 0}
    while not deliveries["failed"]:
        deliveries = (await evolution.client.get("/_sandbox/deliveries")).json()

    assert deliveries["newest"][0]["attempts"] == 1


async def test_deletion_waits_for_a_subscribed_receiver_that_is_down(start_evolution: StartEvolution):
    server = await start_evolution(pace=replace(QUICK, webhook_retries=(0.4,)))
    down = "http://127.0.0.1:9"
    await server.create("told", webhook={"url": down, "events": ["REMOVE_INSTANCE"]})
    await server.create("silent", webhook={"url": down, "events": ["CONNECTION_UPDATE"]})

    await asyncio.gather(*(server.client.delete(f"/instance/delete/{name}") for name in ("told", "silent")))

    await server.until("silent", None)
    assert (await server.create("told")).status_code == 403
    await server.until("told", None)
