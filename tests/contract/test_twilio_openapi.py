"""The fake Twilio's answers follow Twilio's own OpenAPI files."""

from collections.abc import AsyncIterator

import httpx
import pytest

from controller.sandbox.fakes.twilio import TwilioFake
from controller.sandbox.fakes.twilio.state import BundleStatus

from .openapi import OpenApi
from .specs import twilio_numbers, twilio_pricing, twilio_v2010

ACCOUNT = "AC" + "a" * 32
ROOT = "/2010-04-01/Accounts"
NUMBERS = f"{ROOT}/{{AccountSid}}/IncomingPhoneNumbers"
AVAILABLE = f"{ROOT}/{{AccountSid}}/AvailablePhoneNumbers"


@pytest.fixture(scope="module")
def v2010() -> OpenApi:
    return twilio_v2010()


@pytest.fixture
async def twilio() -> AsyncIterator[httpx.AsyncClient]:
    fake = TwilioFake(accounts={ACCOUNT: "token"})
    base_url = await fake.start()
    async with httpx.AsyncClient(base_url=base_url, auth=(ACCOUNT, "token")) as client:
        yield client
    await fake.stop()


async def bought(twilio: httpx.AsyncClient) -> httpx.Response:
    form = {"PhoneNumber": "+37120000001", "FriendlyName": "shop", "VoiceUrl": "https://voice.example"}
    return await twilio.post(f"{ROOT}/{ACCOUNT}/IncomingPhoneNumbers.json", data=form)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        (f"{ROOT}/{{Sid}}.json", f"{ROOT}/{ACCOUNT}.json"),
        (f"{AVAILABLE}.json", f"{ROOT}/{ACCOUNT}/AvailablePhoneNumbers.json"),
        (f"{AVAILABLE}/{{CountryCode}}.json", f"{ROOT}/{ACCOUNT}/AvailablePhoneNumbers/LV.json"),
        (f"{AVAILABLE}/{{CountryCode}}/Local.json", f"{ROOT}/{ACCOUNT}/AvailablePhoneNumbers/US/Local.json"),
        (
            f"{AVAILABLE}/{{CountryCode}}/Mobile.json",
            f"{ROOT}/{ACCOUNT}/AvailablePhoneNumbers/LV/Mobile.json",
        ),
        (f"{NUMBERS}.json", f"{ROOT}/{ACCOUNT}/IncomingPhoneNumbers.json"),
        (f"{ROOT}/{{AccountSid}}/Calls.json", f"{ROOT}/{ACCOUNT}/Calls.json"),
        (f"{ROOT}/{{AccountSid}}/Messages.json", f"{ROOT}/{ACCOUNT}/Messages.json"),
    ],
    ids=["account", "countries", "country", "local", "mobile", "numbers", "calls", "messages"],
)
async def test_answer_is_documented(v2010: OpenApi, twilio: httpx.AsyncClient, path: str, url: str):
    assert (await bought(twilio)).status_code == 201
    await twilio.post("/_sandbox/calls", json={"account": ACCOUNT, "from": "+3711", "to": "+37120000001"})
    await twilio.post("/_sandbox/messages", json={"from": "+3711", "to": "+37120000001", "body": "hi"})

    response = await twilio.get(url)

    assert response.status_code == 200
    found = list(v2010.violations(response.json(), v2010.response(path, "get", "200")))
    # The file spells the capabilities of available numbers in lower case; the live API does not.
    assert [
        text for text in found if not text.endswith(("SMS is not documented", "MMS is not documented"))
    ] == []


async def test_bought_changed_and_fetched_number_are_documented(v2010: OpenApi, twilio: httpx.AsyncClient):
    created = await bought(twilio)
    url = f"{ROOT}/{ACCOUNT}/IncomingPhoneNumbers/{created.json()['sid']}.json"
    changed = await twilio.post(url, data={"SmsUrl": "https://sms.example"})
    fetched = await twilio.get(url)

    for response, path, method, status in (
        (created, f"{NUMBERS}.json", "post", "201"),
        (changed, f"{NUMBERS}/{{Sid}}.json", "post", "200"),
        (fetched, f"{NUMBERS}/{{Sid}}.json", "get", "200"),
    ):
        assert list(v2010.violations(response.json(), v2010.response(path, method, status))) == []


async def test_number_and_list_have_every_name_of_the_example(v2010: OpenApi, twilio: httpx.AsyncClient):
    await bought(twilio)
    example = v2010.example(f"{NUMBERS}.json", "get", "200")

    answer = (await twilio.get(f"{ROOT}/{ACCOUNT}/IncomingPhoneNumbers.json")).json()

    assert set(answer) == set(example)
    assert set(answer["incoming_phone_numbers"][0]) == set(example["incoming_phone_numbers"][0])


async def test_prices_are_documented_but_for_being_texts(twilio: httpx.AsyncClient):
    pricing = twilio_pricing()
    schema = pricing.response("/v1/PhoneNumbers/Countries/{IsoCountry}", "get", "200")

    answer = (await twilio.get("/v1/PhoneNumbers/Countries/LV")).json()

    found = list(pricing.violations(answer, schema))
    assert [text for text in found if not text.endswith("price is str, not number")] == []


@pytest.mark.parametrize("status", BundleStatus)
async def test_bundle_in_every_state_is_documented(twilio: httpx.AsyncClient, status: BundleStatus):
    numbers, sid = twilio_numbers(), "BU" + "b" * 32
    path = "/v2/RegulatoryCompliance/Bundles/{Sid}"
    await twilio.post(f"/_sandbox/bundles/{sid}", json={"account": ACCOUNT, "status": status})

    answer = (await twilio.get(path.replace("{Sid}", sid))).json()

    assert list(numbers.violations(answer, numbers.response(path, "get", "200"))) == []
    assert set(answer) == set(numbers.example(path, "get", "200"))
    assert answer["status"] == status


def test_the_fake_knows_every_state_of_a_bundle():
    documented = twilio_numbers().document["components"]["schemas"]["bundle_enum_status"]["enum"]
    assert set(documented) == set(BundleStatus)
