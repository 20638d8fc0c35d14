"""What Graph answered a real Evolution server, as that passed it on, against what the fake answers."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from controller.sandbox.fakes.graph import Account, GraphFake

from .recordings import folder, load

TEMPLATES = "/v26.0/400500600/message_templates"


def recorded(name: str) -> Any:
    return load(folder("recordings", "evolution") / f"{name}.json")


@pytest.fixture
async def meta() -> AsyncIterator[httpx.AsyncClient]:
    fake = GraphFake(
        accounts=[Account("400500600", "token", {"100200300": "+37120000001"})], manual_review=True
    )
    headers = {"Authorization": "Bearer token"}
    async with httpx.AsyncClient(base_url=await fake.start(), headers=headers) as client:
        yield client
    await fake.stop()


async def created(meta: httpx.AsyncClient) -> httpx.Response:
    """Create what the recording created."""
    return await meta.post(TEMPLATES, json=recorded("template-create").body)


async def test_a_created_template(meta: httpx.AsyncClient) -> None:
    answer = (await created(meta)).json()
    told = recorded("template-create").answer["template"]
    assert {**answer, "id": told["id"]} == told


async def test_a_listed_template(meta: httpx.AsyncClient) -> None:
    (told,) = recorded("template-find").answer
    order = {"account": "400500600", "name": told["name"], "components": told["components"]}
    await meta.post("/_sandbox/templates", json=order)
    (shown,) = (await meta.get(TEMPLATES)).json()["data"]
    assert {**shown, "id": told["id"]} == told


async def test_an_edited_and_a_deleted_template(meta: httpx.AsyncClient) -> None:
    id_ = (await created(meta)).json()["id"]
    await meta.post(f"/_sandbox/templates/{id_}/reject", json={})
    body = {name: value for name, value in recorded("template-edit").body.items() if name != "templateId"}
    assert (await meta.post(f"/v26.0/{id_}", json=body)).json() == recorded("template-edit").answer
    deleted = await meta.delete(TEMPLATES, params=recorded("template-delete").body)
    assert deleted.json() == recorded("template-delete").answer


async def test_a_language_that_is_being_deleted(meta: httpx.AsyncClient) -> None:
    id_ = (await created(meta)).json()["id"]
    await meta.post(f"/_sandbox/templates/{id_}/approve")
    await meta.delete(TEMPLATES, params={"name": "order_ready"})
    error = (await created(meta)).json()["error"]
    told = recorded("template-create-meta-error").answer["details"]
    assert error["code"] == told["whatsapp_code"]
    assert error["type"] == told["error_type"]
    for name in ("error_subcode", "error_user_title", "error_user_msg"):
        assert error[name] == told[name]


async def test_an_expired_token(meta: httpx.AsyncClient) -> None:
    await meta.post("/_sandbox/tokens", json={"token": "token", "state": "expired"})
    body = {"messaging_product": "whatsapp", "to": "5511990000002", "text": {"body": "hello"}}
    error = (await meta.post("/v26.0/100200300/messages", json=body)).json()["error"]
    told = recorded("sendText-business-bad-graph-token").answer
    assert error.keys() == told.keys()
    for name in ("type", "code", "error_subcode"):
        assert error[name] == told[name]
    assert error["message"].startswith(told["message"].rstrip("."))
