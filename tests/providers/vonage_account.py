"""A Vonage account at a fake Vonage, for the tests of both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from controller.api.business_tenant import Capability, NumberType
from controller.providers.telephony.protocol import NumberQuery, NumberSettings, OwnedNumber, Papers
from controller.providers.telephony.vonage import VonageAccount
from controller.sandbox.fakes.vonage import VonageFake
from tests.providers.conftest import ManualTime, Sandbox, generous_limiter

KEY: Final = "1a2345b7"
SECRET: Final = "secret-of-the-account"
OTHER_KEY: Final = "9z8765y3"
MARK: Final = "bt1:riga:a:abcdefghijklmnopqrstuv:tenants/bakery"
RELEASED: Final = MARK.replace(":a:", ":r:")
VOICE: Final = "https://ai.example/voice"
SMS: Final = "https://ai.example/sms"
BOTH: Final = frozenset({Capability.VOICE, Capability.SMS})


@asynccontextmanager
async def vonage_sandbox(**options: Any) -> AsyncIterator[Sandbox]:
    fake = VonageFake(accounts={KEY: SECRET, OTHER_KEY: "another"}, **options)
    sandbox = Sandbox(await fake.start())
    yield sandbox
    await sandbox.http.aclose()
    await fake.stop()


def account_at(url: str, time: ManualTime, **more: Any) -> VonageAccount:
    wanted = {"api_key": KEY, "api_secret": SECRET, "limiter": generous_limiter(time.clock)}
    return VonageAccount(**{**wanted, "base_url": url, "clock": time.clock, **more})


def wish(**changes: Any) -> NumberQuery:
    wanted = {"country": "LV", "type": NumberType.MOBILE, "capabilities": BOTH, "pattern": None}
    return NumberQuery(**{**wanted, "address_available": False, **changes})


async def candidate_of(account: VonageAccount, **changes: Any) -> str:
    return (await account.search(wish(**changes)))[0].number


async def buy(account: VonageAccount, number: str, label: str = MARK, **settings: str) -> OwnedNumber:
    return await account.buy(number, NumberSettings(label=label, **settings), Papers())


async def applications(sandbox: Sandbox) -> dict[str, str]:
    """Names of the account's applications by id."""
    return {one["id"]: one["name"] for one in (await sandbox.state())["applications"]}
