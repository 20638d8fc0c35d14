"""Everything that the telephony providers send, and everything that the fakes answer, is documented by the
providers' own OpenAPI files.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import httpx
import pytest

from controller.api.business_tenant import Capability, NumberType
from controller.api.conditions import Reason
from controller.providers.circuit import CircuitPolicy
from controller.providers.errors import OutsideError
from controller.providers.limits import Limiter, Limits
from controller.providers.telephony.protocol import (
    Candidate,
    NumberQuery,
    NumberSettings,
    Papers,
    TelephonyAccount,
)
from controller.providers.telephony.twilio import TwilioAccount
from controller.providers.telephony.vonage import VonageAccount

from .exchanges import RecordingTwilio, RecordingVonage, running
from .openapi import Exchange, OpenApi
from .specs import twilio_numbers, twilio_pricing, twilio_v2010, vonage_applications, vonage_numbers

SID: Final = "AC" + "a" * 32
KEY: Final = "1a2345b7"
LABEL: Final = "bt1:riga:a:abcdefghijklmnopqrstuv:tenants/bakery"
EVERYTHING: Final = NumberSettings(
    label=LABEL,
    voice_url="https://ai.example/voice",
    voice_fallback_url="https://ai.example/fallback",
    status_callback_url="https://ai.example/events",
    sms_url="https://ai.example/sms",
)
NOTHING: Final = NumberSettings(label=LABEL.replace(":a:", ":r:"))

# What the files do not say, or say otherwise than the live APIs do.
OTHERWISE: Final = (
    "SMS is not documented",  # capabilities of available numbers are upper case, except for voice
    "MMS is not documented",
    "price is str, not number",  # so is the price list's number_type "toll free"
    "voice.signed_callbacks is not documented",  # newer than the file; the SDK has it
    ".app_id is not documented",  # likewise
    "_links is not documented",  # the SDK demands them
    "].keys is not documented",  # the file shows them where an application is made and changed
    "$.keys is not documented",
)


def limiter() -> Limiter:
    limits = Limits(requests_per_second=10_000, concurrent=100, circuit=CircuitPolicy(failures=10_000))
    return Limiter("The account", limits, unavailable=Reason.PROVIDER_UNAVAILABLE)


async def drive(account: TelephonyAccount) -> None:
    """Use the whole surface of an account, also where it refuses."""
    found: list[Candidate] = []
    for kind in NumberType:
        for capabilities in (frozenset({Capability.VOICE}), frozenset(Capability)):
            for pattern in (None, "+371*2", "*12*"):
                query = NumberQuery("LV", kind, capabilities, pattern, address_available=bool(pattern))
                found += await account.search(query)
        await account.price("LV", kind)
    assert await account.price("AQ", NumberType.LOCAL) is None
    numbers = list(dict.fromkeys(candidate.number for candidate in found))
    papers = Papers("AD" + "b" * 32, "BU" + "c" * 32)
    assert await account.papers_problem(Papers()) is None
    await account.papers_problem(papers)
    bought = await account.buy(numbers[0], EVERYTHING, papers)
    await account.buy(numbers[1], NOTHING, Papers())
    for number in ("+37199999999", "+4930333333333", "+491573533333"):
        with suppress(OutsideError):  # sold to nobody, or not without an address
            await account.buy(number, EVERYTHING, Papers())
    assert len(await account.owned_numbers()) == 2
    assert await account.find_owned("+12025550100") is None
    for settings in (NOTHING, EVERYTHING, NOTHING):
        assert (await account.configure(bought.id, settings)).settings == settings
    assert await account.account_problem() is None
    await account.calls_since(datetime(2026, 1, 1, tzinfo=UTC))
    await account.recent_messages(bought.number, datetime(2026, 1, 1, tzinfo=UTC))
    for _ in range(2):
        await account.release(bought.id)
    with pytest.raises(OutsideError):
        await account.configure(bought.id, EVERYTHING)


async def twilio_exchanges() -> list[Exchange]:
    async with running(RecordingTwilio(accounts={SID: "token"})) as fake:
        account = TwilioAccount(
            account_sid=SID, auth_token="token", base_url=fake.base_url, limiter=limiter()
        )
        async with httpx.AsyncClient(base_url=fake.base_url) as console:
            await console.post(
                "/_sandbox/calls", json={"account": SID, "from": "+3711", "to": "+37120000001"}
            )
            for number in ("+37120000000", "+37120000001"):
                sms = {"account": SID, "from": "WhatsApp", "to": number, "body": "hi"}
                await console.post("/_sandbox/messages", json=sms)
            await drive(account)
            bundle = "BU" + "c" * 32
            for status in ("draft", "twilio-approved"):
                await console.post(f"/_sandbox/bundles/{bundle}", json={"account": SID, "status": status})
                problem = await account.papers_problem(Papers(bundle_id=bundle))
                assert (problem is None) is (status == "twilio-approved")
            bought = (await account.owned_numbers())[0]
            await console.post(f"/_sandbox/numbers/{bought.number}", json={"TrunkSid": "TK" + "0" * 32})
            assert (await account.configure(bought.id, EVERYTHING)).overridden_by == ""
        await account.close()
        return fake.exchanges


async def vonage_exchanges() -> list[Exchange]:
    async with running(RecordingVonage(accounts={KEY: "secret"})) as fake:
        account = VonageAccount(api_key=KEY, api_secret="secret", base_url=fake.base_url, limiter=limiter())
        await drive(account)
        await account.release((await account.owned_numbers())[0].id)
        await account.close()
        stranger = VonageAccount(api_key=KEY, api_secret="wrong", base_url=fake.base_url, limiter=limiter())
        with pytest.raises(OutsideError):
            await stranger.owned_numbers()
        await stranger.close()
        return fake.exchanges


@pytest.fixture(scope="module")
def twilio() -> list[Exchange]:
    return asyncio.run(twilio_exchanges())


@pytest.fixture(scope="module")
def vonage() -> list[Exchange]:
    return asyncio.run(vonage_exchanges())


TWILIO: Final = (twilio_v2010, twilio_pricing, twilio_numbers)
VONAGE: Final = (vonage_numbers, vonage_applications)
Files = Iterable[Callable[[], OpenApi]]


def file_of(exchange: Exchange, files: Files) -> OpenApi:
    return next((spec for file in files if (spec := file()).knows(exchange)), next(iter(files))())


def violations(exchange: Exchange, files: Files) -> list[str]:
    spec = file_of(exchange, files)
    return [
        f"{exchange.name}: {text}" for text in (*spec.request_violations(exchange), *answers(exchange, spec))
    ]


def wrong(exchange: Exchange, files: Files) -> list[str]:
    """What neither the file nor the list above allows."""
    return [text for text in violations(exchange, files) if not text.endswith(OTHERWISE)]


def answers(exchange: Exchange, spec: OpenApi) -> Iterable[str]:
    if exchange.path.startswith("/number/") and exchange.status == 420:
        # Documented for purchases; the API reference in words says it of all three.
        return spec.violations(exchange.content, spec.response("/number/buy", "post", "420"))
    if exchange.status >= 400 and spec is not vonage_numbers() and spec is not vonage_applications():
        # Twilio's files document no errors at all; its pages do: https://www.twilio.com/docs/usage/twilios-response
        assert isinstance(exchange.content, dict)
        return (
            () if set(exchange.content) == {"code", "message", "more_info", "status"} else ("not an error",)
        )
    return spec.response_violations(exchange)


def test_twilio_is_asked_and_played_as_documented(twilio: list[Exchange]) -> None:
    assert [text for exchange in twilio for text in wrong(exchange, TWILIO)] == []
    assert {(one.method, one.status) for one in twilio} >= {
        ("GET", 200),
        ("GET", 404),
        ("POST", 200),
        ("POST", 201),
        ("POST", 400),
        ("POST", 404),
        ("DELETE", 204),
        ("DELETE", 404),
    }


def test_vonage_is_asked_and_played_as_documented(vonage: list[Exchange]) -> None:
    assert [text for exchange in vonage for text in wrong(exchange, VONAGE)] == []
    assert {(one.method, one.path.split("/")[-1], one.status) for one in vonage} >= {
        ("GET", "numbers", 200),
        ("GET", "numbers", 401),
        ("GET", "search", 200),
        ("POST", "buy", 200),
        ("POST", "buy", 420),
        ("POST", "update", 200),
        ("POST", "cancel", 200),
        ("POST", "applications", 201),
        ("GET", "applications", 200),
    }
    assert {one.method for one in vonage if one.path.startswith("/v2/applications/")} == {
        "GET",
        "PUT",
        "DELETE",
    }


def test_the_list_of_what_is_otherwise_holds_nothing_needless(
    twilio: list[Exchange], vonage: list[Exchange]
) -> None:
    found = [text for exchange in twilio for text in violations(exchange, TWILIO)]
    found += [text for exchange in vonage for text in violations(exchange, VONAGE)]
    assert [entry for entry in OTHERWISE if not any(text.endswith(entry) for text in found)] == []


def purchase(exchanges: list[Exchange]) -> Exchange:
    return next(
        one
        for one in exchanges
        if one.method == "POST"
        and one.status < 300
        and one.path.endswith(("/buy", "IncomingPhoneNumbers.json"))
    )


DEVIATIONS: Final[dict[str, Callable[[Exchange], Exchange]]] = {
    "Colour is not documented": lambda one: replace(one, body=one.body + b"&Colour=red"),
    "is missing|fits none of anyOf": lambda one: replace(one, body=b"Colour=red"),
    "the body is missing": lambda one: replace(one, body=b""),
    "query parameter dry_run is not documented": lambda one: replace(one, query="dry_run=1"),
    "the body is application/json": lambda one: replace(one, content_type="application/json"),
    "no Basic credentials": lambda one: replace(one, authorization=""),
    "/now is not documented": lambda one: replace(one, path=one.path + "/now"),
    "colour is not documented": lambda one: replace(one, content={"colour": "red"}),
    "is list, not object": lambda one: replace(one, content=[]),
    "status 299 is not documented": lambda one: replace(one, status=299),
}


@pytest.mark.parametrize("provider", ["twilio", "vonage"])
@pytest.mark.parametrize(("complaint", "deviate"), DEVIATIONS.items(), ids=list(DEVIATIONS))
def test_a_deviation_is_noticed(
    request: pytest.FixtureRequest, provider: str, complaint: str, deviate: Callable[[Exchange], Exchange]
) -> None:
    """The checks above would fail if a provider sent, or a fake answered, something else."""
    good = purchase(request.getfixturevalue(provider))
    files = {"twilio": TWILIO, "vonage": VONAGE}[provider]
    assert wrong(good, files) == []
    assert re.search(complaint, "; ".join(wrong(deviate(good), files)))
