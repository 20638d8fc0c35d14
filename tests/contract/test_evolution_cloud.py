"""WHATSAPP-BUSINESS on the fake Evolution: messages and templates through a Graph API, and what Meta sends."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.fakes.graph_stub import running_graph
from tests.sandbox.fakes.receiver import Receiver

from .evolution_replay import AT_THE_BEGINNING, GLOBAL_KEY, Replay, replaying
from .recordings import folder, load_webhook

SENT = (
    "create-business-bad-graph-token sendText-business sendText-business-graph-error "
    "sendText-business-bad-graph-token sendTemplate-business template-find template-find-bad-graph-token "
    "template-find-not-business template-find-unknown-instance"
)
TEMPLATES = (
    "template-create-missing template-create template-create-meta-error "
    "template-create-same-name-other-instance template-edit template-delete template-delete-missing"
)
INBOUND = (
    "inbound-meta-verify inbound-meta-verify-wrong inbound-meta-message inbound-meta-unknown-number "
    "inbound-meta-status inbound-meta-template-status-unknown findMessages findContacts"
)
WEBHOOKS = {
    "webhook-event-messages-upsert-biz-1": "messages.upsert",
    "webhook-event-messages-update-biz-1": "messages.update",
    "webhook-event-contacts-upsert-biz-1": "contacts.upsert",
    "webhook-event-send-message-biz-1": "send.message",
}
TEMPLATE_STATUS = "inbound-meta-template-status webhook-event-APPROVED-template-status"
RECORDINGS = {*SENT.split(), *TEMPLATES.split(), *INBOUND.split(), *WEBHOOKS, *TEMPLATE_STATUS.split()}


@pytest.fixture
async def cloud(request: pytest.FixtureRequest) -> AsyncIterator[Replay]:
    async with (
        running_graph() as graph,
        replaying(request.node.user_properties, graph_base_url=graph) as replay,
    ):
        await replay.before((*AT_THE_BEGINNING, "create-business-qrcode-true"))
        yield replay


@pytest.mark.parametrize("names", [SENT, TEMPLATES], ids=["sent", "templates"])
async def test_meta_is_asked_and_its_answer_passed_on(cloud: Replay, names: str):
    await cloud.same(*names.split())


async def test_what_meta_sends_is_taken_in(cloud: Replay, receiver: Receiver):
    await cloud.before(["sendText-business"])
    await cloud.control("instances/biz-1/webhook", {"url": receiver.url, "events": list(_SUBSCRIBED)})

    await cloud.same(*INBOUND.split())
    await cloud.before(["sendText-business"])

    for name, event in WEBHOOKS.items():
        sent = await receiver.wait_for(event)
        wanted = load_webhook(folder("recordings", "evolution") / f"{name}.json")
        assert set(sent.body) == set(wanted)
        assert set(sent.body["data"]) == set(wanted["data"])
        cloud.count(name)


async def test_the_status_of_a_template_goes_to_its_creators_address(cloud: Replay, receiver: Receiver):
    created = await cloud.client.post(
        "/template/create/biz-1",
        json={
            "name": "promo",
            "category": "MARKETING",
            "language": "en_US",
            "components": [],
            "webhookUrl": f"{receiver.url}/template-status",
        },
        headers={"apikey": GLOBAL_KEY},
    )
    cloud.ids["9000000005"] = created.json()["templateId"]

    await cloud.same("inbound-meta-template-status")

    forwarded = load_webhook(
        folder("recordings", "evolution") / "webhook-event-APPROVED-template-status.json"
    )
    assert receiver.received[0].path == "/template-status"
    assert receiver.received[0].body == forwarded | {"message_template_id": int(created.json()["templateId"])}
    cloud.count("webhook-event-APPROVED-template-status")


_SUBSCRIBED = ("MESSAGES_UPSERT", "MESSAGES_UPDATE", "CONTACTS_UPSERT", "SEND_MESSAGE")
