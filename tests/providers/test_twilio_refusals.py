"""Everything a purchase or a list at Twilio can end in: what we make of it, and what is paid for."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import pytest

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.telephony import twilio
from controller.providers.telephony.protocol import NumberSettings
from controller.providers.telephony.twilio import TwilioAccount
from tests.providers.conftest import ManualTime, Sandbox
from tests.providers.purchase_endings import Ending, assert_ends_so, failure
from tests.providers.twilio_account import MARK, SID, TOKEN, account_at, buy, twilio_sandbox

NUMBER: Final = "+12025550101"
OURS_ALREADY: Final = "+12025550102"
BUNDLE: Final = "BU" + "4" * 32
BUY: Final = "POST /2010-04-01/Accounts/*/IncomingPhoneNumbers.json"
LIST: Final = "GET /2010-04-01/Accounts/*/IncomingPhoneNumbers.json"


def classic(code: int, status: int = 400) -> dict[str, object]:
    """Twilio's error body."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": "No", "more_info": info, "status": status}


def problem(code: int, status: int = 400) -> dict[str, object]:
    """Its newer one, RFC 9457; what the SDK raises for it is not the error that it raises for the other."""
    kind = f"https://www.twilio.com/docs/api/errors/{code}"
    return {"type": kind, "title": "Not so", "detail": "No", "status": status, "code": code}


def shelf(**changes: object) -> tuple[str, object]:
    return "inventory", {"US": {"local": changes}}


def refusal(code: int, error: type[OutsideError], reason: Reason, status: int = 400) -> Ending:
    return Ending(error, reason, fault=f"status:{status}", body=classic(code, status))


ENDINGS: Final[Mapping[str, Ending]] = {
    # refused by the rules of the account, the number or its country
    "sold to somebody else": Ending(
        Conflict,
        Reason.NO_NUMBER_FOR_SALE,
        controls=[("numbers", {"account": "AC" + "2" * 32, "PhoneNumber": NUMBER})],
    ),
    "sold out": Ending(Conflict, Reason.NO_NUMBER_FOR_SALE, controls=[shelf(stock=0)]),
    "no number at all": Ending(Conflict, Reason.NO_NUMBER_FOR_SALE, number="+12"),
    "none in the area": refusal(21452, Conflict, Reason.NO_NUMBER_FOR_SALE),
    "any address demanded": Ending(
        Terminal, Reason.ADDRESS_REQUIRED, controls=[shelf(address_requirements="any")]
    ),
    "local address demanded": Ending(
        Terminal, Reason.ADDRESS_REQUIRED, controls=[shelf(address_requirements="local")]
    ),
    "foreign address demanded": Ending(
        Terminal, Reason.ADDRESS_REQUIRED, controls=[shelf(address_requirements="foreign")]
    ),
    "address demanded, the other code": refusal(21613, Terminal, Reason.ADDRESS_REQUIRED),
    "bundle demanded": Ending(Terminal, Reason.BUNDLE_REQUIRED, controls=[shelf(bundle_required=True)]),
    "bundle in review": Ending(
        Terminal,
        Reason.BUNDLE_REQUIRED,
        controls=[
            shelf(bundle_required=True),
            (f"bundles/{BUNDLE}", {"account": SID, "status": "in-review"}),
        ],
        bundle=BUNDLE,
    ),
    "bundle that does not exist": Ending(
        Terminal,
        Reason.BUNDLE_REQUIRED,
        controls=[shelf(bundle_required=True)],
        bundle=BUNDLE,
    ),
    "second number of a trial account": Ending(
        Terminal,
        Reason.REFUSED,
        controls=[
            ("numbers", {"account": SID, "PhoneNumber": OURS_ALREADY}),
            (f"accounts/{SID}", {"type": "Trial"}),
        ],
    ),
    "trial account, the other code": refusal(21404, Terminal, Reason.REFUSED),
    "suspended account": Ending(
        Terminal, Reason.REFUSED, controls=[(f"accounts/{SID}", {"status": "suspended"})]
    ),
    "closed account": Ending(Terminal, Reason.REFUSED, controls=[(f"accounts/{SID}", {"status": "closed"})]),
    "credentials refused": Ending(Unauthorized, Reason.WRONG_CREDENTIALS, fault="status:401"),
    "credentials without this right": Ending(Unauthorized, Reason.WRONG_CREDENTIALS, fault="status:403"),
    "a code that nobody knows": refusal(99999, Retryable, Reason.PROVIDER_UNAVAILABLE),
    # the same in the newer shape
    "RFC 9457: bundle demanded": Ending(
        Terminal, Reason.BUNDLE_REQUIRED, fault="status:400", body=problem(21649)
    ),
    "RFC 9457: not available": Ending(
        Conflict, Reason.NO_NUMBER_FOR_SALE, fault="status:400", body=problem(21422)
    ),
    "RFC 9457: a code that nobody knows": failure("status:400", body=problem(99999)),
    "RFC 9457: without a code": failure("status:409", body={"title": "Conflict", "status": 409}),
    # never carried out, whatever the shape
    "too many at once": failure("status:429", after=1),
    "too many, with a long pause": failure("status:429", headers={"Retry-After": "17"}, after=17),
    "too many, with no word of it": failure("status:429", body="", headers={"Retry-After": ""}),
    "RFC 9457: too many": failure("status:429", body=problem(20429, 429), after=1),
    # in doubt
    "failed": failure("status:500", doubtful=True),
    "failed after it was bought": failure("status-after:500", doubtful=True, bought=True),
    "down for a while": failure("status:503", headers={"Retry-After": "9"}, doubtful=True, after=9),
    "a gateway's page": failure("status:502", body="<html>Bad Gateway</html>", doubtful=True),
    "gave up waiting": failure("status:408", body="", doubtful=True),
    "RFC 9457: failed": failure("status:500", body=problem(20500, 500), doubtful=True),
    "dropped before it was bought": failure("drop-before", doubtful=True),
    "dropped after it was bought": failure("drop-after", doubtful=True, bought=True),
    "not found yet, although it is bought": failure("status-after:404", doubtful=True, bought=True),
    "bought, but the answer is no JSON": failure(
        "status-after:201", body="<html>", doubtful=True, bought=True
    ),
    "bought, but the answer is empty": failure("status-after:201", body={}, doubtful=True, bought=True),
    "bought, but the answer is a list": failure("status-after:201", body=[], doubtful=True, bought=True),
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with twilio_sandbox() as sandbox:
        await sandbox.tell(*shelf(candidates=[NUMBER]))
        yield sandbox


@pytest.fixture
async def account(sandbox: Sandbox, time: ManualTime) -> AsyncIterator[TwilioAccount]:
    account = account_at(sandbox.url, time)
    yield account
    await account.close()


@pytest.mark.parametrize("shape", ["classic", "problem"])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_a_purchase_is_asked_for_once_and_ends_as_it_must(
    account: TwilioAccount, sandbox: Sandbox, ending: Ending, shape: str
) -> None:
    await sandbox.tell("errors", {"shape": shape})
    message = await assert_ends_so(ending, account, sandbox, purchase=BUY, number=NUMBER, label=MARK)
    assert TOKEN not in message


FAILED_LISTS: Final[Mapping[str, tuple[dict[str, Any], type[OutsideError]]]] = {
    "credentials": ({"action": "status:401"}, Unauthorized),
    "no such account": ({"action": "status:404"}, Unauthorized),
    "a gateway's 404": ({"action": "status:404", "body": {"message": "no Route matched"}}, Retryable),
    "account not active": ({"action": "status:403", "body": classic(20005, 403)}, Terminal),
    "too many": ({"action": "status:429"}, Retryable),
    "too many, RFC 9457": ({"action": "status:429", "body": problem(20429, 429)}, Retryable),
    "failed": ({"action": "status:500"}, Retryable),
    "failed, RFC 9457": ({"action": "status:500", "body": problem(20500, 500)}, Retryable),
    "down": ({"action": "status:503"}, Retryable),
    "dropped": ({"action": "drop-before"}, Retryable),
    "no JSON": ({"action": "status:200", "body": "<html>"}, Retryable),
    "a list": ({"action": "status:200", "body": []}, Retryable),
    "nothing in it": ({"action": "status:200", "body": {}}, Retryable),
    "a number without a number": (
        {"action": "status:200", "body": {"incoming_phone_numbers": [{"sid": None}]}},
        Retryable,
    ),
}


@pytest.mark.parametrize("pages", [1, 2], ids=["the only page", "the second page"])
@pytest.mark.parametrize(("fault", "error"), FAILED_LISTS.values(), ids=FAILED_LISTS)
async def test_a_list_is_complete_or_says_why_not(
    account: TwilioAccount,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    error: type[OutsideError],
    pages: int,
) -> None:
    monkeypatch.setattr(twilio, "_LARGEST_PAGE", 1)
    for number in (NUMBER, OURS_ALREADY):
        await sandbox.tell("numbers", {"account": SID, "PhoneNumber": number})
    await sandbox.order(LIST, **fault, skip=pages - 1)
    with pytest.raises(error) as raised:
        await account.owned_numbers()
    assert await sandbox.requests("GET", "IncomingPhoneNumbers") == pages
    if isinstance(raised.value, Retryable):
        assert not raised.value.outcome_unknown


async def test_a_number_that_twilio_reclaimed_is_gone(account: TwilioAccount, sandbox: Sandbox) -> None:
    bought = await buy(account, NUMBER)
    await sandbox.tell("reclaim", {"days": 0})
    assert await account.owned_numbers() == []
    assert await account.find_owned(NUMBER) is None
    with pytest.raises(NotFound):
        await account.configure(bought.id, NumberSettings(label=MARK))
    await account.release(bought.id)
    with pytest.raises(Conflict):
        await buy(account, NUMBER)


async def test_a_number_may_show_late_and_asking_for_it_again_costs_nothing(
    account: TwilioAccount, sandbox: Sandbox
) -> None:
    await sandbox.tell("lag", {"seconds": 60})
    bought = await buy(account, NUMBER)
    assert await account.find_owned(NUMBER) is None
    with pytest.raises(NotFound):
        await account.configure(bought.id, NumberSettings(label=MARK))
    assert await buy(account, NUMBER) == bought
    assert len((await sandbox.state())["charges"]) == 1
    await sandbox.tell("lag", {"seconds": 0})
    assert await account.find_owned(NUMBER) == bought
