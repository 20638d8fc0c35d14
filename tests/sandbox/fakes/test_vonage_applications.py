"""The fake Vonage's Application API, and what people do in the dashboard behind the operator's back."""

from datetime import timedelta

import pytest

from .conftest import VONAGE_KEY, VonageServer

VOICE = {"webhooks": {"answer_url": {"address": "https://voice.example", "http_method": "POST"}}}


async def test_an_application_lives(vonage: VonageServer):
    created = await vonage.client.post(
        "/v2/applications", json={"name": "shop", "capabilities": {"voice": VOICE}}
    )
    url = f"/v2/applications/{created.json()['id']}"
    replaced = await vonage.client.put(url, json={"name": "closed shop"})

    assert created.status_code == 201
    assert set(created.json()["keys"]) == {"public_key", "private_key"}
    assert created.json()["capabilities"] == {"voice": VOICE}
    assert (replaced.json()["name"], replaced.json()["capabilities"]) == ("closed shop", {})
    assert (await vonage.client.get(url)).json() == replaced.json()
    assert (await vonage.client.delete(url)).status_code == 204
    assert (await vonage.client.get(url)).status_code == 404


async def test_lists_are_paged_and_names_are_not_unique(vonage: VonageServer):
    for _ in range(3):
        await vonage.client.post("/v2/applications", json={"name": "shop"})

    page = (await vonage.client.get("/v2/applications", params={"page_size": 2, "page": 2})).json()

    assert (page["page"], page["total_items"], page["total_pages"]) == (2, 3, 2)
    assert [one["name"] for one in page["_embedded"]["applications"]] == ["shop"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "name"),
        (
            {"name": "x", "capabilities": {"voice": {"webhooks": {"answer_url": {"address": "ftp://x"}}}}},
            "address",
        ),
        (
            {
                "name": "x",
                "capabilities": {
                    "voice": {"webhooks": {"event_url": {"address": "https://x.y", "http_method": "PUT"}}}
                },
            },
            "http_method",
        ),
        ({"name": "x", "capabilities": ["voice"]}, "capabilities"),
    ],
)
async def test_what_is_wrong_is_named(vonage: VonageServer, body: dict[str, object], named: str):
    response = await vonage.client.post("/v2/applications", json=body)

    assert response.status_code == 400
    assert response.json()["invalid_parameters"][0]["name"].endswith(named)


async def test_a_deleted_application_leaves_its_numbers_unlinked(vonage: VonageServer):
    msisdn = await vonage.buy_any()
    made = await vonage.control("applications", {"account": VONAGE_KEY, "name": "shop"})
    await vonage.control(f"numbers/{msisdn}", {"app_id": made.json()["id"]})
    assert "app_id" in (await vonage.owned())[0]

    await vonage.client.delete(f"/_sandbox/applications/{made.json()['id']}")

    assert "app_id" not in (await vonage.owned())[0]


async def test_numbers_vanish_and_idle_ones_are_reclaimed(vonage: VonageServer):
    first, second = await vonage.buy_any(), await vonage.buy_any()
    await vonage.client.delete(f"/_sandbox/numbers/{first}")
    assert [number["msisdn"] for number in await vonage.owned()] == [second]

    assert (await vonage.control("reclaim", {"days": 30})).json() == []
    vonage.now += timedelta(days=30)
    assert (await vonage.control("reclaim", {"days": 30})).json() == [second]
    assert await vonage.owned() == []


async def test_inventory_and_prices_can_be_set(vonage: VonageServer):
    await vonage.control(
        "inventory", {"FR": {"mobile-lvn": {"candidates": ["33612345678"], "features": ["VOICE"]}}}
    )
    await vonage.control("prices", {"FR": {"mobile-lvn": "9.99"}})

    found = await vonage.search(country="FR")

    assert found["count"] == 1
    assert (found["numbers"][0]["cost"], found["numbers"][0]["features"]) == ("9.99", ["VOICE"])
    await vonage.control("inventory", {"FR": None, "LV": {"landline": None}})
    assert await vonage.search(country="FR") == {}
    assert (await vonage.search(country="LV"))["numbers"][0]["type"] == "mobile-lvn"


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("numbers", {"account": VONAGE_KEY, "msisdn": "+371"}, "country"),
        ("numbers", {"account": "nobody", "country": "LV", "msisdn": "3712"}, "no account"),
        ("inventory", {"FR": {"mobile-lvn": {"stock": 5}}}, "candidates"),
        ("prices", {"FR": {"mobile-lvn": "1"}}, "sells no"),
        ("prices", {"LV": {"mobile": "1"}}, "no number type"),
        ("applications", {"account": VONAGE_KEY}, "name"),
        ("reclaim", {"days": "many"}, "days"),
    ],
)
async def test_a_control_says_what_it_wants(
    vonage: VonageServer, path: str, body: dict[str, object], complaint: str
):
    response = await vonage.client.post(f"/_sandbox/{path}", json=body)

    assert response.status_code in (400, 404)
    assert complaint in response.json()["error"]


async def test_a_reset_forgets_everything(vonage: VonageServer):
    await vonage.buy_any()
    await vonage.client.post("/v2/applications", json={"name": "shop"})

    await vonage.control("reset", {})

    state = await vonage.state()
    assert (state["numbers"], state["applications"], state["charges"]) == ([], [], [])
    assert await vonage.buy_any()
