"""Templates at a fake Meta: creation, review, edits, deletion, pages."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from controller.sandbox.fakes.graph import Account, GraphFake, Pace

from .conftest import OTHER_WABA, WABA, GraphServer, graph_error

NEW_TEXT = [{"type": "BODY", "text": "Closed today"}]


async def test_a_new_template_waits_for_review(graph: GraphServer) -> None:
    response = await graph.create()

    assert response.json().keys() == {"id", "status", "category"}
    assert (response.status_code, response.json()["status"]) == (200, "PENDING")
    id_ = response.json()["id"]
    await graph.control(f"templates/{id_}/approve")
    assert await graph.status(id_) == "APPROVED"
    await graph.control(f"templates/{id_}/pause")
    assert await graph.status(id_) == "PAUSED"
    await graph.control(f"templates/{id_}/reject", {"reason": "SCAM"})
    assert (await graph.get(id_, fields="rejected_reason"))["rejected_reason"] == "SCAM"


async def test_a_review_ends_by_itself_unless_somebody_was_quicker() -> None:
    fake = GraphFake(accounts=[Account(WABA, "token-a", {})], pace=Pace(review=0.02))
    headers = {"Authorization": "Bearer token-a"}
    async with httpx.AsyncClient(base_url=await fake.start(), headers=headers) as client:
        server = GraphServer(fake, client, fake.world.now())
        good, bad = await server.created("good"), await server.created("bad", components=casino())
        quick = await server.created("quick", components=casino())
        await server.control(f"templates/{quick}/approve")
        states = ["PENDING"]
        async with asyncio.timeout(5):
            while "PENDING" in states:
                states = [await server.status(id_) for id_ in (good, bad, quick)]
        assert states == ["APPROVED", "REJECTED", "APPROVED"]
    await fake.stop()


def casino() -> list[dict[str, str]]:
    return [{"type": "BODY", "text": "Come to our casino"}]


@pytest.mark.parametrize(
    ("fields", "subcode"),
    [
        ({"name": "Order Ready"}, None),
        ({"name": "x" * 513}, None),
        ({"name": None}, None),
        ({"language": "english"}, None),
        ({"category": "Utility"}, None),
        ({"components": {}}, None),
        ({"components": [{"type": "BODYS", "text": "x"}]}, None),
        ({"components": [{"type": "BODY", "text": "x"}] * 2}, None),
        ({"components": [{"type": "BODY", "text": "x" * 1025}]}, None),
        ({"components": []}, 2388043),
        ({"components": [{"type": "FOOTER", "text": "x"}]}, 2388043),
        ({"components": [{"type": "BODY"}]}, 2388043),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}"}]}, 2388043),
        (
            {"components": [{"type": "BODY", "text": "{{1}} {{2}}", "example": {"body_text": [["a"]]}}]},
            2388043,
        ),
    ],
)
async def test_what_meta_refuses_before_a_review(
    graph: GraphServer, fields: dict[str, Any], subcode: object
) -> None:
    response = await graph.create(**fields)

    assert graph_error(response) == (400, 100, subcode)
    assert (await graph.get(f"{WABA}/message_templates"))["data"] == []


@pytest.mark.parametrize(
    "component",
    [
        {"type": "BODY", "text": "Hi {{1}} and {{2}}", "example": {"body_text": [["Ana", "Eva"]]}},
        {
            "type": "BODY",
            "text": "Hi {{name}}",
            "example": {"body_text_named_params": [{"param_name": "name", "example": "Ana"}]},
        },
        {"type": "body", "text": "Hi {{1}} and again {{1}}", "example": {"body_text": [["Ana"]]}},
    ],
)
async def test_variables_need_an_example_each(graph: GraphServer, component: dict[str, Any]) -> None:
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}}

    assert (await graph.create(components=[header, component])).status_code == 200


async def test_an_authentication_template_has_metas_own_text(graph: GraphServer) -> None:
    body = {"type": "BODY", "add_security_recommendation": True}

    assert (await graph.create(category="AUTHENTICATION", components=[body])).status_code == 200


async def test_one_template_a_name_and_language(graph: GraphServer) -> None:
    await graph.created()

    assert graph_error(await graph.create()) == (400, 100, 2388024)
    assert (await graph.create(language="lv")).status_code == 200


async def test_the_name_of_an_approved_one_is_blocked_after_its_deletion(graph: GraphServer) -> None:
    id_ = await graph.created()
    await graph.control(f"templates/{id_}/approve")

    assert (await graph.delete(name="order_ready")).json() == {"success": True}

    refusal = await graph.create()
    assert graph_error(refusal) == (400, 100, 2388023)
    assert refusal.json()["error"]["error_user_title"] == "Message template language is being deleted"
    assert (await graph.create(language="lv")).status_code == 200
    graph.now += timedelta(days=30)
    assert (await graph.create()).status_code == 200


async def test_a_name_that_was_never_approved_is_free_at_once(graph: GraphServer) -> None:
    await graph.created()
    await graph.delete(name="order_ready")

    assert (await graph.create()).status_code == 200


async def test_blocked_names_can_be_freed(graph: GraphServer) -> None:
    id_ = await graph.created()
    await graph.control(f"templates/{id_}/approve")
    await graph.client.delete(f"/_sandbox/templates/{id_}")
    assert graph_error(await graph.create()) == (400, 100, 2388023)

    await graph.client.delete("/_sandbox/blocked-names")

    assert (await graph.create()).status_code == 200


async def test_a_name_deletes_all_its_languages_and_an_id_one(graph: GraphServer) -> None:
    languages = {language: await graph.created(language=language) for language in ("en_US", "lv", "ru")}

    await graph.delete(name="order_ready", hsm_id=languages["ru"])
    left = (await graph.get(f"{WABA}/message_templates"))["data"]
    assert {template["language"] for template in left} == {"en_US", "lv"}

    await graph.delete(name="order_ready")
    assert (await graph.get(f"{WABA}/message_templates"))["data"] == []
    assert graph_error(await graph.delete(name="order_ready")) == (404, 100, 2593002)
    assert graph_error(await graph.delete()) == (400, 100, None)


async def test_a_disabled_one_cannot_be_deleted(graph: GraphServer) -> None:
    id_ = await graph.created()
    await graph.control(f"templates/{id_}/disable")

    assert graph_error(await graph.delete(name="order_ready")) == (400, 100, None)
    assert await graph.status(id_) == "DISABLED"


async def test_only_reviewed_templates_can_be_edited(graph: GraphServer) -> None:
    id_ = await graph.created()
    assert graph_error(await graph.post(id_, {"components": NEW_TEXT})) == (400, 100, None)
    await graph.control(f"templates/{id_}/reject", {})

    for text in ("Closed", "Closed today"):
        edit = {"category": "MARKETING", "components": [{"type": "BODY", "text": text}]}
        assert (await graph.post(id_, edit)).json() == {"success": True}
        assert await graph.status(id_) == "PENDING"
        await graph.control(f"templates/{id_}/reject", {})

    template = await graph.get(id_)
    assert (template["category"], template["components"]) == ("MARKETING", NEW_TEXT)
    assert graph_error(await graph.post(id_, {})) == (400, 100, None)


async def test_an_approved_one_is_edited_once_a_day_and_keeps_its_category(graph: GraphServer) -> None:
    id_ = await graph.created()
    await graph.control(f"templates/{id_}/approve")
    category = await graph.post(id_, {"category": "MARKETING", "components": NEW_TEXT})
    assert "category" in category.json()["error"]["error_user_msg"]

    assert (await graph.post(id_, {"components": NEW_TEXT})).status_code == 200
    await graph.control(f"templates/{id_}/approve")
    again = await graph.post(id_, {"components": NEW_TEXT})
    assert "24 hours" in again.json()["error"]["error_user_msg"]

    graph.now += timedelta(days=1)
    assert (await graph.post(id_, {"components": NEW_TEXT})).status_code == 200


async def test_pages_go_on_where_the_last_one_ended(graph: GraphServer) -> None:
    for index in range(5):
        await graph.created(f"t{index}")
    first = await graph.get(f"{WABA}/message_templates", limit=2, fields="name")
    assert [template["name"] for template in first["data"]] == ["t4", "t3"]
    assert first["data"][0].keys() == {"id", "name"}
    # Others come and go meanwhile.
    await graph.delete(name="t3")
    await graph.created("t5")

    second = (await graph.client.get(first["paging"]["next"])).json()
    third = await graph.get(
        f"{WABA}/message_templates", limit=2, after=second["paging"]["cursors"]["after"], fields="name"
    )

    assert [template["name"] for template in second["data"]] == ["t2", "t1"]
    assert [template["name"] for template in third["data"]] == ["t0"]
    assert "next" not in third["paging"]


async def test_a_page_has_25_templates_and_never_more_than_100(graph: GraphServer) -> None:
    for index in range(101):
        await graph.control("templates", {"account": WABA, "name": f"t{index}"})

    for query, shown in (({}, 25), ({"limit": 500}, 100)):
        assert len((await graph.get(f"{WABA}/message_templates", **query))["data"]) == shown


async def test_a_list_is_filtered_and_shows_what_the_recordings_show(graph: GraphServer) -> None:
    await graph.control(
        "templates", {"account": WABA, "name": "hello_world", "components": [{"type": "BODY", "text": "Hi"}]}
    )
    await graph.control("templates", {"account": WABA, "name": "bye", "status": "PAUSED"})
    await graph.control("templates", {"account": OTHER_WABA, "name": "theirs"})

    (template,) = (await graph.get(f"{WABA}/message_templates", status="APPROVED"))["data"]

    assert template.pop("id").isdigit()
    assert template == {
        "name": "hello_world",
        "parameter_format": "POSITIONAL",
        "components": [{"type": "BODY", "text": "Hi"}],
        "language": "en_US",
        "status": "APPROVED",
        "category": "UTILITY",
    }


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("templates/1/approve", {}, 404),
        ("templates", {"account": "1", "name": "x"}, 404),
        ("templates", {"account": WABA}, 400),
        ("templates", {"account": WABA, "name": "x", "status": "FINE"}, 400),
        ("templates", {"account": WABA, "name": "x", "category": "Utility"}, 400),
    ],
)
async def test_orders_that_cannot_be_carried_out(
    graph: GraphServer, path: str, body: dict[str, str], status: int
) -> None:
    response = await graph.client.post(f"/_sandbox/{path}", json=body)

    assert response.status_code == status
    assert response.json()["error"].endswith(".")
