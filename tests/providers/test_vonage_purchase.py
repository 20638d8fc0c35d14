"""A Vonage account: searching and buying. Against the sandbox's Vonage over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from controller.api.business_tenant import Capability, NumberType
from controller.api.conditions import Reason
from controller.providers.errors import OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.telephony.protocol import NumberSettings, Price
from controller.providers.telephony.vonage import VonageAccount
from tests.providers.conftest import ManualTime, Sandbox, Serve
from tests.providers.vonage_account import (
    KEY,
    MARK,
    SECRET,
    SMS,
    VOICE,
    account_at,
    applications,
    buy,
    candidate_of,
    vonage_sandbox,
    wish,
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with vonage_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def account(sandbox: Sandbox, time: ManualTime) -> AsyncIterator[VonageAccount]:
    account = account_at(sandbox.url, time)
    yield account
    await account.close()


class TestSearch:
    async def test_candidates_come_with_the_monthly_rent_in_euros(self, account: VonageAccount) -> None:
        candidates = await account.search(wish())
        assert len({candidate.number for candidate in candidates}) == len(candidates) == 100
        assert all(candidate.number.startswith("+3712") for candidate in candidates)
        assert {candidate.price for candidate in candidates} == {Price(Decimal("2.80"), "EUR")}

    @pytest.mark.parametrize(
        "unsold", [{"type": NumberType.NATIONAL}, {"type": NumberType.TOLL_FREE}, {"country": "AQ"}]
    )
    async def test_what_is_not_sold_there_is_no_error(
        self, account: VonageAccount, unsold: dict[str, Any]
    ) -> None:
        assert await account.search(wish(**unsold)) == []

    async def test_national_numbers_are_not_even_asked_for(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        assert await account.search(wish(type=NumberType.NATIONAL)) == []
        assert await account.price("DE", NumberType.NATIONAL) is None
        assert await sandbox.requests("GET", "/number/search") == 0

    async def test_numbers_that_lack_a_capability_are_left_out(self, account: VonageAccount) -> None:
        assert await account.search(wish(type=NumberType.LOCAL)) == []
        assert await account.search(wish(type=NumberType.LOCAL, capabilities=frozenset({Capability.VOICE})))

    @pytest.mark.parametrize("cost", [None, "on request", "-1", "NaN"])
    async def test_a_cost_that_cannot_be_read_is_unknown(
        self, account: VonageAccount, sandbox: Sandbox, cost: str | None
    ) -> None:
        await sandbox.tell("prices", {"LV": {"mobile-lvn": cost}})
        assert {candidate.price for candidate in await account.search(wish())} == {None}

    @pytest.mark.parametrize("pattern", ["+37125*", "*77*", "+371*5*0", "00"])
    async def test_a_pattern_narrows_the_search(self, account: VonageAccount, pattern: str) -> None:
        found = await account.search(wish(pattern=pattern))
        parts = [part.lstrip("+") for part in pattern.split("*") if part.strip("+")]
        assert found
        assert all(all(part in candidate.number for part in parts) for candidate in found)
        if pattern.startswith("+"):
            assert all(candidate.number.startswith(pattern.split("*", maxsplit=1)[0]) for candidate in found)

    async def test_the_price_is_that_of_the_first_for_sale(self, account: VonageAccount) -> None:
        assert await account.price("LV", NumberType.LOCAL) == Price(Decimal("1.10"), "EUR")
        assert await account.price("AQ", NumberType.LOCAL) is None


class TestBuy:
    async def test_the_number_comes_marked_and_configured(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        number = await candidate_of(account)
        wanted = {"voice_url": VOICE, "status_callback_url": "https://ai.example/events", "sms_url": SMS}
        bought = await buy(account, number, **wanted, voice_fallback_url="https://b.example/")
        assert (bought.number, bought.country, bought.type) == (number, "LV", NumberType.MOBILE)
        assert bought.settings == NumberSettings(
            label=MARK, voice_fallback_url="https://b.example/", **wanted
        )
        assert bought.created_at is None
        assert await account.find_owned(number) == bought
        assert await account.owned_numbers() == [bought]
        assert [charge["msisdn"] for charge in (await sandbox.state())["charges"]] == [number[1:]]

    async def test_calls_are_answered_by_post_and_signed(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        await buy(account, await candidate_of(account), voice_url=VOICE)
        (application,) = (await sandbox.state())["applications"]
        assert application["capabilities"]["voice"] == {
            "webhooks": {"answer_url": {"address": VOICE, "http_method": "POST"}},
            "signed_callbacks": True,
        }

    @pytest.mark.parametrize(
        ("settings", "number"),
        [({"sms_fallback_url": "https://x.example"}, "+37120000001"), ({}, "+88160000001")],
        ids=["sms fallback", "no country"],
    )
    async def test_what_vonage_cannot_do_is_refused_before_anything_is_asked(
        self, account: VonageAccount, sandbox: Sandbox, settings: dict[str, str], number: str
    ) -> None:
        with pytest.raises(Terminal):
            await buy(account, number, **settings)
        assert await sandbox.requests("POST", "") == 0

    async def test_a_voice_url_that_vonage_refuses_shows_before_money_is_spent(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        with pytest.raises(Terminal, match="answer_url") as refusal:
            await buy(account, await candidate_of(account), voice_url="ftp://x.example")
        assert refusal.value.reason is Reason.REFUSED
        assert (await sandbox.state())["charges"] == []

    async def test_the_number_is_marked_although_its_sms_url_does_not_answer(
        self, account: VonageAccount, serve: Serve
    ) -> None:
        async def not_there_yet(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=404)

        number = await candidate_of(account)
        bought = await buy(account, number, sms_url=await serve(not_there_yet), voice_url=VOICE)
        assert bought.settings == NumberSettings(label=MARK, voice_url=VOICE)
        assert await account.find_owned(number) == bought

    async def test_a_purchase_that_times_out_is_sent_exactly_once(
        self, sandbox: Sandbox, time: ManualTime
    ) -> None:
        account = account_at(sandbox.url, time, read_timeout=0.3)
        number = await candidate_of(account)
        await sandbox.order("POST /number/buy", "delay:0.6s")
        with pytest.raises(Retryable) as failure:
            await buy(account, number)
        assert failure.value.outcome_unknown
        await asyncio.sleep(0.5)  # the fake goes on with what it was asked, as Vonage does
        assert await sandbox.requests("POST", "/number/buy") == 1
        await account.close()

    @pytest.mark.parametrize("fault", ["drop-before", "status:401", "status:420", "status:429", "status:500"])
    async def test_whatever_fails_after_the_purchase_leaves_it_in_doubt(
        self, account: VonageAccount, sandbox: Sandbox, time: ManualTime, fault: str
    ) -> None:
        number = await candidate_of(account)
        await sandbox.order("POST /number/update", fault)
        with pytest.raises(Retryable, match="bought but not marked") as failure:
            await buy(account, number)
        assert failure.value.outcome_unknown
        time.pass_by(1)
        found = await account.find_owned(number)
        assert found is not None
        assert found.settings == NumberSettings(label="")

    async def test_a_number_that_a_crash_left_without_a_mark_is_marked_afterwards(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        number = await candidate_of(account)
        await sandbox.order("POST /number/update", "drop-before", times=1)
        with pytest.raises(Retryable):
            await buy(account, number, voice_url=VOICE)
        left = await account.find_owned(number)
        assert left is not None
        wanted = NumberSettings(label=MARK, voice_url=VOICE)
        assert (await account.configure(left.id, wanted)).settings == wanted
        assert list((await applications(sandbox)).values()) == [MARK]
        assert await sandbox.requests("POST", "/number/buy") == 1


async def test_200_purchases_at_once_get_each_their_own_mark(
    account: VonageAccount, sandbox: Sandbox
) -> None:
    first = await account.search(wish())
    second = await account.search(wish(country="EE"))
    numbers = [candidate.number for candidate in [*first, *second]]
    labels = {number: MARK.replace("v:tenants", f"{index:03}:t") for index, number in enumerate(numbers)}
    labels = {number: label.replace(":a:abc", f":a:{number[-6:]}") for number, label in labels.items()}
    bought = await asyncio.gather(
        *(buy(account, number, label=labels[number], voice_url=f"{VOICE}/{number[1:]}") for number in numbers)
    )
    assert len(numbers) == 200
    assert [one.number for one in bought] == numbers
    owned = {one.number: one.settings for one in await account.owned_numbers()}
    assert owned == {
        number: NumberSettings(label=labels[number], voice_url=f"{VOICE}/{number[1:]}") for number in numbers
    }
    assert await sandbox.requests("POST", "/number/buy") == 200


async def test_wrong_credentials_do_not_show(sandbox: Sandbox, time: ManualTime) -> None:
    account = account_at(sandbox.url, time, api_secret="wrong-secret")
    with pytest.raises(Unauthorized) as refusal:
        await account.owned_numbers()
    assert refusal.value.reason is Reason.WRONG_CREDENTIALS
    assert "wrong-secret" not in str(refusal.value)
    assert KEY not in str(refusal.value)
    await account.close()


def test_credentials_never_come_from_the_environment(
    time: ManualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VONAGE_API_SECRET", SECRET)
    with pytest.raises(ValueError, match="API key"):
        account_at("http://127.0.0.1:1", time, api_secret="")


async def test_numbers_and_credentials_are_not_logged(
    sandbox: Sandbox, time: ManualTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes: list[object] = []
    account = account_at(sandbox.url, time, observer=outcomes.append)
    number = await candidate_of(account)
    bought = await buy(account, number)
    await sandbox.order("POST /number/update", "status:420")
    with pytest.raises(OutsideError):
        await account.configure(bought.id, NumberSettings(label=MARK, sms_url=SMS))
    for text in (caplog.text, repr(account), repr(outcomes)):
        assert number.lstrip("+") not in text
        assert SECRET not in text
    await account.close()
