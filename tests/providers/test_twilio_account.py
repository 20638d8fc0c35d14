"""A Twilio account as a whole: whether it can be used, its papers, prices and calls."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

import pytest

from controller.api.business_tenant import NumberType
from controller.api.conditions import Reason
from controller.providers.errors import NeedsHuman, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.telephony import twilio
from controller.providers.telephony.protocol import CallDirection, NumberSettings, Papers, Price
from controller.providers.telephony.twilio import TwilioAccount
from tests.providers.conftest import ManualTime, Sandbox
from tests.providers.twilio_account import MARK, SID, account_at, buy, twilio_sandbox, wish

GERMAN_MOBILE: Final = wish(country="DE", type=NumberType.MOBILE, address_available=True)


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


class TestPapers:
    BUNDLE: Final = "BU" + "4" * 32
    PAPERS: Final = Papers(address_id="AD" + "3" * 32, bundle_id=BUNDLE)

    async def put(self, sandbox: Sandbox, status: str, account: str = SID) -> None:
        await sandbox.tell(f"bundles/{self.BUNDLE}", {"account": account, "status": status})

    @pytest.mark.parametrize("status", ["twilio-approved", "provisionally-approved"])
    async def test_an_approved_bundle_is_in_order_and_buys(
        self, account: TwilioAccount, sandbox: Sandbox, status: str
    ) -> None:
        await self.put(sandbox, status)
        assert await account.papers_problem(self.PAPERS) is None
        assert await sandbox.requests("GET", "") == 1
        number = (await account.search(GERMAN_MOBILE))[0].number
        assert (await account.buy(number, NumberSettings(label=MARK), self.PAPERS)).number == number

    @pytest.mark.parametrize(
        ("status", "kind", "reason"),
        [
            ("pending-review", NeedsHuman, Reason.WAITING_FOR_APPROVAL),
            ("in-review", NeedsHuman, Reason.WAITING_FOR_APPROVAL),
            ("draft", Terminal, Reason.BUNDLE_REQUIRED),
            ("twilio-rejected", Terminal, Reason.BUNDLE_REQUIRED),
        ],
    )
    async def test_a_bundle_that_is_not_approved_is_told_with_its_state_and_buys_nothing(
        self, account: TwilioAccount, sandbox: Sandbox, status: str, kind: type[OutsideError], reason: Reason
    ) -> None:
        await self.put(sandbox, status)
        problem = await account.papers_problem(self.PAPERS)
        assert type(problem) is kind
        assert problem.reason is reason
        assert f"{self.BUNDLE} of Twilio account {SID} is not approved: it is {status}" in problem.message
        number = (await account.search(GERMAN_MOBILE))[0].number
        with pytest.raises(Terminal) as refusal:
            await account.buy(number, NumberSettings(label=MARK), self.PAPERS)
        assert refusal.value.reason is Reason.BUNDLE_REQUIRED
        assert (await sandbox.state())["charges"] == []

    async def test_a_bundle_of_another_account_does_not_exist(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        await self.put(sandbox, "twilio-approved", account="AC" + "2" * 32)
        problem = await account.papers_problem(self.PAPERS)
        assert isinstance(problem, Terminal)
        assert problem.reason is Reason.BUNDLE_REQUIRED
        assert f"{self.BUNDLE} does not exist in Twilio account {SID}" in problem.message

    async def test_what_a_parents_key_does_not_find_is_left_to_the_purchase(
        self, sandbox: Sandbox, time: ManualTime
    ) -> None:
        """Bundles are looked up in the account of the key, which may be the parent of the one that buys."""
        parent, key = "AC" + "2" * 32, "SK" + "3" * 32
        await sandbox.tell(f"accounts/{SID}", {"owner_account_sid": parent})
        await sandbox.tell(f"accounts/{parent}", {"api_keys": {key: "key-secret"}})
        await self.put(sandbox, "twilio-approved")
        account = account_at(sandbox.url, time, token="", api_key_sid=key, api_key_secret="key-secret")
        assert await account.papers_problem(self.PAPERS) is None
        number = (await account.search(GERMAN_MOBILE))[0].number
        assert (await account.buy(number, NumberSettings(label=MARK), self.PAPERS)).number == number
        await account.close()

    async def test_without_a_bundle_nothing_is_asked(self, account: TwilioAccount, sandbox: Sandbox) -> None:
        assert await account.papers_problem(Papers(address_id="AD" + "3" * 32)) is None
        assert await sandbox.requests("GET", "") == 0

    async def test_a_state_that_twilio_adds_is_left_to_the_purchase(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        await sandbox.order("GET /v2/**", "status:200", body={"sid": self.BUNDLE, "status": "under-appeal"})
        assert await account.papers_problem(self.PAPERS) is None

    @pytest.mark.parametrize(
        ("fault", "more", "kind"),
        [
            ("status:401", {}, Unauthorized),
            ("status:429", {}, Retryable),
            ("status:503", {}, Retryable),
            ("status:404", {"body": {"message": "no Route matched"}}, Retryable),
            ("status:200", {"body": "<html>"}, Retryable),
            ("drop-before", {}, Retryable),
        ],
    )
    async def test_an_account_that_cannot_tell_is_an_error(
        self,
        account: TwilioAccount,
        sandbox: Sandbox,
        fault: str,
        more: dict[str, Any],
        kind: type[OutsideError],
    ) -> None:
        await sandbox.order("GET /v2/**", fault, **more)
        with pytest.raises(kind):
            await account.papers_problem(self.PAPERS)


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


class TestMessages:
    OURS: Final = "+12025550101"
    NOON: Final = datetime(2026, 3, 5, 12, tzinfo=UTC)

    async def receive(self, sandbox: Sandbox, text: str, **message: Any) -> None:
        at_noon = {"from": "WhatsApp", "to": self.OURS, "date_sent": self.NOON.isoformat()}
        await sandbox.tell("messages", {"account": SID, "body": text, **at_noon, **message})

    async def test_what_a_number_received_since_then_is_told_newest_first(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        await self.receive(sandbox, "too old", date_sent=(self.NOON - timedelta(seconds=1)).isoformat())
        await self.receive(sandbox, "first")
        await self.receive(sandbox, "second", date_sent=(self.NOON + timedelta(minutes=1)).isoformat())
        await self.receive(sandbox, "to another", to="+12025550102")
        await self.receive(sandbox, "sent by us", direction="outbound-api")
        riga = self.NOON.astimezone(timezone(timedelta(hours=2)))

        messages = await account.recent_messages(self.OURS, riga) or ()

        assert [message.text for message in messages] == ["second", "first"]
        assert messages[1].received_at == self.NOON
        assert messages[1].sender == "WhatsApp"

    async def test_a_text_is_never_printed(self, account: TwilioAccount, sandbox: Sandbox) -> None:
        await self.receive(sandbox, "code 123-456")
        (message,) = await account.recent_messages(self.OURS, self.NOON) or ()
        assert "123-456" not in repr(message)

    async def test_there_is_an_end_to_them(
        self, account: TwilioAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(twilio, "MOST_MESSAGES", 2)
        for number in range(4):
            await self.receive(sandbox, str(number))
        messages = await account.recent_messages(self.OURS, self.NOON) or ()
        assert [message.text for message in messages] == ["3", "2"]
