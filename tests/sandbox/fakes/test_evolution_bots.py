"""Bots on the fake Evolution: what may stand beside what, and what goes when something goes."""

from typing import Any

import httpx
import pytest

from controller.sandbox.fakes.evolution.bots.kinds import Kind

from .conftest import EvolutionServer, StartEvolution

ADDRESS = "http://127.0.0.1:9"
FIELDS: dict[str, dict[str, object]] = {
    Kind.EVOLUTION_BOT: {"apiUrl": ADDRESS},
    Kind.TYPEBOT: {"url": ADDRESS, "typebot": "hello"},
    Kind.OPENAI: {"botType": "chatCompletion", "model": "gpt-4o", "maxTokens": 100},
    Kind.DIFY: {"botType": "chatBot", "apiUrl": ADDRESS, "apiKey": "k"},
    Kind.N8N: {"webhookUrl": ADDRESS},
    Kind.EVOAI: {"agentUrl": ADDRESS},
    Kind.FLOWISE: {"apiUrl": ADDRESS},
}
OTHER_FIELDS: dict[str, dict[str, object]] = {
    kind: {name: f"{value}/2" if value == ADDRESS else value for name, value in fields.items()}
    for kind, fields in FIELDS.items()
} | {Kind.OPENAI: {**FIELDS[Kind.OPENAI], "model": "gpt-4.1"}}


async def body_of(server: EvolutionServer, kind: str, **fields: object) -> dict[str, object]:
    body = {"enabled": True, "triggerType": "all", **FIELDS[kind], **fields}
    if kind == Kind.OPENAI and "openaiCredsId" not in body:
        body["openaiCredsId"] = await credentials(server)
    return body


async def credentials(server: EvolutionServer, instance: str = "shop", name: str = "main") -> str:
    present = (await server.client.get(f"/openai/creds/{instance}")).json()
    for found in present:
        if found["name"] == name:
            return str(found["id"])
    body = {"name": name, "apiKey": f"sk-{name}"}
    return str((await server.client.post(f"/openai/creds/{instance}", json=body)).json()["id"])


async def create(server: EvolutionServer, kind: str, **fields: object) -> httpx.Response:
    return await server.client.post(f"/{kind}/create/shop", json=await body_of(server, kind, **fields))


async def created(server: EvolutionServer, kind: str, **fields: object) -> dict[str, Any]:
    response = await create(server, kind, **fields)
    assert response.status_code == 201, response.text
    bot: dict[str, Any] = response.json()
    return bot


async def update(server: EvolutionServer, kind: str, bot_id: str, **fields: object) -> httpx.Response:
    body = await body_of(server, kind, **fields)
    return await server.client.put(f"/{kind}/update/{bot_id}/shop", json=body)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("sent", [{"enabled": True}, {"enabled": False}], ids=["enabled", "disabled"])
async def test_one_enabled_all_bot_shuts_out_every_other(
    evolution: EvolutionServer, kind: str, sent: dict[str, bool]
):
    await evolution.create("shop")
    await created(evolution, kind)

    refused = await create(evolution, kind, **sent, **OTHER_FIELDS[kind])

    assert refused.status_code == 500
    assert 'with an "All" trigger' in refused.json()["response"]["message"]
    assert len((await evolution.client.get(f"/{kind}/find/shop")).json()) == 1


@pytest.mark.parametrize("kind", Kind)
async def test_a_change_within_a_kind_is_an_update_of_the_same_bot(evolution: EvolutionServer, kind: str):
    await evolution.create("shop")
    bot = await created(evolution, kind, description="before", expire=20)

    changed = await update(evolution, kind, bot["id"], description="after", **OTHER_FIELDS[kind])

    assert changed.status_code == 200, changed.text
    expected = bot | OTHER_FIELDS[kind] | {"description": "after", "updatedAt": changed.json()["updatedAt"]}
    assert changed.json() == expected
    assert (await evolution.client.get(f"/{kind}/fetch/{bot['id']}/shop")).json() == expected


async def test_a_change_across_kinds_goes_through_a_disabled_bot(evolution: EvolutionServer):
    await evolution.create("shop")
    old = await created(evolution, Kind.N8N)
    new = await created(evolution, Kind.DIFY, enabled=False)

    steps = [
        await update(evolution, Kind.N8N, old["id"], enabled=False),
        await update(evolution, Kind.DIFY, new["id"], enabled=True),
    ]

    assert [step.status_code for step in steps] == [200, 200]


async def test_no_all_bot_can_be_updated_beside_an_enabled_one(evolution: EvolutionServer):
    await evolution.create("shop")
    first = await created(evolution, Kind.N8N, enabled=False)
    await created(evolution, Kind.N8N, **OTHER_FIELDS[Kind.N8N])

    refused = await update(evolution, Kind.N8N, first["id"], enabled=False, description="new")

    assert (refused.status_code, refused.json()["response"]["message"]) == (500, "Error updating N8n")
    assert (await evolution.client.get(f"/n8n/fetch/{first['id']}/shop")).json() == first


async def test_keyword_bots_are_accepted_beside_an_enabled_all_bot(evolution: EvolutionServer):
    await evolution.create("shop")
    await created(evolution, Kind.N8N)

    trigger = {"triggerType": "keyword", "triggerOperator": "contains", "triggerValue": "price"}
    await created(evolution, Kind.N8N, **OTHER_FIELDS[Kind.N8N], **trigger)


async def test_the_first_bot_makes_the_settings_and_later_bots_take_from_them(evolution: EvolutionServer):
    await evolution.create("shop")
    await created(evolution, Kind.N8N, expire=7, keywordFinish="#BYE", triggerType="none")

    second = await created(evolution, Kind.N8N, triggerType="none", **OTHER_FIELDS[Kind.N8N])

    settings = (await evolution.client.get("/n8n/fetchSettings/shop")).json()
    assert (settings["expire"], settings["keywordFinish"]) == (7, "#BYE")
    assert (second["expire"], second["keywordFinish"]) == (7, "#BYE")


async def test_a_key_is_rotated_through_the_bots_and_the_settings(evolution: EvolutionServer):
    await evolution.create("shop")
    old = await credentials(evolution)
    bot = await created(evolution, Kind.OPENAI)
    new = await credentials(evolution, name="second")

    await update(evolution, Kind.OPENAI, bot["id"], openaiCredsId=new)
    too_early = await evolution.client.delete(f"/openai/creds/{old}/shop")
    settings = (await evolution.client.get("/openai/fetchSettings/shop")).json()
    wanted = {
        "expire": 20,
        "keywordFinish": "#",
        "delayMessage": 1000,
        "unknownMessage": "?",
        "listeningFromMe": False,
        "stopBotFromMe": False,
        "keepOpen": False,
        "debounceTime": 0,
        "ignoreJids": [],
        "openaiCredsId": new,
    }
    await evolution.client.post("/openai/settings/shop", json=wanted)
    deleted = await evolution.client.delete(f"/openai/creds/{old}/shop")

    assert settings["openaiCredsId"] == old
    assert (too_early.status_code, deleted.status_code) == (500, 200)
    assert [found["id"] for found in (await evolution.client.get("/openai/creds/shop")).json()] == [new]
    assert [found["id"] for found in (await evolution.client.get("/openai/find/shop")).json()] == [bot["id"]]


async def test_credentials_nobody_s_settings_name_take_their_bots_along(evolution: EvolutionServer):
    await evolution.create("shop")
    await credentials(evolution)
    await created(evolution, Kind.OPENAI, triggerType="none")
    other = await credentials(evolution, name="second")
    await created(evolution, Kind.OPENAI, openaiCredsId=other, triggerType="none", model="gpt-4.1")

    await evolution.client.delete(f"/openai/creds/{other}/shop")

    models = [bot["model"] for bot in (await evolution.client.get("/openai/find/shop")).json()]
    assert models == ["gpt-4o"]


async def test_a_deleted_instance_takes_everything_along(evolution: EvolutionServer):
    await evolution.create("shop")
    for kind in Kind:
        await created(evolution, kind)
    before = (await evolution.client.get("/_sandbox/state")).json()["bots"]

    await evolution.client.delete("/instance/delete/shop")
    await evolution.until("shop", None)

    assert set(before) == set(Kind)
    assert (await evolution.client.get("/_sandbox/state")).json()["bots"] == {}
    await evolution.create("shop")
    # Nobody has the name and the key any more.
    assert (
        await evolution.client.post("/openai/creds/shop", json={"name": "main", "apiKey": "sk-main"})
    ).status_code == 201
    assert (await evolution.client.get("/openai/fetchSettings/shop")).json()["fallbackId"] == ""


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.EVOLUTION_BOT])
async def test_a_kind_can_be_switched_off(start_evolution: StartEvolution, kind: str):
    server = await start_evolution(disabled_bots={kind})
    await server.create("shop")

    body = {"enabled": True, "triggerType": "all", **FIELDS[kind], "openaiCredsId": "none"}
    answers = [
        await server.client.post(f"/{kind}/create/shop", json=body),
        await server.client.get(f"/{kind}/find/shop"),
        await server.client.get(f"/{kind}/fetchSettings/shop"),
    ]

    assert [answer.status_code for answer in answers] == [400] * 3
    assert answers[0].json()["response"]["message"] == [f"{kind.capitalize()} is disabled"]
