"""The webhooks the fake Evolution sends have the shape of the recorded ones."""

from dataclasses import replace

import httpx
import pytest

from controller.sandbox.fakes.evolution import EvolutionFake, Pace
from tests.recording_summary import REPLAYED
from tests.sandbox.fakes.receiver import Receiver

from .recordings import folder, load_webhook

QUICK = Pace(qr_after=0, connect_wait=0, create_takes=0, reconnect_after=0, app_state_key_after=0)
LIFE_OF_A_PHONE = {
    "webhook-baileys-instance-create": "instance.create",
    "webhook-baileys-qrcode-updated": "qrcode.updated",
    "webhook-baileys-connection-update-connecting-200": "connection.update",
    "webhook-event-connection-update-wa-1-connecting": "connection.update",
    "webhook-baileys-connection-update-open-200": "connection.update",
    "webhook-baileys-connection-update-close-401": "connection.update",
    "webhook-baileys-connection-update-close-428": "connection.update",
    "webhook-baileys-connection-update-close-440": "connection.update",
    "webhook-baileys-send-message": "send.message",
    "webhook-baileys-status-instance": "status.instance",
    "webhook-baileys-logout-instance": "logout.instance",
    "webhook-baileys-instance-delete": "instance.delete",
    "webhook-baileys-remove-instance": "remove.instance",
    "webhook-event-messages-upsert-evo-full": "messages.upsert",
}
UNPAIRED = {
    "webhook-baileys-qrcode-updated-pairing": "qrcode.updated",
    "webhook-baileys-qrcode-updated-limit": "qrcode.updated",
    "webhook-baileys-connection-update-refused-428": "connection.update",
}
OPEN_CHANNEL = {
    "webhook-event-instance-create-biz-1": "instance.create",
    "webhook-event-instance-create-evo-full": "instance.create",
    "webhook-event-send-message-evo-full": "send.message",
}
RECORDINGS = {*LIFE_OF_A_PHONE, *UNPAIRED, *OPEN_CHANNEL}


async def until(client: httpx.AsyncClient, state: str) -> None:
    while (await client.get("/instance/connectionState/t1")).json()["instance"]["state"] != state:
        pass


async def create(client: httpx.AsyncClient, receiver: Receiver, integration: str) -> None:
    created = await client.post(
        "/instance/create",
        json={
            "instanceName": "t1",
            "integration": integration,
            "number": "3712000",
            "webhook": {"url": receiver.url, "events": []},
        },
    )
    assert created.status_code == 201


@pytest.fixture
async def life_of_a_phone(receiver: Receiver) -> Receiver:
    """The webhooks of a WHATSAPP-BAILEYS instance from its creation to its deletion."""
    fake = EvolutionFake(api_key="k", scan_after=0, delete_after=0, pace=QUICK)
    base_url = await fake.start()
    async with httpx.AsyncClient(base_url=base_url, headers={"apikey": "k"}) as client:
        await create(client, receiver, "WHATSAPP-BAILEYS")
        await client.get("/instance/connect/t1")
        await until(client, "open")
        await client.post("/message/sendText/t1", json={"number": "37120000002", "text": "hello"})
        await client.post("/_sandbox/instances/t1/inbound", json={"from": "37120000003", "text": "hi"})
        for code in (428, 440):
            await client.post("/_sandbox/instances/t1/close", json={"code": code, "announced": True})
            await until(client, "open")
        await client.post("/_sandbox/instances/t1/close", json={"code": 401})
        await client.delete("/instance/delete/t1")
        await receiver.wait_for("remove.instance")
    await fake.stop()
    return receiver


@pytest.fixture
async def unpaired(receiver: Receiver) -> Receiver:
    """The webhooks of an instance that shows pairing codes until it gives up."""
    pace = replace(QUICK, qr_lifetime=0, qr_limit=2)
    fake = EvolutionFake(api_key="k", manual_pairing=True, pace=pace)
    base_url = await fake.start()
    async with httpx.AsyncClient(base_url=base_url, headers={"apikey": "k"}) as client:
        await create(client, receiver, "WHATSAPP-BAILEYS")
        await client.get("/instance/connect/t1", params={"number": "37120000001"})
        await receiver.wait_for_data("state", "refused")
    await fake.stop()
    return receiver


@pytest.fixture
async def open_channel(receiver: Receiver) -> Receiver:
    """The webhooks of an EVOLUTION instance that sends a message."""
    fake = EvolutionFake(api_key="k", pace=QUICK)
    base_url = await fake.start()
    async with httpx.AsyncClient(base_url=base_url, headers={"apikey": "k"}) as client:
        await create(client, receiver, "EVOLUTION")
        await client.post("/message/sendText/t1", json={"number": "37120000002", "text": "hello"})
        await receiver.wait_for("send.message")
    await fake.stop()
    return receiver


def assert_sent(receiver: Receiver, name: str, event: str, request: pytest.FixtureRequest) -> None:
    """Some webhook of the event has the recorded names, and the recorded state where it tells one."""
    recorded = load_webhook(folder("recordings", "evolution") / f"{name}.json")
    sent = [item.body for item in receiver.received if item.body["event"] == event]
    # `sender` comes with the first login, whichever event that falls on.
    assert {frozenset({*body, "sender"}) for body in sent} == {frozenset({*recorded, "sender"})}
    assert shape(recorded["data"]) in [shape(body["data"]) for body in sent]
    request.node.user_properties.append((REPLAYED, name))


def shape(data: object) -> object:
    """The names in an event's data, and the values that say what happened."""
    if not isinstance(data, dict):
        return data
    words = {name: data.get(name) for name in ("state", "statusReason", "message")}
    return set(data), {name: word for name, word in words.items() if isinstance(word, str | int)}


@pytest.mark.parametrize(("name", "event"), LIFE_OF_A_PHONE.items())
async def test_life_of_a_phone(
    life_of_a_phone: Receiver, name: str, event: str, request: pytest.FixtureRequest
):
    assert_sent(life_of_a_phone, name, event, request)


@pytest.mark.parametrize(("name", "event"), UNPAIRED.items())
async def test_pairing_that_nobody_completes(
    unpaired: Receiver, name: str, event: str, request: pytest.FixtureRequest
):
    assert_sent(unpaired, name, event, request)


@pytest.mark.parametrize(("name", "event"), OPEN_CHANNEL.items())
async def test_channel_without_a_phone(
    open_channel: Receiver, name: str, event: str, request: pytest.FixtureRequest
):
    assert_sent(open_channel, name, event, request)


async def test_connection_updates_tell_the_recorded_states_in_order(life_of_a_phone: Receiver):
    updates = [
        item.body["data"] for item in life_of_a_phone.received if item.body["event"] == "connection.update"
    ]

    assert [(update["state"], update["statusReason"]) for update in updates] == [
        ("connecting", 200),
        ("open", 200),
        ("close", 428),
        ("connecting", 200),
        ("open", 200),
        ("close", 440),
        ("connecting", 200),
        ("open", 200),
        ("close", 401),
    ]
