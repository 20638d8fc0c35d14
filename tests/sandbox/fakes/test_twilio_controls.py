"""Prices, calls, and what people do in Twilio's Console behind the operator's back."""

from datetime import timedelta
from typing import Any

import pytest

from .conftest import ACCOUNT, OTHER_ACCOUNT, TwilioServer


async def test_prices_are_texts_with_twilios_names(twilio: TwilioServer):
    prices = (await twilio.client.get("/v1/PhoneNumbers/Countries/US")).json()

    assert prices["price_unit"] == "USD"
    assert prices["phone_number_prices"] == [
        {"number_type": "local", "base_price": "1.15", "current_price": "1.15"},
        {"number_type": "toll free", "base_price": "2.15", "current_price": "2.15"},
    ]
    assert (await twilio.client.get("/v1/PhoneNumbers/Countries/FR")).status_code == 404


async def test_prices_can_change_and_be_missing(twilio: TwilioServer):
    await twilio.control("prices", {"LV": {"mobile": "9.50", "local": None}})

    prices = (await twilio.client.get("/v1/PhoneNumbers/Countries/LV")).json()["phone_number_prices"]

    assert [(price["number_type"], price["current_price"]) for price in prices] == [("mobile", "9.50")]


async def test_a_country_can_have_nothing_for_sale(twilio: TwilioServer):
    candidate = (await twilio.search("LV", "Mobile", PageSize=1))[0]["phone_number"]

    await twilio.control("inventory", {"LV": {"mobile": {"stock": 0}}})

    assert await twilio.search("LV", "Mobile") == []
    assert (await twilio.buy(candidate)).json()["code"] == 21422


async def test_the_inventory_can_be_named_number_by_number(twilio: TwilioServer):
    shelf = {
        "candidates": ["+33612345678", "+33612345679"],
        "address_requirements": "any",
        "capabilities": {"voice": True},
        "price": "4.00",
    }
    await twilio.control("inventory", {"FR": {"mobile": shelf}, "GB": None})

    offered = await twilio.search("FR", "Mobile")
    response = await twilio.client.get(twilio.path("AvailablePhoneNumbers/GB"))

    assert [number["phone_number"] for number in offered] == shelf["candidates"]
    assert offered[0]["address_requirements"] == "any"
    assert offered[0]["capabilities"] == {"voice": True, "SMS": False, "MMS": False}
    assert (await twilio.buy("+33612345678")).json()["code"] == 21631
    assert response.status_code == 404


async def test_an_unknown_shelf_needs_its_numbers(twilio: TwilioServer):
    response = await twilio.client.post("/_sandbox/inventory", json={"FR": {"mobile": {"stock": 5}}})

    assert response.status_code == 400
    assert "candidates" in response.json()["error"]


async def test_a_number_vanishes_and_is_not_charged_back(twilio: TwilioServer):
    bought = await twilio.buy_any()

    await twilio.client.delete(f"/_sandbox/numbers/{bought['phone_number']}")

    assert await twilio.owned() == []
    assert len(await twilio.charges()) == 1


async def test_a_number_is_edited_by_hand(twilio: TwilioServer):
    bought = await twilio.buy_any(FriendlyName="bt1:shop")

    await twilio.control(
        f"numbers/{bought['sid']}", {"FriendlyName": "mine", "VoiceUrl": "https://x.example"}
    )

    fetched = (await twilio.client.get(twilio.path(f"IncomingPhoneNumbers/{bought['sid']}"))).json()
    assert (fetched["friendly_name"], fetched["voice_url"]) == ("mine", "https://x.example")


async def test_an_unmarked_number_is_owned_without_a_purchase(twilio: TwilioServer):
    await twilio.control("numbers", {"account": ACCOUNT, "PhoneNumber": "+37120000077"})

    assert await twilio.owned() == ["+37120000077"]
    assert await twilio.charges() == []


async def test_calls_are_listed_in_pages_and_by_time(twilio: TwilioServer):
    for day in range(1, 6):
        call = {
            "account": ACCOUNT,
            "from": "+37129999999",
            "to": "+37120000077",
            "duration": day,
            "start_time": f"2026-03-0{day}T12:00:00Z",
        }
        await twilio.control("calls", call)

    async def durations(**query: Any) -> list[str]:
        found: list[str] = []
        uri: str | None = twilio.path("Calls")
        params: dict[str, Any] | None = query
        while uri is not None:
            page = (await twilio.client.get(uri, params=params)).json()
            found += [call["duration"] for call in page["calls"]]
            uri, params = page["next_page_uri"], None
        return found

    assert await durations(PageSize=2) == ["5", "4", "3", "2", "1"]
    assert await durations(**{"StartTime>": "2026-03-03", "PageSize": 1}) == ["5", "4", "3"]
    assert await durations(**{"StartTime<": "2026-03-02"}) == ["1"]
    assert await durations(StartTime="2026-03-02") == ["2"]
    assert await durations(To="+37100000000") == []
    first = (await twilio.client.get(twilio.path("Calls"), params={"PageSize": 1})).json()["calls"][0]
    assert first["start_time"] == "Thu, 05 Mar 2026 12:00:00 +0000"


async def test_received_messages_are_listed_by_number_and_time(twilio: TwilioServer):
    number = (await twilio.buy_any())["phone_number"]
    for day in range(1, 4):
        sms = {
            "from": "WhatsApp",
            "to": number,
            "body": f"day {day}",
            "date_sent": f"2026-03-0{day}T12:00:00Z",
        }
        assert (await twilio.control("messages", sms)).status_code == 201

    async def bodies(**query: Any) -> list[str]:
        page = (await twilio.client.get(twilio.path("Messages"), params=query)).json()
        return [message["body"] for message in page["messages"]]

    assert await bodies(To=number) == ["day 3", "day 2", "day 1"]
    assert await bodies(**{"DateSent>": "2026-03-02"}) == ["day 3", "day 2"]
    assert await bodies(**{"DateSent<": "2026-03-02"}) == ["day 1"]
    assert await bodies(DateSent="2026-03-02") == ["day 2"]
    assert await bodies(To="+37100000000") == await bodies(From="+37100000000") == []


async def test_idle_numbers_are_reclaimed(twilio: TwilioServer):
    idle, used = await twilio.buy_any(), await twilio.buy_any()
    call = {"account": ACCOUNT, "from": "+37129999999", "duration": 12}
    for _ in range(3):
        await twilio.control("calls", {**call, "to": used["phone_number"]})
    await twilio.control("calls", {**call, "to": idle["phone_number"], "duration": 600})

    assert (await twilio.control("reclaim", {"days": 30})).json() == []
    for number in twilio.fake.world.numbers.values():
        number.created -= timedelta(days=30)
    assert (await twilio.control("reclaim", {"days": 30})).json() == [idle["phone_number"]]
    assert await twilio.owned() == [used["phone_number"]]


async def test_an_account_that_is_not_active_shows_itself_and_nothing_else(twilio: TwilioServer):
    await twilio.control(f"accounts/{ACCOUNT}", {"status": "suspended"})

    account = await twilio.client.get(f"/2010-04-01/Accounts/{ACCOUNT}.json")
    numbers = await twilio.client.get(twilio.path("IncomingPhoneNumbers"))

    assert account.json()["status"] == "suspended"
    assert (numbers.status_code, numbers.json()["code"]) == (403, 20005)


async def test_a_bundle_is_reviewed_and_belongs_to_one_account(
    twilio: TwilioServer, other_account: TwilioServer
):
    path = f"/v2/RegulatoryCompliance/Bundles/BU{'4' * 32}"
    assert (await twilio.client.get(path)).json()["code"] == 20404
    await twilio.control(f"bundles/BU{'4' * 32}", {"account": ACCOUNT, "status": "draft"})
    await twilio.control(f"bundles/BU{'4' * 32}", {"status": "in-review"})

    bundle = (await twilio.client.get(path)).json()

    assert (bundle["account_sid"], bundle["status"]) == (ACCOUNT, "in-review")
    assert (await other_account.client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("sid", "body", "sentence"),
    [
        ("BU1", {"account": ACCOUNT, "status": "draft"}, "32 hex digits"),
        ("BU" + "4" * 32, {"account": OTHER_ACCOUNT, "status": "done"}, "must be one of"),
        ("BU" + "4" * 32, {"status": "draft"}, "There is no account None"),
    ],
)
async def test_a_bundle_that_cannot_be_is_named(
    twilio: TwilioServer, sid: str, body: dict[str, str], sentence: str
):
    response = await twilio.client.post(f"/_sandbox/bundles/{sid}", json=body)

    assert response.status_code in (400, 404)
    assert sentence in response.json()["error"]


async def test_what_was_bought_may_show_late(twilio: TwilioServer):
    await twilio.control("lag", {"seconds": 60})
    bought = await twilio.buy_any()
    path = twilio.path(f"IncomingPhoneNumbers/{bought['sid']}")

    assert await twilio.owned() == await twilio.owned(PhoneNumber=bought["phone_number"]) == []
    assert (await twilio.client.get(path)).json()["code"] == 20404
    assert (await twilio.client.post(path, data={"SmsUrl": ""})).json()["code"] == 20404
    assert (await twilio.buy(bought["phone_number"])).json()["sid"] == bought["sid"]

    await twilio.control("lag", {"seconds": 0})
    assert await twilio.owned() == [bought["phone_number"]]
    assert len(await twilio.charges()) == 1


async def test_errors_may_come_as_problems(twilio: TwilioServer):
    path = twilio.path(f"IncomingPhoneNumbers/PN{'0' * 32}")
    classic = (await twilio.client.get(path)).json()
    await twilio.control("errors", {"shape": "problem"})
    problem = (await twilio.client.get(path)).json()

    assert set(classic) == {"code", "message", "more_info", "status"}
    assert set(problem) == {"type", "title", "status", "code"}
    assert (problem["status"], problem["code"]) == (404, 20404)
    assert (await twilio.client.post("/_sandbox/errors", json={"shape": "round"})).status_code == 400
