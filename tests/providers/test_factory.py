"""From a spec and its Secret to a client."""

import subprocess
import sys
from typing import Any, Final

import pytest
from aiohttp import web

from controller.api.common_fields import SecretKeyReference
from controller.api.conditions import Reason
from controller.api.evolution_server import EvolutionServerSpec
from controller.api.phone_provider import PhoneProviderSpec
from controller.providers.errors import Terminal
from controller.providers.factory import (
    evolution_client,
    evolution_limiter,
    meta_account,
    meta_limiter,
    telephony_account,
    telephony_limiter,
)
from controller.providers.meta.protocol import MetaAccount
from controller.sandbox.fakes.graph import Account, GraphFake
from controller.sandbox.fakes.twilio import TwilioFake
from controller.sandbox.fakes.vonage import VonageFake
from tests.providers.conftest import ManualTime, Serve, generous_limiter

SID: Final = "AC" + "1" * 32


def provider(url: str | None = None, **credentials: str) -> PhoneProviderSpec:
    body: dict[str, Any] = {
        "type": "Twilio",
        "twilio": {"accountSID": SID, "credentialsSecretRef": {"name": "twilio", **credentials}},
    }
    return PhoneProviderSpec.model_validate({**body, **({"apiBaseURL": url} if url else {})})


def vonage_provider(url: str | None = None, *, api_key: str | None = None, **names: str) -> PhoneProviderSpec:
    account: dict[str, Any] = {"credentialsSecretRef": {"name": "vonage", **names}}
    body = {"type": "Vonage", "vonage": {**account, **({"apiKey": api_key} if api_key else {})}}
    return PhoneProviderSpec.model_validate({**body, **({"apiBaseURL": url} if url else {})})


def server(url: str = "http://127.0.0.1:1", **more: Any) -> EvolutionServerSpec:
    body = {"url": url, "apiKeySecretRef": {"name": "evolution", "key": "apiKey"}, **more}
    return EvolutionServerSpec.model_validate(body)


KEY_NAMES: Final = {"apiKeySIDKey": "sid", "apiKeySecretKey": "secret"}


@pytest.mark.parametrize(
    ("names", "secret"),
    [
        ({}, {"authToken": "the-token\n"}),
        ({"authTokenKey": "token"}, {"token": "the-token"}),
        (KEY_NAMES, {"sid": "SK" + "2" * 32, "secret": "the-secret"}),
    ],
)
async def test_an_account_with_its_credentials_is_let_in(
    names: dict[str, str], secret: dict[str, str]
) -> None:
    fake = TwilioFake(accounts={SID: "the-token"})
    spec = provider(await fake.start(), **names)
    fake.world.accounts[SID].api_keys = {"SK" + "2" * 32: "the-secret"}
    account = telephony_account(spec, secret, limiter=generous_limiter())
    assert await account.owned_numbers() == []
    await account.close()
    await fake.stop()


@pytest.mark.parametrize(
    ("names", "secret"),
    [
        ({}, {"apiKey": "1a2345b7\n", "apiSecret": "the-secret\n"}),
        ({"apiKeyKey": "key", "apiSecretKey": "secret"}, {"key": "1a2345b7", "secret": "the-secret"}),
        ({"api_key": "1a2345b7"}, {"apiSecret": "the-secret"}),
    ],
)
async def test_a_vonage_account_with_its_credentials_is_let_in(
    names: dict[str, Any], secret: dict[str, str]
) -> None:
    fake = VonageFake(accounts={"1a2345b7": "the-secret"})
    account = telephony_account(
        vonage_provider(await fake.start(), **names), secret, limiter=generous_limiter()
    )
    assert await account.owned_numbers() == []
    await account.close()
    await fake.stop()


@pytest.mark.parametrize(
    ("secret", "missing"), [({"apiKey": "x"}, "apiSecret"), ({"apiSecret": "x", "apiKey": " "}, "apiKey")]
)
def test_a_missing_key_of_vonage_is_named(secret: dict[str, str], missing: str) -> None:
    with pytest.raises(Terminal, match=f"Secret vonage has no key {missing}") as refusal:
        telephony_account(vonage_provider(), secret, limiter=generous_limiter())
    assert refusal.value.reason is Reason.SECRET_NOT_FOUND


async def test_vonage_is_asked_once_a_second_unless_the_spec_says_more(time: ManualTime) -> None:
    limiter = telephony_limiter("riga", vonage_provider(), clock=time.clock)
    for _ in range(3):
        async with limiter.slot() as slot:
            slot.succeeded()
    assert time.slept == [1, 1]


@pytest.mark.parametrize("kind", ["Twilio", "Vonage"])
def test_a_missing_block_is_named(kind: str) -> None:
    spec = PhoneProviderSpec.model_validate({"type": kind})
    with pytest.raises(Terminal, match=f"spec.{kind.lower()} is needed") as refusal:
        telephony_account(spec, {}, limiter=generous_limiter())
    assert refusal.value.reason is Reason.INVALID_SPEC


@pytest.mark.parametrize(
    ("names", "secret", "missing"),
    [
        ({}, {}, "authToken"),
        ({}, {"authToken": " \n"}, "authToken"),
        ({"authTokenKey": "token"}, {"authToken": "x"}, "token"),
        (KEY_NAMES, {"sid": "SK1"}, "secret"),
        (KEY_NAMES, {"secret": "x"}, "sid"),
    ],
)
def test_a_missing_key_is_named(names: dict[str, str], secret: dict[str, str], missing: str) -> None:
    with pytest.raises(Terminal, match=f"Secret twilio has no key {missing}") as refusal:
        telephony_account(provider(**names), secret, limiter=generous_limiter())
    assert refusal.value.reason is Reason.SECRET_NOT_FOUND


def test_half_an_api_key_is_a_mistake_in_the_spec() -> None:
    with pytest.raises(Terminal) as refusal:
        telephony_account(provider(apiKeySIDKey="sid"), {"sid": "SK1"}, limiter=generous_limiter())
    assert refusal.value.reason is Reason.INVALID_SPEC


async def test_a_server_is_asked_with_its_key(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.headers["apikey"] == "the-key"
        return web.json_response([])

    spec = server(await serve(handler))
    client = evolution_client(spec, "the-key\n", limiter=generous_limiter())
    assert await client.instances() == []
    await client.close()


@pytest.mark.parametrize(
    ("key", "metrics_secret", "missing"),
    [
        ("", {"username": "u", "password": "p"}, "apiKey"),
        ("k", {"username": "u"}, "password"),
        ("k", None, "username"),
    ],
)
def test_a_servers_missing_key_is_named(
    key: str, metrics_secret: dict[str, str] | None, missing: str
) -> None:
    spec = server(metrics={"mode": "Auto", "basicAuthSecretRef": {"name": "metrics"}})
    with pytest.raises(Terminal, match=f"has no key {missing}") as refusal:
        evolution_client(spec, key, limiter=generous_limiter(), metrics_secret=metrics_secret)
    assert refusal.value.reason is Reason.SECRET_NOT_FOUND


@pytest.mark.parametrize(("limits", "burst", "wait"), [({}, 10, 0.1), ({"requestsPerSecond": 2}, 2, 0.5)])
async def test_limits_come_from_the_spec(
    time: ManualTime, limits: dict[str, int], burst: int, wait: float
) -> None:
    spec = PhoneProviderSpec.model_validate({**provider().to_wire(), "limits": limits})
    limiter = telephony_limiter("riga", spec, clock=time.clock)
    for _ in range(burst + 1):
        async with limiter.slot() as slot:
            slot.succeeded()
    assert time.slept == [wait]
    assert limiter.name == "PhoneProvider riga"


def test_a_server_has_limits_of_its_own() -> None:
    assert evolution_limiter("eu-1", server()).name == "EvolutionServer eu-1"


META_TOKEN: Final = SecretKeyReference(name="sunrise-meta", key="token")
META_IDS: Final = ("100200300", "400500600")


def number_at_meta(
    secret: dict[str, str], ids: tuple[str, str] = META_IDS, url: str | None = None
) -> MetaAccount:
    number, account = ids
    return meta_account(
        META_TOKEN,
        secret,
        phone_number_id=number,
        business_account_id=account,
        limiter=meta_limiter(),
        base_url=url,
    )


async def test_a_number_at_meta_is_asked_with_its_token() -> None:
    fake = GraphFake(accounts=[Account("400500600", "the-token", {"100200300": "+37120000001"})])
    account = number_at_meta({"token": "the-token\n"}, url=await fake.start())
    assert (await account.phone_number()).number == "+37120000001"
    await account.close()
    await fake.stop()


def test_metas_missing_token_is_named() -> None:
    with pytest.raises(Terminal, match="Secret sunrise-meta has no key token") as refusal:
        number_at_meta({"tokens": "x"})
    assert refusal.value.reason is Reason.SECRET_NOT_FOUND


@pytest.mark.parametrize("ids", [("100200300", ""), ("", "400500600")])
def test_metas_ids_are_needed_together(ids: tuple[str, str]) -> None:
    with pytest.raises(Terminal, match=r"spec\.whatsapp\.cloudAPI") as refusal:
        number_at_meta({"token": "x"}, ids)
    assert refusal.value.reason is Reason.INVALID_SPEC


async def test_meta_is_asked_less_often_than_it_allows(time: ManualTime) -> None:
    limiter = meta_limiter(clock=time.clock)
    for _ in range(5000):
        async with limiter.slot() as slot:
            slot.succeeded()
    assert sum(time.slept) > 3600


@pytest.mark.parametrize("sdk", ["twilio", "vonage_numbers"])
def test_an_sdk_is_loaded_only_where_it_is_used(sdk: str) -> None:
    """They cost 16 and 10 MB. Measured in a process of its own, since other tests have loaded them here."""
    program = f"import sys, controller.providers.factory; sys.exit({sdk!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603
