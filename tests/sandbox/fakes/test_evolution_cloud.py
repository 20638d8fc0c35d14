"""WHATSAPP-BUSINESS on the fake Evolution: what goes to the Graph API, and what its refusals become."""

from collections.abc import AsyncIterator

import pytest

from .conftest import EvolutionServer, StartEvolution
from .graph_stub import running_graph
from .receiver import Receiver

TEMPLATE = {"name": "order_ready", "category": "UTILITY", "language": "en_US", "components": []}


@pytest.fixture
async def cloud(start_evolution: StartEvolution) -> AsyncIterator[EvolutionServer]:
    """A server with two tenants at Meta, the second of which has an expired token."""
    async with running_graph() as graph:
        server = await start_evolution(graph_base_url=graph)
        for name, token, number in (("shop", "good", "100"), ("expired", "bad-graph-token", "200")):
            await server.create(
                name, "WHATSAPP-BUSINESS", token=token, number=number, businessId=f"9{number}"
            )
        yield server


async def test_a_message_bears_the_id_meta_gave_it(cloud: EvolutionServer):
    answer = await cloud.client.post("/message/sendText/shop", json={"number": "37120000002", "text": "hi"})

    assert answer.status_code == 201
    assert answer.json()["key"] == {
        "fromMe": True,
        "id": "wamid.HBgLNT00000001",
        "remoteJid": "37120000002@s.whatsapp.net",
    }
    assert (await cloud.row("shop"))["_count"]["Message"] == 1


async def test_what_meta_refuses_is_created_without_a_key(cloud: EvolutionServer):
    answer = await cloud.client.post(
        "/message/sendText/expired", json={"number": "37120000002", "text": "hi"}
    )

    assert (answer.status_code, answer.json()["code"]) == (201, 190)
    assert "key" not in answer.json()
    assert (await cloud.row("expired"))["_count"]["Message"] == 0


async def test_a_template_of_one_tenant_takes_its_name_from_all(cloud: EvolutionServer):
    await cloud.create("other", "WHATSAPP-BUSINESS", token="good", number="300", businessId="9300")

    first = await cloud.client.post("/template/create/shop", json=TEMPLATE)
    second = await cloud.client.post("/template/create/other", json=TEMPLATE)
    await cloud.client.request("DELETE", "/template/delete/shop", json={"name": "order_ready"})
    third = await cloud.client.post("/template/create/other", json=TEMPLATE)

    assert [answer.status_code for answer in (first, second, third)] == [201, 400, 201]
    assert second.json()["details"]["whatsapp_code"] == "P2002"


async def test_a_deleted_instance_gives_its_template_names_back(cloud: EvolutionServer):
    await cloud.client.post("/template/create/shop", json=TEMPLATE)
    await cloud.client.delete("/instance/delete/shop")
    await cloud.until("shop", None)

    await cloud.create("shop", "WHATSAPP-BUSINESS", token="good", number="100", businessId="9100")

    assert (await cloud.client.post("/template/create/shop", json=TEMPLATE)).status_code == 201


async def test_an_expired_token_hides_all_templates(cloud: EvolutionServer):
    good = await cloud.client.get("/template/find/shop")
    expired = await cloud.client.get("/template/find/expired")

    assert [template["name"] for template in good.json()] == ["hello_world"]
    assert (expired.status_code, expired.json()) == (200, None)


async def test_meta_writes_to_the_instance_with_its_number(cloud: EvolutionServer, receiver: Receiver):
    webhook = {"url": receiver.url, "enabled": True, "events": ["MESSAGES_UPSERT", "CONTACTS_UPSERT"]}
    await cloud.control("instances/shop/webhook", webhook)
    value = {
        "metadata": {"phone_number_id": "100"},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "37120000009"}],
        "messages": [
            {"from": "37120000009", "id": "wamid.IN1", "timestamp": "1795343467", "text": {"body": "hi"}}
        ],
    }
    change = {"field": "messages", "value": value}

    await cloud.client.post("/webhook/meta", json={"entry": [{"id": "1", "changes": [change]}]})

    sent = (await receiver.wait_for("messages.upsert")).body["data"]
    assert (sent["key"]["remoteJid"], sent["pushName"]) == ("37120000009@s.whatsapp.net", "Ana")
    assert (sent["message"], sent["messageTimestamp"]) == ({"conversation": "hi"}, 1795343467)
    found = await cloud.client.post("/chat/findMessages/shop", json={"where": {}})
    assert found.json()["messages"]["total"] == 1


@pytest.mark.parametrize(
    ("token", "said"), [("evolution", "12345"), ("guess", "Error, wrong validation token")]
)
async def test_meta_verifies_the_address_first(cloud: EvolutionServer, token: str, said: str):
    query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "12345"}

    assert (await cloud.client.get("/webhook/meta", params=query)).text == said
