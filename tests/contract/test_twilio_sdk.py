"""Twilio's own SDK is at home on the fake: what it parses and pages is what it expects."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from controller.sandbox.fakes.twilio import TwilioFake

ACCOUNT = "AC" + "a" * 32


class OneAddress(TwilioHttpClient):
    """Sends what is meant for any host of Twilio to one address."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=5)
        self._base = urlsplit(base_url)

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> Response:
        asked = urlsplit(url)
        return super().request(
            method,
            urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, "")),
            *args,
            **kwargs,
        )


@pytest.fixture
async def sdk() -> AsyncIterator[Client]:
    fake = TwilioFake(accounts={ACCOUNT: "token"})
    base_url = await fake.start()
    yield Client(ACCOUNT, "token", http_client=OneAddress(base_url))
    await fake.stop()


async def test_buy_change_and_release(sdk: Client):
    def work() -> None:
        country = sdk.available_phone_numbers("LV")
        assert set(country.fetch().subresource_uris) == {"local", "mobile"}
        candidate = country.mobile.list(sms_enabled=True, limit=1)[0].phone_number
        number = sdk.incoming_phone_numbers.create(phone_number=candidate, friendly_name="shop")
        assert number.date_created.tzinfo is not None
        assert number.capabilities["voice"] is True
        assert number.update(voice_url="https://voice.example").voice_url == "https://voice.example"
        assert sdk.incoming_phone_numbers(number.sid).update(voice_url="").voice_url == ""
        assert [item.sid for item in sdk.incoming_phone_numbers.list(phone_number=candidate)] == [number.sid]
        assert number.delete() is True
        with pytest.raises(TwilioRestException) as gone:
            sdk.incoming_phone_numbers(number.sid).fetch()
        assert (gone.value.status, gone.value.code) == (404, 20404)

    await asyncio.to_thread(work)


async def test_a_list_runs_through_all_its_pages(sdk: Client):
    def work() -> None:
        for candidate in sdk.available_phone_numbers("LV").mobile.list(limit=5):
            sdk.incoming_phone_numbers.create(phone_number=candidate.phone_number)
        assert len({number.sid for number in sdk.incoming_phone_numbers.list(page_size=2)}) == 5

    await asyncio.to_thread(work)


async def test_account_prices_and_calls(sdk: Client):
    def work() -> None:
        assert sdk.api.accounts(ACCOUNT).fetch().status == "active"
        prices = sdk.pricing.v1.phone_numbers.countries("LV").fetch()
        assert {price["number_type"] for price in prices.phone_number_prices} == {"local", "mobile"}
        assert sdk.calls.list(limit=1) == []

    await asyncio.to_thread(work)
