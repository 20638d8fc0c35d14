"""Searching, buying, changing and releasing numbers on the fake Twilio."""

import asyncio
import re

import httpx
import pytest

from .conftest import ACCOUNT, OTHER_ACCOUNT, TwilioServer

E164 = re.compile(r"\+[1-9]\d{7,14}")
APPLICATION, TRUNK = "AP" + "1" * 32, "TK" + "2" * 32
ADDRESS, BUNDLE = "AD" + "3" * 32, "BU" + "4" * 32


async def code(response: httpx.Response) -> tuple[int, int]:
    assert response.json()["more_info"].endswith(str(response.json()["code"]))
    return response.status_code, response.json()["code"]


async def test_a_country_tells_what_it_sells(twilio: TwilioServer):
    latvia = (await twilio.client.get(twilio.path("AvailablePhoneNumbers/LV"))).json()
    every = (await twilio.client.get(twilio.path("AvailablePhoneNumbers"))).json()["countries"]

    assert set(latvia["subresource_uris"]) == {"local", "mobile"}
    assert {country["country_code"] for country in every} == {"LV", "EE", "LT", "DE", "US", "GB"}
    for uri in latvia["subresource_uris"].values():
        assert (await twilio.client.get(uri)).status_code == 200


@pytest.mark.parametrize("place", ["LV/TollFree", "LV/Voip", "FR/Local", "FR"])
async def test_what_is_not_sold_is_404(twilio: TwilioServer, place: str):
    response = await twilio.client.get(twilio.path(f"AvailablePhoneNumbers/{place}"))

    assert await code(response) == (404, 20404)


async def test_every_shelf_offers_many_plausible_numbers(twilio: TwilioServer):
    for country in (await twilio.client.get(twilio.path("AvailablePhoneNumbers"))).json()["countries"]:
        for uri in country["subresource_uris"].values():
            offered = (await twilio.client.get(uri)).json()["available_phone_numbers"]
            numbers = {candidate["phone_number"] for candidate in offered}
            assert len(numbers) == 50
            assert all(E164.fullmatch(number) for number in numbers)


async def test_search_filters(twilio: TwilioServer):
    assert await twilio.search("LV", "Local", SmsEnabled="true") == []
    assert len(await twilio.search("LV", "Mobile", SmsEnabled="true", VoiceEnabled="true", PageSize=3)) == 3
    assert await twilio.search("DE", "Mobile", ExcludeAllAddressRequired="true") == []
    assert await twilio.search("DE", "Mobile", ExcludeLocalAddressRequired="true", PageSize=1)

    found = await twilio.search("LV", "Mobile", Contains="+37120**7", PageSize=5)
    assert len(found) == 5
    assert all(re.match(r"\+37120\d\d7", str(number["phone_number"])) for number in found)
    assert set(found[0]["capabilities"]) == {"voice", "SMS", "MMS"}


async def test_a_purchase_is_charged_and_shown(twilio: TwilioServer):
    bought = await twilio.buy_any(FriendlyName="bt1:shop", VoiceUrl="https://voice.example/in")

    assert re.fullmatch(r"PN[0-9a-f]{32}", str(bought["sid"]))
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", str(bought["date_created"]))
    assert (bought["friendly_name"], bought["voice_url"]) == ("bt1:shop", "https://voice.example/in")
    assert bought["capabilities"] == {"voice": True, "sms": True, "mms": False, "fax": False}
    assert await twilio.owned(FriendlyName="bt1:shop") == [bought["phone_number"]]
    assert await twilio.owned(FriendlyName="bt1") == []
    assert await twilio.owned(PhoneNumber="+3712*") == [bought["phone_number"]]
    assert [charge["price"] for charge in await twilio.charges()] == ["3.00"]


async def test_buying_an_owned_number_again_updates_it(twilio: TwilioServer):
    first = await twilio.buy_any(FriendlyName="first", SmsUrl="https://sms.example")

    again = await twilio.buy(first["phone_number"], FriendlyName="second")

    assert again.status_code == 201
    assert (again.json()["sid"], again.json()["friendly_name"]) == (first["sid"], "second")
    assert again.json()["sms_url"] == "https://sms.example"
    assert again.json()["date_created"] == first["date_created"]
    assert len(await twilio.charges()) == 1


async def test_one_number_has_one_buyer(twilio: TwilioServer, other_account: TwilioServer):
    candidate = (await twilio.search("LV", "Mobile", PageSize=1))[0]["phone_number"]
    buyers = (twilio, other_account)
    answers = await asyncio.gather(
        *(
            buyer.client.post(buyer.path("IncomingPhoneNumbers", account), data={"PhoneNumber": candidate})
            for buyer, account in zip(buyers, (ACCOUNT, OTHER_ACCOUNT), strict=True)
        ),
    )

    assert sorted(answer.status_code for answer in answers) == [201, 400]
    assert len(await twilio.charges()) == 1
    offered = await twilio.search("LV", "Mobile")
    assert candidate not in [number["phone_number"] for number in offered]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"PhoneNumber": "notanumber"}, 21421),
        ({"PhoneNumber": "+0123456789"}, 21421),
        ({}, 21421),
        ({"PhoneNumber": "+33612345678"}, 21422),
        ({"PhoneNumber": "+4915735000001", "BundleSid": BUNDLE}, 21631),
        ({"PhoneNumber": "+4915735000001", "AddressSid": ADDRESS}, 21649),
        ({"PhoneNumber": "+447700900123"}, 21649),
        ({"AreaCode": "212"}, 21452),
        ({"PhoneNumber": "+37120000001", "VoiceUrl": "not a url"}, 21402),
        ({"PhoneNumber": "+37120000001", "FriendlyName": "x" * 65}, 20001),
    ],
)
async def test_refused_purchases_cost_nothing(twilio: TwilioServer, form: dict[str, str], expected: int):
    response = await twilio.client.post(twilio.path("IncomingPhoneNumbers"), data=form)

    assert await code(response) == (400, expected)
    assert await twilio.owned() == []
    assert await twilio.charges() == []


@pytest.mark.parametrize("status", ["twilio-approved", "provisionally-approved"])
async def test_a_regulated_number_is_sold_with_its_papers(twilio: TwilioServer, status: str):
    await twilio.control(f"bundles/{BUNDLE}", {"account": ACCOUNT, "status": status})
    bought = await twilio.buy("+4915735000001", AddressSid=ADDRESS, BundleSid=BUNDLE)

    assert bought.status_code == 201
    assert (bought.json()["address_sid"], bought.json()["bundle_sid"]) == (ADDRESS, BUNDLE)


@pytest.mark.parametrize(
    ("account", "status"),
    [
        (ACCOUNT, "draft"),
        (ACCOUNT, "pending-review"),
        (ACCOUNT, "in-review"),
        (ACCOUNT, "twilio-rejected"),
        (OTHER_ACCOUNT, "twilio-approved"),
        (None, ""),
    ],
    ids=str,
)
async def test_papers_that_do_not_serve_buy_nothing(twilio: TwilioServer, account: str | None, status: str):
    if account is not None:
        await twilio.control(f"bundles/{BUNDLE}", {"account": account, "status": status})

    refused = await twilio.buy("+4915735000001", AddressSid=ADDRESS, BundleSid=BUNDLE)

    assert await code(refused) == (400, 21649)
    assert await twilio.charges() == []


async def test_an_area_code_picks_a_number(twilio: TwilioServer):
    response = await twilio.client.post(twilio.path("IncomingPhoneNumbers"), data={"AreaCode": "808"})

    assert response.status_code == 201
    assert response.json()["phone_number"].startswith("+1808")
    assert response.json()["friendly_name"].startswith("(808) ")


async def test_a_trial_account_has_one_number(twilio: TwilioServer):
    await twilio.control(f"accounts/{ACCOUNT}", {"type": "Trial"})
    assert (await twilio.client.get(f"/2010-04-01/Accounts/{ACCOUNT}.json")).json()["type"] == "Trial"
    await twilio.buy_any()

    second = (await twilio.search("LV", "Mobile", PageSize=1))[0]["phone_number"]

    assert await code(await twilio.buy(second)) == (400, 10002)


async def test_update_changes_clears_and_keeps(twilio: TwilioServer):
    bought = await twilio.buy_any(VoiceUrl="https://a.example", SmsUrl="https://b.example", FriendlyName="x")
    path = twilio.path(f"IncomingPhoneNumbers/{bought['sid']}")

    updated = (await twilio.client.post(path, data={"VoiceUrl": "", "FriendlyName": "y"})).json()

    assert (updated["voice_url"], updated["sms_url"], updated["friendly_name"]) == (
        "",
        "https://b.example",
        "y",
    )


async def test_trunk_and_application_exclude_each_other(twilio: TwilioServer):
    bought = await twilio.buy_any(VoiceUrl="https://a.example", VoiceApplicationSid=APPLICATION)
    path = twilio.path(f"IncomingPhoneNumbers/{bought['sid']}")

    trunk = (await twilio.client.post(path, data={"TrunkSid": TRUNK})).json()
    application = (await twilio.client.post(path, data={"VoiceApplicationSid": APPLICATION})).json()
    neither = (await twilio.client.post(path, data={"VoiceApplicationSid": "", "TrunkSid": ""})).json()

    assert (bought["voice_application_sid"], bought["trunk_sid"]) == (APPLICATION, None)
    assert (trunk["voice_application_sid"], trunk["trunk_sid"]) == ("", TRUNK)
    assert (application["voice_application_sid"], application["trunk_sid"]) == (APPLICATION, None)
    assert (neither["voice_application_sid"], neither["trunk_sid"]) == ("", None)
    assert neither["voice_url"] == "https://a.example"


async def test_a_released_number_is_gone_and_not_for_sale(twilio: TwilioServer):
    bought = await twilio.buy_any()
    path = twilio.path(f"IncomingPhoneNumbers/{bought['sid']}")

    assert (await twilio.client.delete(path)).status_code == 204

    assert await code(await twilio.client.delete(path)) == (404, 20404)
    assert await code(await twilio.client.get(path)) == (404, 20404)
    assert await code(await twilio.buy(bought["phone_number"])) == (400, 21422)


async def test_accounts_do_not_see_each_other(twilio: TwilioServer, other_account: TwilioServer):
    bought = await twilio.buy_any()
    theirs = other_account.path(f"IncomingPhoneNumbers/{bought['sid']}", OTHER_ACCOUNT)
    ours = other_account.path(f"IncomingPhoneNumbers/{bought['sid']}", ACCOUNT)

    assert await code(await other_account.client.get(theirs)) == (404, 20404)
    assert await code(await other_account.client.delete(ours)) == (401, 20003)
    listed = await other_account.client.get(other_account.path("IncomingPhoneNumbers", OTHER_ACCOUNT))
    assert listed.json()["incoming_phone_numbers"] == []
    assert await twilio.owned() == [bought["phone_number"]]


async def test_a_wrong_token_and_an_api_key(twilio: TwilioServer):
    key = "SK" + "5" * 32
    await twilio.control(f"accounts/{ACCOUNT}", {"api_keys": {key: "secret"}})
    path = f"/2010-04-01/Accounts/{ACCOUNT}.json"

    answers = [
        await twilio.client.get(path, auth=signer)
        for signer in ((ACCOUNT, "wrong"), ("", ""), (key, "wrong"), (key, "secret"))
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 200]
    assert answers[0].json()["code"] == 20003


async def test_pages_cover_everything_once_although_numbers_come_and_go(twilio: TwilioServer):
    bought = [str((await twilio.buy_any())["sid"]) for _ in range(7)]

    first = (await twilio.client.get(twilio.path("IncomingPhoneNumbers"), params={"PageSize": 3})).json()
    seen = [number["sid"] for number in first["incoming_phone_numbers"]]
    # The page token names the last number seen: neither its release nor a purchase disturbs the rest.
    await twilio.client.delete(twilio.path(f"IncomingPhoneNumbers/{seen[-1]}"))
    await twilio.buy_any()
    page = first
    while page["next_page_uri"] is not None:
        page = (await twilio.client.get(page["next_page_uri"])).json()
        seen += [number["sid"] for number in page["incoming_phone_numbers"]]

    assert seen == bought[::-1]
    assert "PageToken=PAPN" in first["next_page_uri"]
    assert (page["page"], page["page_size"]) == (2, 3)


async def test_many_purchases_never_meet_the_end_of_the_shelf(twilio: TwilioServer):
    for _ in range(3):
        offered = await twilio.search("EE", "Mobile", PageSize=50)
        for number in offered:
            assert (await twilio.buy(number["phone_number"])).status_code == 201

    assert len(set(await twilio.owned(PageSize=1000))) == 150
