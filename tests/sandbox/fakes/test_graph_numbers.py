"""Numbers, profiles, messages and tokens at a fake Meta."""

from typing import Any

import pytest

from .conftest import NUMBER_ID, OTHER_NUMBER_ID, OTHER_WABA, WABA, GraphServer, graph_error

PROFILE = f"{NUMBER_ID}/whatsapp_business_profile"
ALL_FIELDS = "about,address,description,email,websites,vertical"


async def test_a_number_shows_its_status_only_when_asked(graph: GraphServer) -> None:
    number = await graph.get(NUMBER_ID)

    assert (number["id"], number["display_phone_number"]) == (NUMBER_ID, "+371 20 000 001")
    assert number["code_verification_status"] == "VERIFIED"
    assert "status" not in number
    assert await graph.get(NUMBER_ID, fields="status") == {"id": NUMBER_ID, "status": "CONNECTED"}


async def test_an_account_lists_its_numbers(graph: GraphServer) -> None:
    assert [number["id"] for number in (await graph.get(f"{WABA}/phone_numbers"))["data"]] == [NUMBER_ID]
    assert (await graph.get(WABA))["id"] == WABA


@pytest.mark.parametrize(
    "path",
    [
        "1",
        OTHER_NUMBER_ID,
        OTHER_WABA,
        f"{OTHER_WABA}/message_templates",
        f"{WABA}/whatsapp_business_profile",
    ],
)
async def test_what_is_unknown_or_of_others_looks_the_same(graph: GraphServer, path: str) -> None:
    response = await graph.client.get(graph.path(path))

    assert graph_error(response) == (400, 100, 33)
    assert response.json()["error"]["message"].startswith("Unsupported get request. Object with ID")


async def test_an_unknown_path(graph: GraphServer) -> None:
    for path in ("/v26.0/100200300/nonsense", "/100200300"):
        assert graph_error(await graph.client.get(path)) == (400, 2500, None)


async def test_a_profile_shows_what_was_set_and_asked_for(graph: GraphServer) -> None:
    body = {"messaging_product": "whatsapp", "email": "a@b.example", "websites": ["https://b.example"]}
    assert (await graph.post(PROFILE, body)).json() == {"success": True}

    (profile,) = (await graph.get(PROFILE, fields=ALL_FIELDS))["data"]
    (nothing,) = (await graph.get(PROFILE))["data"]

    assert (profile["email"], profile["websites"]) == ("a@b.example", ["https://b.example/"])
    assert "address" not in profile
    assert nothing == {"messaging_product": "whatsapp"}


@pytest.mark.parametrize(
    "fields",
    [
        {"messaging_product": "sms"},
        {"about": ""},
        {"about": "x" * 140},
        {"about": 1},
        {"address": "x" * 257},
        {"description": "x" * 513},
        {"email": "x@" + "y" * 127},
        {"email": "nobody"},
        {"vertical": "FOOD"},
        {"websites": ["https://a.example"] * 3},
        {"websites": ["a.example"]},
        {"websites": ["https://a.example/" + "x" * 256]},
    ],
)
async def test_what_a_profile_does_not_take(graph: GraphServer, fields: dict[str, object]) -> None:
    before = await graph.get(PROFILE, fields=ALL_FIELDS)

    response = await graph.post(PROFILE, {"messaging_product": "whatsapp", "address": "Riga", **fields})

    assert graph_error(response) == (400, 100, None)
    assert await graph.get(PROFILE, fields=ALL_FIELDS) == before


async def test_a_profile_is_edited_behind_our_back(graph: GraphServer) -> None:
    await graph.control(f"numbers/{NUMBER_ID}/profile", {"about": "Mine"})

    assert (await graph.get(PROFILE, fields="about"))["data"][0]["about"] == "Mine"


async def test_a_text_is_sent_and_not_kept(graph: GraphServer) -> None:
    answer = (await graph.send(text={"body": "secret words"})).json()

    assert answer["messaging_product"] == "whatsapp"
    assert answer["contacts"] == [{"input": "37129999999", "wa_id": "37129999999"}]
    assert answer["messages"][0]["id"].startswith("wamid.")
    state = (await graph.client.get("/_sandbox/state")).text
    requests = (await graph.client.get("/_sandbox/requests?detail=1")).text
    assert "secret words" not in state + requests
    assert graph.fake.world.numbers[NUMBER_ID].messages_sent == 1


async def test_an_approved_template_is_sent_in_its_language(graph: GraphServer) -> None:
    id_ = await graph.created()
    wanted = {"name": "order_ready", "language": {"code": "en_US"}}
    assert graph_error(await graph.send("template", template=wanted)) == (404, 132001, None)
    await graph.control(f"templates/{id_}/approve")

    assert (await graph.send("template", template=wanted)).json()["messages"][0][
        "message_status"
    ] == "accepted"
    other = {"name": "order_ready", "language": {"code": "lv"}}
    assert graph_error(await graph.send("template", template=other)) == (404, 132001, None)
    await graph.control(f"templates/{id_}/pause")
    assert graph_error(await graph.send("template", template=wanted)) == (400, 132015, None)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": {"body": ""}}, 100),
        ({}, 100),
        ({"text": {"body": "x"}, "to": ""}, 100),
        ({"text": {"body": "x"}, "to": "nobody"}, 131009),
        ({"text": {"body": "x"}, "messaging_product": "sms"}, 100),
    ],
)
async def test_what_is_not_sent(graph: GraphServer, fields: dict[str, Any], code: int) -> None:
    assert graph_error(await graph.send(**fields)) == (400, code, None)
    assert graph.fake.world.numbers[NUMBER_ID].messages_sent == 0


async def test_a_number_that_is_not_connected_sends_nothing(graph: GraphServer) -> None:
    await graph.control(f"numbers/{NUMBER_ID}", {"status": "BANNED"})

    assert graph_error(await graph.send(text={"body": "x"})) == (400, 133010, None)


async def test_a_message_is_marked_as_read(graph: GraphServer) -> None:
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x"}

    assert (await graph.post(f"{NUMBER_ID}/messages", body)).json() == {"success": True}


async def test_a_number_vanishes(graph: GraphServer) -> None:
    await graph.client.delete(f"/_sandbox/numbers/{NUMBER_ID}")

    assert graph_error(await graph.client.get(graph.path(NUMBER_ID))) == (400, 100, 33)


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        ("expired", (401, 190, 463)),
        ("revoked", (401, 190, 460)),
        ("without-permission", (403, 200, None)),
    ],
)
async def test_a_token_goes_bad_and_is_mended(
    graph: GraphServer, state: str, answer: tuple[int, int, int | None]
) -> None:
    await graph.control("tokens", {"token": "token-a", "state": state})
    refusal = await graph.client.get(graph.path(NUMBER_ID))
    assert graph_error(refusal) == answer
    assert graph_error(await graph.send(text={"body": "x"})) == answer

    await graph.control("tokens", {"token": "token-a", "state": "valid"})
    assert (await graph.get(NUMBER_ID))["id"] == NUMBER_ID


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dG9rZW4tYQ=="}]
)
async def test_without_a_token_nothing_is_shown(graph: GraphServer, header: dict[str, str]) -> None:
    del graph.client.headers["Authorization"]

    response = await graph.client.get(graph.path(NUMBER_ID), headers=header)

    assert graph_error(response) == (401, 190, None)


async def test_a_token_may_stand_in_the_query(graph: GraphServer) -> None:
    del graph.client.headers["Authorization"]

    assert (await graph.get(NUMBER_ID, access_token="token-a"))["id"] == NUMBER_ID


async def test_an_account_is_added_and_all_is_forgotten(graph: GraphServer) -> None:
    account = {"id": "777", "token": "token-a", "numbers": {"888": "+37120000777"}}
    await graph.control("accounts", account)
    assert (await graph.get("888"))["display_phone_number"] == "+371 20 000 777"
    await graph.created()

    await graph.control("reset")

    state = (await graph.client.get("/_sandbox/state")).json()
    assert (state["accounts"], state["templates"]) == ([WABA, OTHER_WABA], [])
    assert graph_error(await graph.client.get(graph.path("888"))) == (400, 100, 33)


@pytest.mark.parametrize(("status", "code"), [(401, 190), (403, 200), (404, 803), (429, 80007), (500, 2)])
async def test_ordered_errors_have_metas_shape(graph: GraphServer, status: int, code: int) -> None:
    await graph.client.post("/_sandbox/faults", json=[{"match": "GET /**", "action": f"status:{status}"}])

    first, second = [await graph.client.get(graph.path(NUMBER_ID)) for _ in range(2)]

    assert graph_error(first) == (status, code, None)
    traces = {response.json()["error"]["fbtrace_id"] for response in (first, second)}
    assert len(traces) == 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("numbers/1", {}, 404),
        (f"numbers/{NUMBER_ID}", {"colour": "blue"}, 400),
        (f"numbers/{NUMBER_ID}/profile", {"about": ""}, 400),
        ("accounts", {"id": "777"}, 400),
        ("tokens", {"token": "nobody's"}, 404),
        ("tokens", {"token": "token-a", "state": "fine"}, 400),
    ],
)
async def test_orders_that_cannot_be_carried_out(
    graph: GraphServer, path: str, body: dict[str, str], status: int
) -> None:
    assert (await graph.client.post(f"/_sandbox/{path}", json=body)).status_code == status
