"""The webhooks the fake Evolution sends have the shape of the recorded ones."""


import httpx
import pytest

from controller.sandbox.fakes.evolution import EvolutionFake, Pace
from tests.sandbox.fakes.receiver import Receiver

from .recordings import folder, load_webhook

QUICK = Pace(qr_after=0, connect_wait=0, create_takes=0, reconnect_after=0, app_state_key_after=0)
RECORDED = {
    "webhook-baileys-instance-create": "instance.create",
    "webhook-baileys-qrcode-updated": "qrcode.updated",
    "webhook-baileys-connection-update-connecting-200": "connection.update",
    "webhook-baileys-send-message": "send.message",
    "webhook-baileys-status-instance": "status.instance",
    "webhook-baileys-logout-instance": "logout.instance",
    "webhook-baileys-instance-delete": "instance.delete",
    "webhook-baileys-remove-instance": "remove.instance",
    "webhook-event-messages-upsert-biz-1": "messages.upsert",
}


@pytest.fixture
async def whole_life(receiver: Receiver) -> Receiver:
    """The webhooks of one instance from its creation to its deletion."""
    fake = EvolutionFake(api_key="k", scan_after=0, delete_after=0, pace=QUICK)
    base_url = await fake.start()
    async with httpx.AsyncClient(base_url=base_url, headers={"apikey": "k"}) as client:
        webhook = {"url": receiver.url, "events": []}
        await client.post(
            "/instance/create",
            json={
                "instanceName": "t1",
                "integration": "WHATSAPP-BAILEYS",
                "number": "3712000",
                "webhook": webhook,
            },
        )
        await client.get("/instance/connect/t1")
        while (await client.get("/instance/connectionState/t1")).json()["instance"]["state"] != "open":
            pass
        await client.post("/message/sendText/t1", json={"number": "37120000002", "text": "hello"})
        await client.post("/_sandbox/instances/t1/inbound", json={"from": "37120000003", "text": "hi"})
        await client.post("/_sandbox/instances/t1/close", json={"code": 401})
        await client.delete("/instance/delete/t1")
        await receiver.wait_for("remove.instance")
    await fake.stop()
    return receiver


@pytest.mark.parametrize(("name", "event"), RECORDED.items())
async def test_envelope_and_data_have_the_recorded_names(whole_life: Receiver, name: str, event: str):
    recorded = load_webhook(folder("recordings", "evolution") / f"{name}.json")

    sent = await whole_life.wait_for(event)

    # `sender` comes with the first login, whichever event that falls on.
    assert set(sent.body) | {"sender"} == set(recorded) | {"sender"}
    recorded_data = recorded["data"]
    if recorded_data is None:
        assert sent.body["data"] is None
    else:
        assert isinstance(recorded_data, dict)
        assert set(sent.body["data"]) == set(recorded_data)


async def test_connection_updates_tell_the_recorded_states_in_order(whole_life: Receiver):
    updates = [item.body["data"] for item in whole_life.received if item.body["event"] == "connection.update"]

    assert [(update["state"], update["statusReason"]) for update in updates] == [
        ("connecting", 200),
        ("open", 200),
        ("close", 401),
    ]
    recorded = load_webhook(
        folder("recordings", "evolution") / "webhook-baileys-connection-update-open-200.json"
    )
    assert set(updates[1]) == set(recorded["data"])
