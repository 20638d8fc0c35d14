"""The fake Vonage's Numbers API: search, buy, update, cancel, and how each refuses."""

from typing import Any

import httpx
import pytest

from .conftest import VONAGE_KEY, VonageServer
from .receiver import Receiver


async def test_a_search_is_paged_and_costs_are_texts_in_euros(vonage: VonageServer):
    first = await vonage.search(country="LV", type="mobile-lvn", size=3)
    second = await vonage.search(country="LV", type="mobile-lvn", size=3, index=2)

    assert first["count"] > 1_000_000
    assert len({number["msisdn"] for number in [*first["numbers"], *second["numbers"]]}) == 6
    assert first["numbers"][0] == {
        "country": "LV",
        "msisdn": first["numbers"][0]["msisdn"],
        "type": "mobile-lvn",
        "features": ["VOICE", "SMS"],
        "cost": "2.80",
    }


@pytest.mark.parametrize(
    ("search_pattern", "matches"),
    [(0, str.startswith), (1, str.__contains__), (2, str.endswith)],
)
async def test_patterns(vonage: VonageServer, search_pattern: int, matches: Any):
    pattern = "371" if search_pattern == 0 else "77"
    found = await vonage.search(country="LV", pattern=pattern, search_pattern=search_pattern)

    assert found["numbers"]
    assert all(matches(number["msisdn"], pattern) for number in found["numbers"])


async def test_features_and_types_narrow(vonage: VonageServer):
    assert (await vonage.search(country="LV", features="SMS,VOICE"))["numbers"][0]["type"] == "mobile-lvn"
    assert (await vonage.search(country="LV"))["numbers"][0]["type"] == "landline"
    assert await vonage.search(country="LV", features="MMS") == {}
    assert await vonage.search(country="AQ") == {}


async def test_buy_list_cancel(vonage: VonageServer):
    msisdn = await vonage.buy_any()

    assert await vonage.owned() == [
        {"country": "LV", "msisdn": msisdn, "type": "mobile-lvn", "features": ["VOICE", "SMS"]}
    ]
    assert msisdn not in str(await vonage.search(country="LV", type="mobile-lvn", size=100))
    assert (await vonage.post("cancel", msisdn)).json() == {
        "error-code": "200",
        "error-code-label": "success",
    }
    assert await vonage.owned() == []
    assert (await vonage.post("cancel", msisdn)).status_code == 420
    assert [charge["msisdn"] for charge in (await vonage.state())["charges"]] == [msisdn]


async def test_lists_are_filtered_and_paged(vonage: VonageServer):
    for index in range(5):
        number = {"account": VONAGE_KEY, "country": "LV", "msisdn": f"3712000000{index}"}
        await vonage.control("numbers", number)

    assert len(await vonage.owned(size=2)) == 2
    assert [number["msisdn"] for number in await vonage.owned(size=2, index=3)] == ["37120000004"]
    assert len(await vonage.owned(pattern="37120000003", search_pattern=0)) == 1
    assert await vonage.owned(has_application="true") == []
    assert await vonage.owned(country="EE") == []


@pytest.mark.parametrize(
    ("number", "label"),
    [
        ({"country": "DE", "msisdn": "4915735333333"}, "require a valid local address"),
        ({"country": "LV", "msisdn": "99999"}, "method failed"),
        ({"country": "EE", "msisdn": "37123333333"}, "method failed"),
        ({"country": "LV"}, "required"),
    ],
)
async def test_what_cannot_be_bought(vonage: VonageServer, number: dict[str, str], label: str):
    response = await vonage.client.post("/number/buy", data=number)

    assert (response.status_code, response.json()["error-code"]) == (420, "420")
    assert label in response.json()["error-code-label"]


async def test_a_number_is_bought_once(vonage: VonageServer):
    msisdn = await vonage.buy_any()

    again = await vonage.post("buy", msisdn)

    assert again.status_code == 420
    assert "own this number" in again.json()["error-code-label"]


async def test_a_form_that_is_labelled_json_is_refused(vonage: VonageServer):
    candidate = (await vonage.search(country="LV"))["numbers"][0]
    response = await vonage.client.post(
        "/number/buy",
        content=f"country=LV&msisdn={candidate['msisdn']}",
        headers={"Content-Type": "application/json"},
    )

    assert (response.status_code, response.json()["error-code-label"]) == (420, "method failed")


async def test_an_sms_url_must_answer_get_with_200(vonage: VonageServer, receiver: Receiver):
    msisdn = await vonage.buy_any()

    refused = await vonage.post("update", msisdn, moHttpUrl="http://127.0.0.1:1/sms")
    elsewhere = await vonage.post("update", msisdn, moHttpUrl="https://sms.example/in")

    assert refused.status_code == 420
    assert elsewhere.status_code == 200
    assert (await vonage.owned())[0]["moHttpUrl"] == "https://sms.example/in"
    assert (await vonage.post("update", msisdn, moHttpUrl="")).status_code == 200
    assert "moHttpUrl" not in (await vonage.owned())[0]


async def test_a_number_is_linked_to_an_application_of_the_account(vonage: VonageServer):
    msisdn = await vonage.buy_any()
    application = (await vonage.client.post("/v2/applications", json={"name": "shop"})).json()["id"]

    assert (await vonage.post("update", msisdn, app_id=vonage.unknown_id)).status_code == 420
    assert (await vonage.post("update", msisdn, app_id=application)).status_code == 200

    owned = (await vonage.owned(application_id=application))[0]
    assert (owned["app_id"], owned["voiceCallbackType"], owned["voiceCallbackValue"]) == (
        application,
        "app",
        application,
    )


@pytest.mark.parametrize("login", [None, ("nobody", "x"), (VONAGE_KEY, "wrong")])
@pytest.mark.parametrize(
    ("path", "field", "text"),
    [
        ("/account/numbers", "error-code-label", "authentication failed"),
        ("/v2/applications", "title", "Invalid credentials supplied"),
    ],
)
async def test_wrong_credentials(
    vonage: VonageServer, login: tuple[str, str] | None, path: str, field: str, text: str
):
    async with httpx.AsyncClient(base_url=vonage.fake.base_url, auth=login) as stranger:
        response = await stranger.get(path)

    assert (response.status_code, response.json()[field]) == (401, text)


async def test_faults_come_in_vonages_shapes(vonage: VonageServer):
    await vonage.control("faults", [{"match": "* /**", "action": "status:429"}])

    numbers = await vonage.client.get("/account/numbers")
    applications = await vonage.client.get("/v2/applications")

    assert numbers.json()["error-code"] == "429"
    assert applications.json()["title"] == "Rate Limited"
    assert numbers.headers["Retry-After"] == "1"


async def test_accounts_do_not_see_each_other(vonage: VonageServer):
    msisdn = await vonage.buy_any()
    async with httpx.AsyncClient(base_url=vonage.fake.base_url, auth=("9z8765y3", "secret-b")) as other:
        assert (await other.get("/account/numbers")).json() == {}
        taken = await other.post("/number/buy", data={"country": "LV", "msisdn": msisdn})
        assert taken.json()["error-code-label"] == "method failed"
