"""A Twilio account as a whole: whether it can be used, its prices, its calls."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

import pytest

from controller.api.business_tenant import NumberType
from controller.api.conditions import Reason
from controller.providers.errors import Terminal, Unauthorized
from controller.providers.telephony import twilio
from controller.providers.telephony.protocol import CallDirection, Price
from controller.providers.telephony.twilio import TwilioAccount
from tests.providers.conftest import ManualTime, Sandbox
from tests.providers.twilio_account import SID, account_at, buy, twilio_sandbox, wish


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with twilio_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def account(sandbox: Sandbox, time: ManualTime) -> AsyncIterator[TwilioAccount]:
    account = account_at(sandbox.url, time)
    yield account
    await account.close()


class TestAccount:
    async def test_an_active_account_has_no_problem(self, account: TwilioAccount, sandbox: Sandbox) -> None:
        assert await account.account_problem() is None
        await sandbox.tell(f"accounts/{SID}", {"type": "Trial"})
        assert await account.account_problem() is None
        assert account.marks_with_purchase

    @pytest.mark.parametrize("status", ["suspended", "closed"])
    async def test_an_account_that_is_not_active_says_so_in_one_sentence(
        self, account: TwilioAccount, sandbox: Sandbox, status: str
    ) -> None:
        await sandbox.tell(f"accounts/{SID}", {"status": status})
        problem = await account.account_problem()
        assert isinstance(problem, Terminal)
        assert problem.reason is Reason.REFUSED
        assert f"{SID} is {status}" in problem.message
        with pytest.raises(Terminal, match="suspended or closed") as refusal:
            await account.owned_numbers()
        assert refusal.value.reason is Reason.REFUSED

    async def test_a_trial_accounts_second_number_is_refused_with_advice(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        await sandbox.tell(f"accounts/{SID}", {"type": "Trial"})
        first, second = (candidate.number for candidate in (await account.search(wish()))[:2])
        await buy(account, first)
        with pytest.raises(Terminal, match="upgrade it") as refusal:
            await buy(account, second)
        assert refusal.value.reason is Reason.REFUSED

    async def test_an_account_that_does_not_exist(self, sandbox: Sandbox, account: TwilioAccount) -> None:
        await sandbox.order("GET /2010-04-01/**", "status:404")
        for ask in (account.account_problem, lambda: account.calls_since(datetime.now(UTC))):
            with pytest.raises(Unauthorized, match="does not exist"):
                await ask()

    async def test_prices(self, account: TwilioAccount) -> None:
        assert await account.price("US", NumberType.LOCAL) == Price(Decimal("1.15"), "USD")
        assert await account.price("US", NumberType.NATIONAL) is None
        assert await account.price("AQ", NumberType.LOCAL) is None


class TestCalls:
    OURS: Final = "+12025550101"
    NOON: Final = datetime(2026, 3, 5, 12, tzinfo=UTC)

    async def record(self, sandbox: Sandbox, **call: Any) -> None:
        told = {"account": SID, "from": "+37129999999", "to": self.OURS, **call}
        await sandbox.tell("calls", told)

    async def test_calls_are_told_from_the_number(self, account: TwilioAccount, sandbox: Sandbox) -> None:
        start = self.NOON.isoformat()
        await self.record(sandbox, start_time=start, duration=75)
        back = {"from": self.OURS, "to": "+37129999999", "direction": "outbound-api"}
        await self.record(sandbox, start_time=start, status="in-progress", **back)
        calls = await account.calls_since(self.NOON)
        assert calls is not None
        assert len({call.id for call in calls}) == 2
        assert [(call.number, call.direction, call.duration) for call in calls] == [
            (self.OURS, CallDirection.OUTBOUND, None),
            (self.OURS, CallDirection.INBOUND, timedelta(seconds=75)),
        ]
        assert {call.started_at for call in calls} == {self.NOON}

    async def test_only_calls_since_then_through_all_pages(
        self, account: TwilioAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(twilio, "_LARGEST_PAGE", 2)
        for minutes in range(-2, 5):
            at = self.NOON + timedelta(minutes=minutes)
            await self.record(sandbox, start_time=at.isoformat(), duration=1)
        riga = self.NOON.astimezone(timezone(timedelta(hours=2)))
        calls = await account.calls_since(riga)
        assert calls is not None
        assert [call.started_at - self.NOON for call in calls] == [
            timedelta(minutes=n) for n in range(4, -1, -1)
        ]

    async def test_there_is_an_end_to_them(
        self, account: TwilioAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(twilio, "MOST_CALLS", 3)
        for _ in range(5):
            await self.record(sandbox, start_time=self.NOON.isoformat())
        assert len(await account.calls_since(self.NOON) or ()) == 3
