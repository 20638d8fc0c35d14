"""Whose a Vonage number is: marks are names of applications. Against the sandbox's Vonage over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from controller.api.conditions import Reason
from controller.providers.errors import NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.telephony import vonage_requests
from controller.providers.telephony.protocol import NumberSettings, Papers
from controller.providers.telephony.vonage import VonageAccount
from tests.providers.conftest import ManualTime, Sandbox, Serve
from tests.providers.vonage_account import (
    KEY,
    MARK,
    RELEASED,
    SMS,
    VOICE,
    account_at,
    applications,
    buy,
    candidate_of,
    vonage_sandbox,
    wish,
)


@pytest.fixture(params=[False, True], ids=["omitted is reset", "omitted is kept"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with vonage_sandbox(keeps_omitted=request.param) as sandbox:
        yield sandbox


@pytest.fixture
async def account(sandbox: Sandbox, time: ManualTime) -> AsyncIterator[VonageAccount]:
    account = account_at(sandbox.url, time)
    yield account
    await account.close()


async def own(sandbox: Sandbox, number: str, **fields: str) -> None:
    """Somebody bought this number in the dashboard."""
    await sandbox.tell(
        "numbers", {"account": KEY, "country": "LV", "msisdn": number.removeprefix("+"), **fields}
    )


async def make_application(sandbox: Sandbox, name: str, **more: Any) -> str:
    """Somebody made this application in the dashboard."""
    body = {"account": KEY, "name": name, **more}
    made: str = (await sandbox.http.post("/_sandbox/applications", json=body)).json()["id"]
    return made


class TestOwnedNumbers:
    async def test_all_pages_are_read(
        self, account: VonageAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vonage_requests, "LARGEST_PAGE", 3)
        numbers = {f"+3712000000{index}": f"bt1:riga:a:tenant{index}" for index in range(7)}
        for number, name in numbers.items():
            await own(sandbox, number, app_id=await make_application(sandbox, name))
        owned = await account.owned_numbers()
        assert {one.number: one.settings.label for one in owned} == numbers
        assert await sandbox.requests("GET", "/account/numbers") == 3
        assert await sandbox.requests("GET", "/v2/applications") == 3

    async def test_an_account_without_numbers_has_none(self, account: VonageAccount) -> None:
        assert await account.owned_numbers() == []

    @pytest.mark.parametrize("path", ["/account/numbers", "/v2/applications"])
    @pytest.mark.parametrize(
        ("status", "error"), [(401, Unauthorized), (403, Retryable), (429, Retryable), (500, Retryable)]
    )
    async def test_a_failed_list_says_why(
        self, account: VonageAccount, sandbox: Sandbox, path: str, status: int, error: type[OutsideError]
    ) -> None:
        await sandbox.order(f"GET {path}", f"status:{status}")
        with pytest.raises(error) as failure:
            await account.owned_numbers()
        if isinstance(failure.value, Retryable):
            assert not failure.value.outcome_unknown

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "null",
            [],
            {"count": 3},
            {"numbers": [{"country": "LV", "msisdn": "37120000001"}]},
            {"status": "maintenance"},
            {"count": 1, "numbers": [{"country": "LV"}]},
            {"count": 2, "numbers": [{"country": "LV", "msisdn": "37120000001"}]},
        ],
    )
    async def test_an_answer_that_is_no_whole_list_is_never_taken_for_one(
        self, account: VonageAccount, sandbox: Sandbox, body: object
    ) -> None:
        await sandbox.order("GET /account/numbers", "status:200", body=body)
        with pytest.raises(Retryable):
            await account.owned_numbers()

    async def test_a_list_that_shifts_under_the_reader_is_read_again(
        self, serve: Serve, time: ManualTime
    ) -> None:
        """A number cancelled between two pages moves another, which is ours, from page 2 to page 1."""
        numbers = [{"country": "LV", "msisdn": f"3712000{index:04}"} for index in range(150)]
        asked = 0

        async def handler(request: web.Request) -> web.StreamResponse:
            nonlocal asked
            if request.path != "/account/numbers":
                return web.json_response({"page": 1, "total_items": 0, "_embedded": {"applications": []}})
            asked += 1
            start = (int(request.query["index"]) - 1) * 100
            page = {"count": len(numbers), "numbers": numbers[start : start + 100]}
            if asked == 1:
                del numbers[0]
            return web.json_response(page)

        account = account_at(await serve(handler), time)
        assert len(await account.owned_numbers()) == 149
        assert asked == 4
        await account.close()

    async def test_a_foreign_application_never_hides_our_numbers(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        odd = {
            "messages": {"webhooks": {"inbound_url": {"address": "x", "http_method": "GET"}}},
            "voice": None,
        }
        foreign = await make_application(sandbox, "Their shop", capabilities=odd)
        await own(sandbox, "+37120000001", app_id=foreign)
        await buy(account, await candidate_of(account))
        labels = {one.settings.label for one in await account.owned_numbers()}
        assert labels == {"Their shop", MARK}

    async def test_only_exactly_this_number_is_found(self, account: VonageAccount, sandbox: Sandbox) -> None:
        await own(sandbox, "+371200000011")
        assert await account.find_owned("+37120000001") is None
        found = await account.find_owned("+371200000011")
        assert found is not None
        assert found.id == "LV/371200000011"


class TestConfigure:
    async def test_what_is_left_out_is_cleared(self, account: VonageAccount) -> None:
        bought = await buy(account, await candidate_of(account), voice_url=VOICE, sms_url=SMS)
        wanted = NumberSettings(label=MARK, voice_fallback_url="https://c.example/")
        configured = await account.configure(bought.id, wanted)
        assert configured.settings == wanted
        assert await account.find_owned(bought.number) == configured

    async def test_a_released_mark_renames_the_application(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        bought = await buy(account, await candidate_of(account), voice_url=VOICE, sms_url=SMS)
        before = await applications(sandbox)
        released = await account.configure(bought.id, NumberSettings(label=RELEASED))
        assert released.settings == NumberSettings(label=RELEASED)
        assert await applications(sandbox) == dict.fromkeys(before, RELEASED)
        again = await account.configure(bought.id, NumberSettings(label=MARK, sms_url=SMS))
        assert again.settings == NumberSettings(label=MARK, sms_url=SMS)
        assert await applications(sandbox) == before

    async def test_the_mark_says_released_only_when_the_number_is_silent(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        bought = await buy(account, await candidate_of(account), sms_url=SMS)
        await sandbox.order("POST /number/update", "drop-before", times=1)
        with pytest.raises(Retryable):
            await account.configure(bought.id, NumberSettings(label=RELEASED))
        assert await account.find_owned(bought.number) == bought

    async def test_another_owners_application_is_left_alone(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        theirs = await make_application(sandbox, "Their shop")
        await own(sandbox, "+37120000001", app_id=theirs)
        configured = await account.configure("LV/37120000001", NumberSettings(label=MARK, voice_url=VOICE))
        assert configured.settings == NumberSettings(label=MARK, voice_url=VOICE)
        assert (await applications(sandbox))[theirs] == "Their shop"
        assert sorted((await applications(sandbox)).values()) == ["Their shop", MARK]

    async def test_two_numbers_of_one_label_share_its_application(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        first, second = (candidate.number for candidate in (await account.search(wish()))[:2])
        await buy(account, first, voice_url=VOICE)
        await buy(account, second, voice_url=VOICE)
        assert list((await applications(sandbox)).values()) == [MARK]
        assert {one.settings.label for one in await account.owned_numbers()} == {MARK}

    async def test_an_application_that_a_crash_left_without_a_number_is_used(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        left = await make_application(sandbox, RELEASED)
        await buy(account, await candidate_of(account))
        assert await applications(sandbox) == {left: MARK}

    async def test_an_application_that_was_deleted_by_hand_is_made_anew(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        bought = await buy(account, await candidate_of(account), voice_url=VOICE)
        (old,) = await applications(sandbox)
        await sandbox.remove(f"applications/{old}")
        found = await account.find_owned(bought.number)
        assert found is not None
        assert found.settings == NumberSettings(label="")
        assert (await account.configure(bought.id, bought.settings)).settings == bought.settings
        assert list((await applications(sandbox)).values()) == [MARK]

    async def test_an_application_whose_making_is_in_doubt_is_looked_for_first(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        number = await candidate_of(account)
        await sandbox.order("POST /v2/applications", "drop-after", times=1)
        with pytest.raises(Retryable):
            await buy(account, number)
        await buy(account, number)
        assert list((await applications(sandbox)).values()) == [MARK]

    async def test_nothing_is_written_where_all_is_as_wanted(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        bought = await buy(account, await candidate_of(account), voice_url=VOICE, sms_url=SMS)
        before = [await sandbox.requests(method, "") for method in ("POST", "PUT")]
        assert await account.configure(bought.id, bought.settings) == bought
        assert [await sandbox.requests(method, "") for method in ("POST", "PUT")] == before

    async def test_an_sms_url_that_does_not_answer_get_is_told_from_other_refusals(
        self, account: VonageAccount, serve: Serve
    ) -> None:
        answers = web.Response(status=405)

        async def webhook(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=answers.status)

        url = await serve(webhook)
        bought = await buy(account, await candidate_of(account))
        wanted = NumberSettings(label=MARK, voice_url=VOICE, sms_url=url)
        with pytest.raises(Retryable, match="asks it by GET first") as refusal:
            await account.configure(bought.id, wanted)
        assert refusal.value.reason is Reason.WEBHOOK_NOT_ANSWERING
        found = await account.find_owned(bought.number)
        assert found is not None
        assert found.settings == NumberSettings(label=MARK, voice_url=VOICE)
        answers.set_status(200)
        assert (await account.configure(bought.id, wanted)).settings == wanted

    async def test_a_forward_that_overrides_us_is_seen(
        self, account: VonageAccount, sandbox: Sandbox, request: pytest.FixtureRequest
    ) -> None:
        bought = await buy(account, await candidate_of(account))
        forward = {"voiceCallbackType": "tel", "voiceCallbackValue": "37129999999"}
        await sandbox.tell(f"numbers/{bought.number}", forward)
        found = await account.find_owned(bought.number)
        assert found is not None
        assert found.settings.forward_to == "+37129999999"
        configured = await account.configure(bought.id, bought.settings)
        # Told as it is afterwards, not as it was asked for.
        kept = "is kept" in request.node.callspec.id
        assert configured.settings.forward_to == ("+37129999999" if kept else "")

    @pytest.mark.parametrize("gone", ["LV/37120000001", "PN0123", "LV/"])
    async def test_a_number_that_is_gone_cannot_be_configured(
        self, account: VonageAccount, gone: str
    ) -> None:
        with pytest.raises(NotFound):
            await account.configure(gone, NumberSettings(label=MARK))

    async def test_an_sms_fallback_is_refused_in_words(self, account: VonageAccount) -> None:
        with pytest.raises(Terminal, match="fallback"):
            await account.configure("LV/37120000001", NumberSettings(label=MARK, sms_fallback_url=SMS))


class TestRelease:
    async def test_the_number_and_its_application_go(self, account: VonageAccount, sandbox: Sandbox) -> None:
        bought = await buy(account, await candidate_of(account))
        await account.release(bought.id)
        await account.release(bought.id)
        assert await account.owned_numbers() == []
        assert await applications(sandbox) == {}
        assert await sandbox.requests("POST", "/number/cancel") == 1

    async def test_an_application_that_another_number_uses_stays(self, account: VonageAccount) -> None:
        first, second = (candidate.number for candidate in (await account.search(wish()))[:2])
        bought = await buy(account, first)
        await buy(account, second)
        await account.release(bought.id)
        assert [one.settings.label for one in await account.owned_numbers()] == [MARK]

    async def test_another_owners_application_stays(self, account: VonageAccount, sandbox: Sandbox) -> None:
        theirs = await make_application(sandbox, "Their shop")
        await own(sandbox, "+37120000001", app_id=theirs)
        await account.release("LV/37120000001")
        assert await applications(sandbox) == {theirs: "Their shop"}

    async def test_a_number_that_went_meanwhile_is_success(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        bought = await buy(account, await candidate_of(account))
        await sandbox.order("POST /number/cancel", "drop-after", times=1)
        with pytest.raises(Retryable) as failure:
            await account.release(bought.id)
        assert failure.value.outcome_unknown
        await account.release(bought.id)

    async def test_a_refusal_while_the_number_is_there_is_no_success(
        self, account: VonageAccount, sandbox: Sandbox
    ) -> None:
        bought = await buy(account, await candidate_of(account))
        await sandbox.order("POST /number/cancel", "status:420")
        with pytest.raises(Retryable):
            await account.release(bought.id)
        assert await account.find_owned(bought.number) == bought


async def test_papers_are_not_looked_at(account: VonageAccount, sandbox: Sandbox) -> None:
    assert await account.papers_problem(Papers("AD" + "3" * 32, "BU" + "4" * 32)) is None
    assert await sandbox.requests("GET", "") == 0


async def test_calls_are_not_listed(account: VonageAccount) -> None:
    assert await account.calls_since(datetime.now(UTC)) is None
    assert account.marks_with_purchase is False


async def test_received_messages_are_not_listed(account: VonageAccount, sandbox: Sandbox) -> None:
    assert await account.recent_messages("+37120000001", datetime.now(UTC)) is None
    assert await sandbox.requests("GET", "") == 0
