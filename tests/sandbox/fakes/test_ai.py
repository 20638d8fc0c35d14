"""The fake AIs answer in the form of each protocol, and tell of no text or key."""

from collections.abc import AsyncIterator

import httpx
import pytest

from controller.sandbox.fakes.ai import AiFake, Via

KEY = "sk-never-shown"
TEXT = "customer text"


@pytest.fixture
async def fake() -> AsyncIterator[AiFake]:
    fake = AiFake()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def http(fake: AiFake) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=fake.base_url, headers=headers, verify=False) as client:  # noqa: S501  plain HTTP
        yield client


async def test_a_flow_remembers_for_whom_it_was_started(fake: AiFake, http: httpx.AsyncClient) -> None:
    start = {"prefilledVariables": {"instanceName": "cafe-1"}}
    started = (await http.post("/typebot/api/v1/typebots/menu/startChat", json=start)).json()
    path = f"/typebot/api/v1/sessions/{started['sessionId']}/continueChat"
    await http.post(path, json={"message": TEXT})
    assert [(one.app, one.instance, one.text) for one in fake.asked] == [
        ("menu", "cafe-1", ""),
        ("menu", "cafe-1", TEXT),
    ]


async def test_an_agent_of_dify_answers_as_a_stream(http: httpx.AsyncClient) -> None:
    body = {"query": TEXT, "response_mode": "streaming", "inputs": {}}
    answer = await http.post("/dify/app/chat-messages", json=body)
    assert answer.text.startswith('data: {"event":"agent_message"')


async def test_models_are_listed(fake: AiFake, http: httpx.AsyncClient) -> None:
    listed = (await http.get("/openai/v1/models")).json()["data"]
    assert tuple(model["id"] for model in listed) == fake.models


async def test_what_is_told_of_questions_holds_no_text_and_no_key(
    fake: AiFake, http: httpx.AsyncClient
) -> None:
    await http.post("/evolutionBot/app?tenant=tenants/cafe", json={"query": TEXT})
    assert (fake.asked[0].text, fake.asked[0].credential) == (TEXT, f"Bearer {KEY}")
    told = (await http.get("/_sandbox/asked")).json()
    assert [(one["via"], one["tenant"]) for one in told] == [(Via.EVOLUTION_BOT, "tenants/cafe")]
    shown = f"{told}{fake.asked}"
    assert KEY not in shown
    await http.post("/_sandbox/reset")
    assert fake.asked == []
