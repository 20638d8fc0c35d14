"""Vonage's own SDK, with its own HTTP client, is at home on the fake, and fails there as it does live."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from vonage import Auth, HttpClientOptions, Vonage
from vonage_application import ApplicationConfig
from vonage_http_client.errors import HttpRequestError
from vonage_numbers import (
    ListOwnedNumbersFilter,
    NumberParams,
    SearchAvailableNumbersFilter,
    UpdateNumberParams,
)

from controller.sandbox.fakes.vonage import VonageFake

KEY = "1a2345b7"


class PlainHttp(HTTPAdapter):
    """Sends what is meant for https over http: the SDK speaks nothing else."""

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *args, **options)


@pytest.fixture
async def host() -> AsyncIterator[str]:
    fake = VonageFake(accounts={KEY: "secret"})
    yield (await fake.start()).removeprefix("http://")
    await fake.stop()


def sdk(host: str) -> Vonage:
    options = HttpClientOptions(api_host=host, rest_host=host, timeout=5, pool_maxsize=1, max_retries=0)
    client = Vonage(Auth(KEY, "secret"), options)
    client.http_client._session.mount("https://", PlainHttp(max_retries=0))
    return client


async def test_buy_link_list_and_cancel(host: str) -> None:
    def work() -> None:
        numbers, applications = sdk(host).numbers, sdk(host).application
        wanted = SearchAvailableNumbersFilter(country="LV", type="mobile-lvn", features="SMS,VOICE", size=2)
        found, count, following = numbers.search_available_numbers(wanted)
        assert (len(found), count > 1000, following) == (2, True, 2)
        assert float(found[0].cost) > 0
        number = NumberParams(country="LV", msisdn=found[0].msisdn)
        assert numbers.buy_number(number).error_code == "200"
        application = applications.create_application(ApplicationConfig(name="shop"))
        linked = UpdateNumberParams(
            country="LV", msisdn=found[0].msisdn, app_id=application.id, mo_http_url=""
        )
        numbers.update_number(linked)
        owned, count, following = numbers.list_owned_numbers(
            ListOwnedNumbersFilter(pattern=found[0].msisdn, search_pattern=0)
        )
        assert (owned[0].app_id, count, following) == (application.id, 1, None)
        listed, following = applications.list_applications()
        assert ([one.name for one in listed], following) == (["shop"], None)
        applications.delete_application(application.id)
        assert numbers.list_owned_numbers()[0][0].app_id is None
        numbers.cancel_number(number)
        assert numbers.list_owned_numbers() == ([], 0, None)

    await asyncio.to_thread(work)


async def test_a_form_that_is_labelled_json_is_refused(host: str) -> None:
    """One SDK object for both APIs, as its documentation has it: after a JSON request no number can be bought."""

    def work() -> None:
        client = sdk(host)
        client.application.create_application(ApplicationConfig(name="shop"))
        found, _, _ = client.numbers.search_available_numbers(SearchAvailableNumbersFilter(country="LV"))
        with pytest.raises(HttpRequestError) as refusal:
            client.numbers.buy_number(NumberParams(country="LV", msisdn=found[0].msisdn))
        assert refusal.value.response.status_code == 420

    await asyncio.to_thread(work)
