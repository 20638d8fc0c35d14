"""A Twilio account at a fake Twilio, for the tests of both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from controller.api.business_tenant import Capability, NumberType
from controller.providers.limits import Limiter
from controller.providers.telephony.protocol import NumberQuery, NumberSettings, Papers, TelephonyAccount
from controller.providers.telephony.twilio import TwilioAccount
from controller.sandbox.fakes.twilio import TwilioFake
from tests.providers.conftest import ManualTime, Sandbox, generous_limiter

SID: Final = "AC" + "1" * 32
TOKEN: Final = "token-of-the-account"
BOTH: Final = frozenset({Capability.VOICE, Capability.SMS})
MARK: Final = "bt1:riga:a:abcdefghijklmnopqrstuv:Bakery"


@asynccontextmanager
async def twilio_sandbox() -> AsyncIterator[Sandbox]:
    fake = TwilioFake(accounts={SID: TOKEN, "AC" + "2" * 32: "another"})
    sandbox = Sandbox(await fake.start())
    yield sandbox
    await sandbox.http.aclose()
    await fake.stop()


def account_at(
    url: str, time: ManualTime, *, token: str = TOKEN, limiter: Limiter | None = None, **more: Any
) -> TwilioAccount:
    return TwilioAccount(
        account_sid=SID,
        auth_token=token,
        base_url=url,
        limiter=limiter or generous_limiter(time.clock),
        clock=time.clock,
        **more,
    )


def wish(**changes: Any) -> NumberQuery:
    wanted = {"country": "US", "type": NumberType.LOCAL, "capabilities": BOTH, "pattern": None}
    return NumberQuery(**{**wanted, "address_available": False, **changes})


async def candidate_of(account: TelephonyAccount, **changes: Any) -> str:
    return (await account.search(wish(**changes)))[0].number


async def buy(account: TelephonyAccount, number: str, **settings: str) -> Any:
    return await account.buy(number, NumberSettings(label=MARK, **settings), Papers())
