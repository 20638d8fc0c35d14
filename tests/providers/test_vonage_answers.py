"""What Vonage's answers mean, and what its SDK composes. No server needed."""

from typing import Any

import httpx
import pytest

from controller.api.business_tenant import NumberType
from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.telephony import vonage_requests as compose
from controller.providers.telephony.protocol import NumberSettings
from controller.providers.telephony.vonage_errors import judge_answer
from controller.providers.telephony.vonage_requests import NumberSearch
from controller.providers.telephony.vonage_wire import fits_pattern, owner_of, search_for
from controller.providers.transport import Answer, Refusal
from tests.providers.vonage_account import BOTH, MARK, RELEASED, SECRET, SMS, VOICE

DASHBOARD = (
    "Numbers from this country can be requested from the Dashboard as they require a valid local address"
)


def judged(status: int, body: Any, *, method: str = "POST", text: str | None = None) -> Refusal | None:
    content = text.encode() if text is not None else httpx.Response(status, json=body).content
    answer = Answer(status, content, {"retry-after": "7"})
    return judge_answer(answer, method=method, account="The account", secrets=[SECRET])


def numbers_error(code: int, label: str) -> dict[str, str]:
    return {"error-code": str(code), "error-code-label": label}


@pytest.mark.parametrize("as_200", [False, True], ids=["by status", "in a 200"])
@pytest.mark.parametrize(
    ("code", "label", "error", "reason"),
    [
        (401, "authentication failed", Unauthorized, Reason.WRONG_CREDENTIALS),
        (420, "method failed", Conflict, Reason.NO_NUMBER_FOR_SALE),
        (420, "You may already own this number", Conflict, Reason.NO_NUMBER_FOR_SALE),
        (420, DASHBOARD, Terminal, Reason.ADDRESS_REQUIRED),
        (420, "Insufficient funds", Terminal, Reason.REFUSED),
        (429, "too many requests", Retryable, Reason.PROVIDER_UNAVAILABLE),
        (418, "a new code", Retryable, Reason.PROVIDER_UNAVAILABLE),
        (500, "internal", Retryable, Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_texts_say_what_to_do(
    code: int, label: str, error: type[OutsideError], reason: Reason, *, as_200: bool
) -> None:
    refusal = judged(200 if as_200 else code, numbers_error(code, f"{label} for {SECRET}"))
    assert refusal is not None
    assert type(refusal.error) is error
    assert refusal.error.reason is reason
    assert SECRET not in refusal.error.message
    assert refusal.unwell is (code in (429, 500))


@pytest.mark.parametrize(
    ("status", "error"), [(400, Terminal), (401, Unauthorized), (404, NotFound), (415, Retryable)]
)
def test_the_application_apis_errors_are_told_in_its_words(status: int, error: type[OutsideError]) -> None:
    wrong = [{"name": "capabilities.voice.webhooks.answer_url.address", "reason": "must be a URL"}]
    body = {"title": "No", "detail": "It does not work", "invalid_parameters": wrong}
    refusal = judged(status, body)
    assert refusal is not None
    assert type(refusal.error) is error
    assert "It does not work" in refusal.error.message
    assert "answer_url.address must be a URL" in refusal.error.message


@pytest.mark.parametrize("status", [302, 400, 403, 404, 420, 502])
@pytest.mark.parametrize(
    "text", ["", "<html>", "[1]", '{"error-code": 420}', '{"message": "no Route matched"}']
)
def test_an_answer_that_is_not_vonages_is_tried_again(status: int, text: str) -> None:
    refusal = judged(status, None, text=text)
    assert refusal is not None
    assert isinstance(refusal.error, Retryable)
    assert refusal.error.outcome_unknown is (status == 502)


def test_a_pause_that_is_asked_for_is_kept() -> None:
    refusal = judged(429, numbers_error(429, "slow down"))
    assert refusal is not None
    assert isinstance(refusal.error, Retryable)
    assert refusal.error.after == 7


@pytest.mark.parametrize(
    ("status", "text"), [(200, '{"error-code": "200"}'), (204, ""), (201, '{"id": "x"}')]
)
def test_good_answers_pass(status: int, text: str) -> None:
    assert judged(status, None, text=text) is None


def test_an_update_is_sent_in_full_as_a_form() -> None:
    request = compose.update("LV", "37120000001", application_id="an-id", sms_url="")
    assert (request.method, request.host, request.path) == ("POST", "rest.nexmo.com", "/number/update")
    assert request.form == {"country": "LV", "msisdn": "37120000001", "app_id": "an-id", "moHttpUrl": ""}
    assert request.json_body is None


def test_an_application_is_sent_as_json_and_only_with_the_urls_there_are() -> None:
    request = compose.create_application(NumberSettings(label=MARK, status_callback_url=VOICE, sms_url=SMS))
    voice = {"webhooks": {"event_url": {"address": VOICE, "http_method": "POST"}}, "signed_callbacks": True}
    assert (request.host, request.form) == ("api.nexmo.com", None)
    assert request.json_body == {"name": MARK, "capabilities": {"voice": voice}}
    silent = compose.replace_application("an-id", NumberSettings(label=MARK))
    assert silent.json_body == {"name": MARK, "capabilities": {}}
    assert silent.operation == "PUT /v2/applications/{id}"


def test_a_search_uses_words_that_vonage_documents() -> None:
    both = compose.search_available("LV", NumberType.TOLL_FREE, BOTH, NumberSearch("371", at_beginning=True))
    assert both.params == {
        "country": "LV",
        "type": "landline-toll-free",
        "features": "SMS,VOICE",
        "pattern": "371",
        "search_pattern": "0",
        "size": "100",
    }


@pytest.mark.parametrize("msisdn", ["+37120000001", "0", "020000001", "12", "371 200"])
def test_what_the_sdk_finds_unusable_is_refused_in_words(msisdn: str) -> None:
    with pytest.raises(Terminal, match="not of the form"):
        compose.buy("LV", msisdn)


@pytest.mark.parametrize(
    ("pattern", "search"),
    [
        ("+371201*", NumberSearch("371201", at_beginning=True)),
        ("+3*5678", NumberSearch("5678", at_beginning=False)),
        ("*77", NumberSearch("77", at_beginning=False)),
        ("77", NumberSearch("77", at_beginning=False)),
        ("***", None),
        ("+", None),
    ],
)
def test_the_longest_run_of_digits_is_searched_for(pattern: str, search: NumberSearch | None) -> None:
    assert search_for(pattern) == search


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        ("+371201*", "+37120100000", True),
        ("+371201*", "+37220137120", False),
        ("201*00", "+37120100000", True),
        ("+371*9", "+37120100000", False),
        ("*", "+37120100000", True),
    ],
)
def test_a_wish_is_compared_again(pattern: str, number: str, *, fits: bool) -> None:
    assert fits_pattern(pattern, number) is fits


def test_marks_tell_owners_whatever_their_state() -> None:
    assert owner_of(MARK) == owner_of(RELEASED) == ("riga", "abcdefghijklmnopqrstuv")
    assert owner_of(MARK.replace("riga", "oslo")) != owner_of(MARK)
    assert owner_of("My Application") is owner_of("bt1") is owner_of("bt1:riga") is None
