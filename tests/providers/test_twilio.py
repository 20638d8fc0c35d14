"""A Twilio account: what is asked of it and what its answers mean. Against the sandbox's Twilio over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest
from aiohttp import web

from controller.api.business_tenant import Capability, NumberType
from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.telephony import twilio
from controller.providers.telephony.protocol import Candidate, NumberSettings, Price
from controller.providers.telephony.twilio import TwilioAccount
from controller.providers.telephony.twilio_errors import judge_answer
from controller.providers.telephony.twilio_transport import operation_of
from controller.providers.transport import READ_TIMEOUT, Answer, RequestOutcome
from tests.providers.conftest import ManualTime, Sandbox, Serve
from tests.providers.twilio_account import (
    MARK,
    SID,
    TOKEN,
    account_at,
    buy,
    candidate_of,
    twilio_sandbox,
    wish,
)

AVAILABLE: Final = "/2010-04-01/Accounts/*/AvailablePhoneNumbers/US"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with twilio_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def account(sandbox: Sandbox, time: ManualTime) -> AsyncIterator[TwilioAccount]:
    account = account_at(sandbox.url, time)
    yield account
    await account.close()


class TestSearch:
    async def test_candidates_come_with_the_monthly_price(self, account: TwilioAccount) -> None:
        candidates = await account.search(wish())
        assert len({candidate.number for candidate in candidates}) == len(candidates) > 1
        assert all(candidate.number.startswith("+1") for candidate in candidates)
        assert {candidate.price for candidate in candidates} == {Price(Decimal("1.15"), "USD")}

    @pytest.mark.parametrize("unsold", [{"type": NumberType.NATIONAL}, {"country": "AQ"}])
    async def test_what_is_not_sold_there_is_no_error(
        self, account: TwilioAccount, unsold: dict[str, Any]
    ) -> None:
        assert await account.search(wish(**unsold)) == []

    async def test_a_kind_that_stopped_being_sold_since_is_no_error(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        assert await account.search(wish())
        await sandbox.tell("inventory", {"US": {"local": None}})
        assert await account.search(wish()) == []

    async def test_numbers_that_lack_a_capability_are_left_out(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        await sandbox.tell("inventory", {"US": {"local": {"capabilities": {"voice": True, "sms": False}}}})
        assert await account.search(wish()) == []
        assert await account.search(wish(capabilities=frozenset({Capability.VOICE})))

    async def test_numbers_that_demand_an_address_need_one(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        await sandbox.tell("inventory", {"US": {"local": {"address_requirements": "local"}}})
        assert await account.search(wish()) == []
        assert await account.search(wish(address_available=True))

    async def test_an_unlisted_price_is_unknown(self, account: TwilioAccount, sandbox: Sandbox) -> None:
        await sandbox.tell("prices", {"US": {"local": None}})
        assert {candidate.price for candidate in await account.search(wish())} == {None}

    async def test_toll_free_has_its_own_price_whatever_its_spelling(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        inventory = (await sandbox.state())["inventory"]["US"]
        shelf = next(kind for name, kind in inventory.items() if name.lower().startswith("toll"))
        candidates = await account.search(wish(type=NumberType.TOLL_FREE))
        assert candidates[0].price == Price(Decimal(shelf["price"]), "USD")

    async def test_prices_that_cannot_be_read_now_are_an_error_not_unknown(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        await sandbox.order("GET /v1/PhoneNumbers/**", "status:503")
        with pytest.raises(Retryable):
            await account.search(wish())

    async def test_a_country_is_asked_about_once_in_ten_minutes(
        self, account: TwilioAccount, sandbox: Sandbox, time: ManualTime
    ) -> None:
        await asyncio.gather(*(account.search(wish()) for _ in range(5)))
        assert await sandbox.requests("GET", "/v1/PhoneNumbers") == 1
        time.pass_by(601)
        await account.search(wish())
        assert await sandbox.requests("GET", "/v1/PhoneNumbers") == 2

    async def test_kinds_are_discovered_in_countries_nobody_has_heard_of(
        self, account: TwilioAccount, sandbox: Sandbox, time: ManualTime
    ) -> None:
        assert await account.search(wish(country="IS", type=NumberType.MOBILE)) == []
        await sandbox.tell("inventory", {"IS": {"mobile": {"candidates": ["+3546110001"], "price": "4.20"}}})
        time.pass_by(601)
        sold = {kind: await account.search(wish(country="IS", type=kind)) for kind in NumberType}
        price = Price(Decimal("4.20"), "USD")
        assert sold.pop(NumberType.MOBILE) == [Candidate("+3546110001", price)]
        assert set(map(len, sold.values())) == {0}
        assert await account.price("IS", NumberType.MOBILE) == price
        assert await account.price("IS", NumberType.LOCAL) is None
        assert await sandbox.requests("GET", "/AvailablePhoneNumbers/IS/") == 1

    async def test_kinds_that_we_do_not_know_are_passed_over(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        uris = dict.fromkeys(["voip", "shared_cost", "machine_to_machine", "toll_free"], "/x.json")
        offer = {"country_code": "US", "subresource_uris": uris}
        await sandbox.order(f"GET {AVAILABLE}.json", "status:200", body=offer)
        assert await account.search(wish()) == []
        assert await account.search(wish(type=NumberType.TOLL_FREE))

    @pytest.mark.parametrize(
        ("answer", "body"),
        [
            ("status:404", None),
            ("status:200", {"country": "United States"}),
            ("status:200", {"price_unit": "USD", "phone_number_prices": []}),
            ("status:200", {"price_unit": "", "phone_number_prices": [{"number_type": "local"}]}),
            (
                "status:200",
                {
                    "price_unit": "USD",
                    "phone_number_prices": [None, {"number_type": "local", "current_price": "free"}],
                },
            ),
        ],
    )
    async def test_where_prices_are_missing_numbers_are_offered_without(
        self, account: TwilioAccount, sandbox: Sandbox, answer: str, body: object
    ) -> None:
        await sandbox.order("GET /v1/PhoneNumbers/Countries/US", answer, body=body)
        candidates = await account.search(wish())
        assert candidates
        assert {candidate.price for candidate in candidates} == {None}
        assert await account.price("US", NumberType.LOCAL) is None

    @pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
    async def test_capabilities_are_read_however_they_are_spelt(
        self, account: TwilioAccount, sandbox: Sandbox, spelling: Callable[[str], str]
    ) -> None:
        able = {spelling("voice"): True, spelling("sms"): True}
        numbers = [
            {"phone_number": "+18085550101", "capabilities": able},
            {"phone_number": "+18085550102", "capabilities": {**able, spelling("sms"): False}},
            {"phone_number": "+18085550103", "capabilities": None},
        ]
        offered = {"available_phone_numbers": numbers}
        await sandbox.order(f"GET {AVAILABLE}/Local.json", "status:200", body=offered)
        assert [candidate.number for candidate in await account.search(wish())] == ["+18085550101"]

    async def test_a_pattern_narrows_the_search(self, account: TwilioAccount) -> None:
        wanted = (await candidate_of(account))[-4:]
        found = await account.search(wish(pattern=f"*{wanted}"))
        assert found
        assert all(wanted in candidate.number for candidate in found)


class TestBuy:
    async def test_the_number_comes_marked_and_configured(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        number = await candidate_of(account)
        bought = await buy(
            account, number, voice_url="https://ai.example/voice", sms_url="https://ai.example/sms"
        )
        assert bought.number == number
        assert bought.country == "US"
        assert bought.type is NumberType.LOCAL
        assert bought.settings == NumberSettings(
            label=MARK, voice_url="https://ai.example/voice", sms_url="https://ai.example/sms"
        )
        assert datetime.now(UTC) - bought.created_at < timedelta(minutes=1)
        assert await account.find_owned(number) == bought
        assert [charge["phone_number"] for charge in (await sandbox.state())["charges"]] == [number]

    async def test_a_purchase_that_times_out_is_sent_exactly_once(
        self, sandbox: Sandbox, time: ManualTime
    ) -> None:
        account = account_at(sandbox.url, time, read_timeout=0.3)
        number = await candidate_of(account)
        await sandbox.order("POST /2010-04-01/**", "delay:0.6s")
        with pytest.raises(Retryable) as failure:
            await buy(account, number)
        assert failure.value.outcome_unknown
        await asyncio.sleep(0.5)  # the fake goes on with what it was asked, as Twilio does
        assert await sandbox.requests("POST", "IncomingPhoneNumbers") == 1
        await account.close()

    def test_a_purchase_may_take_longer_than_twilio_itself_waits(self) -> None:
        assert READ_TIMEOUT > 26


class TestOwnedNumbers:
    async def test_all_pages_are_read(
        self, account: TwilioAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(twilio, "_LARGEST_PAGE", 3)
        numbers = {f"+1202555{index:04}" for index in range(100, 110)}
        for number in numbers:
            await sandbox.tell("numbers", {"account": SID, "PhoneNumber": number})
        owned = await account.owned_numbers()
        assert {number.number for number in owned} == numbers
        assert await sandbox.requests("GET", "IncomingPhoneNumbers") == 4

    async def test_only_exactly_this_number_is_found(self, account: TwilioAccount, sandbox: Sandbox) -> None:
        await sandbox.tell("numbers", {"account": SID, "PhoneNumber": "+12025550101"})
        assert await account.find_owned("+1202555010") is None
        found = await account.find_owned("+12025550101")
        assert found is not None
        assert found.number == "+12025550101"

    async def test_wrong_credentials(self, sandbox: Sandbox, time: ManualTime) -> None:
        account = account_at(sandbox.url, time, token="wrong-token")
        with pytest.raises(Unauthorized) as refusal:
            await account.owned_numbers()
        assert refusal.value.reason is Reason.WRONG_CREDENTIALS
        assert "wrong-token" not in str(refusal.value)
        await account.close()

    async def test_an_api_key_serves_instead_of_the_token(self, sandbox: Sandbox, time: ManualTime) -> None:
        key = "SK" + "3" * 32
        await sandbox.tell(f"accounts/{SID}", {"api_keys": {key: "key-secret"}})
        account = account_at(sandbox.url, time, token="", api_key_sid=key, api_key_secret="key-secret")
        assert await account.owned_numbers() == []
        await account.close()

    async def test_credentials_never_come_from_the_environment(
        self, sandbox: Sandbox, time: ManualTime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
        monkeypatch.setenv("TWILIO_REGION", "ie1")
        with pytest.raises(ValueError, match="auth token"):
            account_at(sandbox.url, time, token="")


class TestConfigureAndRelease:
    async def test_what_is_left_out_is_cleared(self, account: TwilioAccount) -> None:
        bought = await buy(
            account, await candidate_of(account), voice_url="https://a.example/", sms_url="https://b.example/"
        )
        wanted = NumberSettings(label="bt1:riga:r:x:y", voice_fallback_url="https://c.example/")
        configured = await account.configure(bought.id, wanted)
        assert configured.settings == wanted
        assert await account.find_owned(bought.number) == configured

    async def test_what_overrides_our_urls_is_cleared(self, account: TwilioAccount, sandbox: Sandbox) -> None:
        bought = await buy(account, await candidate_of(account))
        await sandbox.tell(f"numbers/{bought.number}", {"TrunkSid": "TK" + "0" * 32})
        found = await account.find_owned(bought.number)
        assert found is not None
        assert found.overridden_by == "trunk_sid"
        configured = await account.configure(bought.id, NumberSettings(label=MARK))
        assert configured.overridden_by == ""
        assert await account.find_owned(bought.number) == configured

    async def test_one_request_where_nothing_overrides(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        bought = await buy(account, await candidate_of(account))
        before = await sandbox.requests("POST", "IncomingPhoneNumbers")
        await account.configure(bought.id, NumberSettings(label=MARK))
        assert await sandbox.requests("POST", "IncomingPhoneNumbers") == before + 1

    async def test_a_number_that_is_gone_cannot_be_configured(self, account: TwilioAccount) -> None:
        with pytest.raises(NotFound):
            await account.configure("PN" + "0" * 32, NumberSettings(label=MARK))

    async def test_releasing_twice_is_success(self, account: TwilioAccount) -> None:
        bought = await buy(account, await candidate_of(account))
        await account.release(bought.id)
        await account.release(bought.id)
        assert await account.owned_numbers() == []

    async def test_a_gateways_404_does_not_say_that_a_number_is_gone(
        self, account: TwilioAccount, sandbox: Sandbox
    ) -> None:
        bought = await buy(account, await candidate_of(account))
        await sandbox.order("DELETE /2010-04-01/**", "status:404", body={"message": "no Route matched"})
        with pytest.raises(Retryable):
            await account.release(bought.id)


@pytest.mark.parametrize(
    ("status", "code", "error", "reason"),
    [
        (401, 20003, Unauthorized, Reason.WRONG_CREDENTIALS),
        (404, 20404, NotFound, Reason.PROVIDER_UNAVAILABLE),
        (429, 20429, Retryable, Reason.PROVIDER_UNAVAILABLE),
        (400, 21421, Conflict, Reason.NO_NUMBER_FOR_SALE),
        (400, 21422, Conflict, Reason.NO_NUMBER_FOR_SALE),
        (400, 21613, Terminal, Reason.ADDRESS_REQUIRED),
        (400, 21631, Terminal, Reason.ADDRESS_REQUIRED),
        (400, 21649, Terminal, Reason.BUNDLE_REQUIRED),
        (400, 10002, Terminal, Reason.REFUSED),
        (403, 20005, Terminal, Reason.REFUSED),
        (400, 99999, Retryable, Reason.PROVIDER_UNAVAILABLE),
        (302, None, Retryable, Reason.PROVIDER_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("shape", ["classic", "rfc9457"])
def test_codes_say_what_to_do(
    status: int, code: int | None, error: type[OutsideError], reason: Reason, shape: str
) -> None:
    text = f"No, for {TOKEN} (request RQ{'a' * 32})"
    told = {"message": text} if shape == "classic" else {"type": "about:blank", "title": "No", "detail": text}
    body = httpx.Response(status, json={**told, "status": status, "code": code}).content
    refusal = judge_answer(
        Answer(status, body, {}), method="POST", account="Twilio account AC1", secrets=[TOKEN]
    )
    assert refusal is not None
    assert type(refusal.error) is error
    assert refusal.error.reason is reason
    assert TOKEN not in refusal.error.message
    assert "RQ" not in refusal.error.message


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1]", b'{"code": "x"}'])
def test_an_answer_that_is_not_twilios_is_tried_again(content: bytes) -> None:
    refusal = judge_answer(Answer(404, content, {}), method="GET", account="a", secrets=[])
    assert refusal is not None
    assert isinstance(refusal.error, Retryable)


async def test_a_base_url_may_have_a_path(serve: Serve, time: ManualTime) -> None:
    paths = []

    async def handler(request: web.Request) -> web.StreamResponse:
        paths.append(request.path_qs)
        return web.json_response({"incoming_phone_numbers": []})

    account = account_at(f"{await serve(handler)}/gateway/", time)
    await account.owned_numbers()
    assert paths == [f"/gateway/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json?PageSize=1000"]
    await account.close()


@pytest.mark.parametrize(
    ("uri", "operation"),
    [
        (
            f"https://api.twilio.com/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json",
            "GET /IncomingPhoneNumbers",
        ),
        (
            f"https://api.twilio.com/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers/PN{'0' * 32}.json",
            "GET /IncomingPhoneNumbers/{sid}",
        ),
        (
            f"https://api.twilio.com/2010-04-01/Accounts/{SID}/AvailablePhoneNumbers/LV/Mobile.json?PageSize=9",
            "GET /AvailablePhoneNumbers/{country}/Mobile",
        ),
        (f"https://api.twilio.com/2010-04-01/Accounts/{SID}.json", "GET /Accounts/{sid}"),
        (
            "https://pricing.twilio.com/v1/PhoneNumbers/Countries/LV",
            "GET /v1/PhoneNumbers/Countries/{country}",
        ),
        (
            f"https://numbers.twilio.com/v2/RegulatoryCompliance/Bundles/BU{'0' * 32}",
            "GET /v2/RegulatoryCompliance/Bundles/{sid}",
        ),
    ],
)
def test_metrics_know_operations_not_ids(uri: str, operation: str) -> None:
    assert operation_of("GET", uri) == operation


async def test_numbers_and_credentials_are_not_logged(
    sandbox: Sandbox, time: ManualTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes: list[RequestOutcome] = []
    account = account_at(sandbox.url, time, observer=outcomes.append)
    number = await candidate_of(account)
    await account.find_owned(number)
    await buy(account, number)
    for text in (caplog.text, repr(account), repr(outcomes)):
        assert number.lstrip("+") not in text
        assert TOKEN not in text
    await account.close()
