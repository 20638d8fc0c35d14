"""Graph's error objects, and what we make of them."""

import json
from typing import Any

import pytest

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.meta.errors import Asked, judge_answer
from controller.providers.transport import Answer, Refusal
from tests.contract.recordings import folder, load


def judged(
    error: dict[str, Any], *, status: int = 400, method: str = "POST", headers: dict[str, str] | None = None
) -> Refusal:
    answer = Answer(status, json.dumps({"error": error}).encode(), headers or {})
    refusal = judge_answer(answer, Asked(method, f"{method} /x", ["s3cret"]))
    assert refusal is not None
    return refusal


@pytest.mark.parametrize(
    ("code", "subcode", "error", "reason"),
    [
        (190, 463, Unauthorized, Reason.WRONG_CREDENTIALS),
        (190, None, Unauthorized, Reason.WRONG_CREDENTIALS),
        (0, None, Unauthorized, Reason.WRONG_CREDENTIALS),
        (3, None, Unauthorized, Reason.WRONG_CREDENTIALS),
        (10, None, Unauthorized, Reason.WRONG_CREDENTIALS),
        (200, None, Unauthorized, Reason.WRONG_CREDENTIALS),
        (299, None, Unauthorized, Reason.WRONG_CREDENTIALS),
        (131005, None, Unauthorized, Reason.WRONG_CREDENTIALS),
        (100, 33, NotFound, Reason.REFUSED),
        (33, None, NotFound, Reason.REFUSED),
        (803, None, NotFound, Reason.REFUSED),
        (100, 2593002, NotFound, Reason.REFUSED),
        (100, 2388024, Conflict, Reason.NAME_TAKEN),
        (100, 2388023, Retryable, Reason.TEMPLATE_NAME_BLOCKED),
        (100, 2388043, Terminal, Reason.REFUSED),
        (100, None, Terminal, Reason.REFUSED),
        (131009, None, Terminal, Reason.REFUSED),
        (132001, None, Terminal, Reason.REFUSED),
        (133010, None, Terminal, Reason.REFUSED),
        (368, None, Terminal, Reason.REFUSED),
        (987654, None, Retryable, Reason.META_UNAVAILABLE),
    ],
)
def test_refusals(code: int, subcode: int | None, error: type[OutsideError], reason: Reason) -> None:
    refusal = judged({"message": "no", "code": code, "error_subcode": subcode})
    assert type(refusal.error) is error
    assert refusal.error.reason is reason
    # None of these is Meta's failure as a whole.
    assert not refusal.unwell


@pytest.mark.parametrize("code", [4, 17, 613, 80007, 80008, 130429, 131056])
def test_limits_were_not_carried_out(code: int) -> None:
    refusal = judged({"message": "limit", "code": code})
    assert isinstance(refusal.error, Retryable)
    assert refusal.unwell
    assert not refusal.error.outcome_unknown
    assert refusal.error.after is None


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 1}, 400),
        ({"code": 2}, 503),
        ({"code": 131000}, 500),
        ({"code": 131016}, 400),
        ({"code": 100, "is_transient": True}, 400),
        ({}, 502),
    ],
)
@pytest.mark.parametrize(("method", "doubtful"), [("GET", False), ("POST", True)])
def test_failures_that_pass(error: dict[str, Any], status: int, method: str, *, doubtful: bool) -> None:
    refusal = judged(error, status=status, method=method)
    assert isinstance(refusal.error, Retryable)
    assert refusal.error.outcome_unknown is doubtful
    assert refusal.unwell


def test_a_404_in_graphs_own_words_says_that_something_is_gone() -> None:
    assert isinstance(judged({"message": "no", "code": 100}, status=404).error, NotFound)
    assert isinstance(judged({"message": "no"}, status=404).error, Retryable)


def usage(minutes: object) -> str:
    return json.dumps({"400500600": [{"call_count": 100, "estimated_time_to_regain_access": minutes}]})


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"x-business-use-case-usage": usage(19)}, 19 * 60.0),
        ({"retry-after": "30", "x-business-use-case-usage": usage(19)}, 30.0),
        ({"x-business-use-case-usage": usage(1_000_000)}, 24 * 3600.0),
        ({"x-business-use-case-usage": usage(0)}, None),
        ({"x-business-use-case-usage": usage("soon")}, None),
        ({"x-business-use-case-usage": '{"400500600": {}}'}, None),
        ({"x-business-use-case-usage": "[]"}, None),
        ({"x-business-use-case-usage": "soon"}, None),
    ],
)
def test_how_long_meta_asks_to_wait(headers: dict[str, str], after: float | None) -> None:
    for code, status in ((80008, 400), (2, 503), (987654, 400)):
        refusal = judged({"message": "no", "code": code}, status=status, headers=headers)
        assert isinstance(refusal.error, Retryable)
        assert refusal.error.after == after


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"message": "(#100) Invalid parameter"}, "Invalid parameter"),
        ({"message": "(#131009) x", "error_data": {"details": "Not a number."}}, "Not a number"),
        ({"message": "x", "error_data": "Not a number."}, "Not a number"),
        (
            {
                "message": "x",
                "error_data": {"details": "bad"},
                "error_user_title": "Too long.",
                "error_user_msg": "Shorten it.",
            },
            "Too long: Shorten it",
        ),
        ({"message": "x", "error_user_title": "Too long"}, "Too long"),
        ({"message": "bad s3cret"}, "bad ***"),
        ({"message": "bad, trace id AbC12xyz, at 10:31:06"}, "bad, trace id <id>, at <time>"),
        ({"message": ["not a text"]}, "no reason given"),
        ({}, "no reason given"),
    ],
)
def test_metas_own_words_for_people_go_first(error: dict[str, Any], said: str) -> None:
    refusal = judged({**error, "code": 100, "fbtrace_id": "AbCdEf1"})
    assert refusal.error.message == f"Meta refuses POST /x: {said} (code 100)"


def test_long_words_are_cut() -> None:
    message = judged({"message": "x" * 5000, "code": 100}).error.message
    assert len(message) <= 512


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("content", [b'{"success": true}', b"[]", b"", b"text"])
def test_good_answers(status: int, content: bytes) -> None:
    assert judge_answer(Answer(status, content, {}), Asked("GET", "GET /x", [])) is None


def test_an_error_with_a_good_status_is_an_error() -> None:
    assert isinstance(judged({"message": "no", "code": 100}, status=200).error, Terminal)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("sendText-business-bad-graph-token", Unauthorized, "it has expired"),
        (
            "sendText-business-graph-error",
            Retryable,
            "Message template language is being deleted: New content can't be added",
        ),
    ],
)
def test_errors_as_an_evolution_server_recorded_them(name: str, error: type[OutsideError], said: str) -> None:
    recorded = load(folder("recordings", "evolution") / f"{name}.json").answer
    assert isinstance(recorded, dict)
    refusal = judged(recorded)
    assert type(refusal.error) is error
    assert said in refusal.error.message
