"""Everything a purchase or a list at Vonage can end in: what we make of it, and what is paid for."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import pytest

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.telephony import vonage_requests
from controller.providers.telephony.protocol import NumberSettings
from controller.providers.telephony.vonage import VonageAccount
from tests.providers.conftest import ManualTime, Sandbox
from tests.providers.purchase_endings import Ending, assert_ends_so, failure
from tests.providers.vonage_account import (
    KEY,
    MARK,
    OTHER_KEY,
    SECRET,
    account_at,
    buy,
    vonage_sandbox,
    wish,
)

NUMBER: Final = "+37120000001"
BUY: Final = "POST /number/buy"


def numbers_error(code: int, label: str) -> dict[str, object]:
    return {"error-code": str(code), "error-code-label": label}


def owned_by(account: str, number: str = NUMBER) -> tuple[str, object]:
    return "numbers", {"account": account, "country": "LV", "msisdn": number.removeprefix("+")}


def shelf(**changes: object) -> tuple[str, object]:
    return "inventory", {"LV": {"mobile-lvn": changes}}


def refusal(status: int, label: str, error: type[OutsideError], reason: Reason, code: int = 420) -> Ending:
    return Ending(error, reason, fault=f"status:{status}", body=numbers_error(code, label))


DASHBOARD: Final = "Numbers from this country can be requested from the Dashboard as they require an address"
SOLD: Final = (Conflict, Reason.NO_NUMBER_FOR_SALE)
REFUSED: Final = (Terminal, Reason.REFUSED)

ENDINGS: Final[Mapping[str, Ending]] = {
    # 420 in all its texts
    "sold to somebody else": Ending(*SOLD, controls=[owned_by(OTHER_KEY)]),
    "sold out": Ending(*SOLD, controls=[shelf(stock=0)]),
    "in the account already": failure("", controls=[owned_by(KEY)], doubtful=True),
    "said to be in the account already, which it is not": refusal(
        420, "You may already own this number", *SOLD
    ),
    "an address demanded": Ending(Terminal, Reason.ADDRESS_REQUIRED, controls=[shelf(dashboard_only=True)]),
    "no money left": refusal(420, "Insufficient funds", *REFUSED),
    "a parameter missing": refusal(420, "country and msisdn are required", *REFUSED),
    "no reason given": failure("status:420", body={}),
    # 200 that is none
    "420 in a 200": refusal(200, "method failed", *SOLD),
    "an address demanded in a 200": refusal(200, DASHBOARD, Terminal, Reason.ADDRESS_REQUIRED),
    "wrong credentials in a 200": refusal(
        200, "authentication failed", Unauthorized, Reason.WRONG_CREDENTIALS, code=401
    ),
    "too many in a 200": failure("status:200", body=numbers_error(429, "slow down")),
    "failed in a 200": failure("status:200", body=numbers_error(500, "internal"), doubtful=True),
    "a code that is none, in a 200": failure("status:200", body={"error-code": "odd"}, doubtful=True),
    "bought, but the answer is no JSON": failure(
        "status-after:200", body="<html>", doubtful=True, bought=True
    ),
    "bought, but the answer is empty": failure("status-after:200", body="", doubtful=True, bought=True),
    "bought, but the answer is a list": failure("status-after:200", body=[], doubtful=True, bought=True),
    "bought, but the answer has no code": failure("status-after:200", body={}, doubtful=True, bought=True),
    # by status
    "credentials refused": Ending(Unauthorized, Reason.WRONG_CREDENTIALS, fault="status:401"),
    "forbidden": failure("status:403"),
    "not there": failure("status:404"),
    "too many": failure("status:429", after=1),
    "too many, with a long pause": failure("status:429", headers={"Retry-After": "17"}, after=17),
    "failed": failure("status:500", doubtful=True),
    "failed after it was bought": failure("status-after:500", doubtful=True, bought=True),
    "a gateway's page": failure("status:502", body="<html>Bad Gateway</html>", doubtful=True),
    "down for a while": failure("status:503", headers={"Retry-After": "9"}, doubtful=True, after=9),
    "dropped before it was bought": failure("drop-before", doubtful=True),
    "dropped after it was bought": failure("drop-after", doubtful=True, bought=True),
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with vonage_sandbox() as sandbox:
        await sandbox.tell(*shelf(candidates=[NUMBER.removeprefix("+")]))
        yield sandbox


@pytest.fixture
async def account(sandbox: Sandbox, time: ManualTime) -> AsyncIterator[VonageAccount]:
    account = account_at(sandbox.url, time)
    yield account
    await account.close()


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_a_purchase_is_asked_for_once_and_ends_as_it_must(
    account: VonageAccount, sandbox: Sandbox, ending: Ending
) -> None:
    message = await assert_ends_so(ending, account, sandbox, purchase=BUY, number=NUMBER, label=MARK)
    assert SECRET not in message
    assert KEY not in message


FAILED_LISTS: Final[Mapping[str, tuple[dict[str, Any], type[OutsideError]]]] = {
    "credentials": ({"action": "status:401"}, Unauthorized),
    "forbidden": ({"action": "status:403"}, Retryable),
    "not there": ({"action": "status:404"}, Retryable),
    "refused": ({"action": "status:420", "body": numbers_error(420, "method failed")}, Retryable),
    "refused in a 200": ({"action": "status:200", "body": numbers_error(420, "method failed")}, Retryable),
    "too many": ({"action": "status:429"}, Retryable),
    "failed": ({"action": "status:500"}, Retryable),
    "down": ({"action": "status:503"}, Retryable),
    "dropped": ({"action": "drop-before"}, Retryable),
    "no JSON": ({"action": "status:200", "body": "<html>"}, Retryable),
    "null": ({"action": "status:200", "body": "null"}, Retryable),
    "a list": ({"action": "status:200", "body": []}, Retryable),
    "a count without numbers": ({"action": "status:200", "body": {"count": 2}}, Retryable),
    "something else": ({"action": "status:200", "body": {"ok": True}}, Retryable),
    "a number without a number": (
        {"action": "status:200", "body": {"count": 1, "numbers": [{"country": "LV"}]}},
        Retryable,
    ),
}


@pytest.mark.parametrize("page", [1, 2], ids=["the first page", "the second page"])
@pytest.mark.parametrize("path", ["/account/numbers", "/v2/applications"])
@pytest.mark.parametrize(("fault", "error"), FAILED_LISTS.values(), ids=FAILED_LISTS)
async def test_a_list_is_complete_or_says_why_not(
    account: VonageAccount,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    error: type[OutsideError],
    path: str,
    page: int,
) -> None:
    monkeypatch.setattr(vonage_requests, "LARGEST_PAGE", 1)
    for number in (NUMBER, "+37120000002"):
        await sandbox.tell(*owned_by(KEY, number))
        await sandbox.tell("applications", {"account": KEY, "name": number})
    await sandbox.order(f"GET {path}", **fault, skip=page - 1)
    with pytest.raises(error) as raised:
        await account.owned_numbers()
    assert type(raised.value) is error
    if isinstance(raised.value, Retryable):
        assert not raised.value.outcome_unknown


async def test_no_numbers_may_come_without_the_key(account: VonageAccount, sandbox: Sandbox) -> None:
    for path in ("GET /account/numbers", "GET /number/search"):
        await sandbox.order(path, "status:200", body={})
    assert await account.owned_numbers() == []
    assert await account.find_owned(NUMBER) is None
    assert await account.search(wish()) == []


async def test_a_page_that_lost_its_numbers_is_not_the_end_of_the_list(
    account: VonageAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vonage_requests, "LARGEST_PAGE", 1)
    for number in (NUMBER, "+37120000002"):
        await sandbox.tell(*owned_by(KEY, number))
    await sandbox.order("GET /account/numbers", "status:200", body={}, skip=1, times=1)
    assert {one.number for one in await account.owned_numbers()} == {NUMBER, "+37120000002"}


async def test_a_number_that_vonage_reclaimed_is_gone(account: VonageAccount, sandbox: Sandbox) -> None:
    bought = await buy(account, NUMBER)
    await sandbox.tell("reclaim", {"days": 0})
    assert await account.owned_numbers() == []
    assert await account.find_owned(NUMBER) is None
    await account.release(bought.id)
    with pytest.raises(Conflict):
        await buy(account, NUMBER)


@pytest.mark.parametrize("how", ["nobody listens", "404"])
async def test_an_sms_url_that_is_down_is_named(account: VonageAccount, sandbox: Sandbox, how: str) -> None:
    bought = await buy(account, NUMBER)
    url = "http://127.0.0.1:1/sms" if how == "nobody listens" else f"{sandbox.url}/sms"
    with pytest.raises(Retryable) as refusal:
        await account.configure(bought.id, NumberSettings(MARK, sms_url=url))
    assert refusal.value.reason is Reason.WEBHOOK_NOT_ANSWERING
    assert url in refusal.value.message
    assert not refusal.value.outcome_unknown


async def test_a_number_is_marked_although_its_sms_url_is_down(
    account: VonageAccount, sandbox: Sandbox
) -> None:
    """A crash left it without a mark; whose it is must not depend on a webhook."""
    await sandbox.tell(*owned_by(KEY))
    left = await account.find_owned(NUMBER)
    assert left is not None
    with pytest.raises(Retryable) as refusal:
        await account.configure(left.id, NumberSettings(MARK, sms_url="http://127.0.0.1:1/sms"))
    assert refusal.value.reason is Reason.WEBHOOK_NOT_ANSWERING
    found = await account.find_owned(NUMBER)
    assert found is not None
    assert found.settings == NumberSettings(MARK)


@pytest.mark.parametrize("sms_url", ["", "https://ai.example/sms"])
async def test_an_update_that_is_always_refused_is_tried_again(
    account: VonageAccount, sandbox: Sandbox, sms_url: str
) -> None:
    await sandbox.tell(*owned_by(KEY))
    await sandbox.order("POST /number/update", "status:420")
    left = await account.find_owned(NUMBER)
    assert left is not None
    with pytest.raises(Retryable) as refusal:
        await account.configure(left.id, NumberSettings(MARK, sms_url=sms_url))
    assert refusal.value.reason is Reason.PROVIDER_UNAVAILABLE
    assert await account.find_owned(NUMBER) == left
