"""Faults, the request log and the other controls that every fake has."""

import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.fakes.faults import FaultKind, Faults, InvalidFaultError, parse_fault

from .conftest import EvolutionServer, TwilioServer

BUY = "POST /2010-04-01/Accounts/*/IncomingPhoneNumbers.json"


@pytest.mark.parametrize(
    ("match", "request_line", "matches"),
    [
        ("GET /a/*", "GET /a/b", True),
        ("GET /a/*", "GET /a/b/c", False),
        ("GET /a/*", "GET /a/", False),
        ("GET /a/*", "POST /a/b", False),
        ("* /a/*", "POST /a/b", True),
        ("GET /a/**", "GET /a/b/c", True),
        ("GET /a/*/c.json", "GET /a/b/c.json", True),
        ("GET /a/*/c.json", "GET /a/b/cxjson", False),
        ("GET /**", "GET /", True),
    ],
)
def test_match_stands_for_segments(match: str, request_line: str, *, matches: bool):
    faults = Faults()
    faults.add([parse_fault({"match": match, "action": "drop-before"})])

    verdict = faults.take(*request_line.split(" "))

    assert (verdict.rule is not None) is matches


def test_delays_add_up_until_a_rule_decides():
    faults = Faults()
    faults.add(
        parse_fault({"match": "GET /**", "action": action})
        for action in ("delay:1s", "delay:0.5s", "status:503", "drop-before")
    )

    verdict = faults.take("GET", "/x")

    assert verdict.delay == 1.5
    assert verdict.rule is not None
    assert verdict.rule.kind is FaultKind.STATUS
    assert [rule["hits"] for rule in faults.describe()] == [1, 1, 1, 0]


@given(
    st.one_of(
        st.text(),
        st.dictionaries(st.sampled_from(["match", "action", "times", "skip"]), st.text() | st.integers()),
    )
)
def test_nonsense_is_refused_with_a_sentence(order: object):
    try:
        rule = parse_fault(order)
    except InvalidFaultError as refusal:
        told = str(refusal)
    else:
        told = rule.match
        assert rule.remaining is None or rule.remaining > 0

    assert told


async def test_wrong_order_is_a_400_that_says_what_to_write(twilio: TwilioServer):
    response = await twilio.client.post("/_sandbox/faults", json=[{"match": BUY, "action": "explode"}])

    assert response.status_code == 400
    assert "delay:<seconds>s" in response.json()["error"]
    assert (await twilio.client.get("/_sandbox/faults")).json() == []


async def test_drop_before_leaves_the_work_undone(twilio: TwilioServer):
    candidate = (await twilio.search("LV", "Mobile", PageSize=1))[0]["phone_number"]
    await twilio.control("faults", [{"match": BUY, "action": "drop-before", "times": 1}])

    with pytest.raises(httpx.RemoteProtocolError):
        await twilio.buy(candidate)

    assert await twilio.owned() == []
    assert (await twilio.buy(candidate)).status_code == 201


async def test_drop_after_does_the_work_and_never_answers(twilio: TwilioServer):
    candidate = (await twilio.search("LV", "Mobile", PageSize=1))[0]["phone_number"]
    await twilio.control("faults", [{"match": BUY, "action": "drop-after", "times": 1}])

    with pytest.raises(httpx.RemoteProtocolError):
        await twilio.buy(candidate)

    assert await twilio.owned() == [candidate]
    assert len(await twilio.charges()) == 1


async def test_some_requests_may_pass_first(twilio: TwilioServer):
    await twilio.control("faults", [{"match": "GET /**", "action": "status:500", "times": 1, "skip": 2}])

    statuses = [(await twilio.client.get(twilio.path("IncomingPhoneNumbers"))).status_code for _ in range(4)]

    assert statuses == [200, 200, 500, 200]


async def test_status_after_does_the_work_and_denies_it(twilio: TwilioServer):
    candidate = (await twilio.search("LV", "Mobile", PageSize=1))[0]["phone_number"]
    await twilio.control("faults", [{"match": BUY, "action": "status-after:500", "times": 1}])

    denied = await twilio.buy(candidate)

    assert (denied.status_code, denied.json()["code"]) == (500, 20500)
    assert await twilio.owned() == [candidate]


async def test_status_has_the_providers_own_shape(twilio: TwilioServer, evolution: EvolutionServer):
    for server in (twilio, evolution):
        await server.control("faults", [{"match": "GET /**", "action": "status:500"}])

    from_twilio = await twilio.client.get(twilio.path("IncomingPhoneNumbers"))
    from_evolution = await evolution.client.get("/instance/fetchInstances")

    assert from_twilio.status_code == from_evolution.status_code == 500
    assert from_twilio.json()["code"] == 20500
    assert from_twilio.json()["status"] == 500
    assert from_evolution.json()["error"] == "Internal Server Error"
    assert isinstance(from_evolution.json()["response"]["message"], str)


async def test_429_says_when_to_come_back(twilio: TwilioServer):
    await twilio.control("faults", [{"match": "GET /**", "action": "status:429", "times": 2}])

    answers = [await twilio.client.get(twilio.path("IncomingPhoneNumbers")) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].json()["code"] == 20429
    assert answers[0].headers["Retry-After"] == "1"


async def test_body_and_headers_are_answered_verbatim(evolution: EvolutionServer):
    licence = {"error": "service not activated", "code": "LICENSE_REQUIRED"}
    fault = {"match": "* /**", "action": "status:503", "body": licence, "headers": {"Retry-After": "7"}}
    await evolution.control("faults", [fault])

    response = await evolution.client.get("/instance/fetchInstances")

    assert (response.status_code, response.json()) == (503, licence)
    assert response.headers["Retry-After"] == "7"


async def test_cleared_faults_are_over(twilio: TwilioServer):
    await twilio.control("faults", [{"match": "GET /**", "action": "status:500"}])
    await twilio.client.delete("/_sandbox/faults")

    assert await twilio.owned() == []


async def test_latency_delays_the_provider_not_the_controls(twilio: TwilioServer):
    await twilio.control("latency", {"seconds": 0.05})

    started = time.monotonic()
    await twilio.owned()

    # The event loop's timers count in milliseconds.
    assert time.monotonic() - started >= 0.049
    details = (await twilio.client.get("/_sandbox/requests", params={"detail": "1"})).json()
    assert details[0]["finished"] - details[0]["started"] >= 0.049


async def test_requests_are_counted_by_template(evolution: EvolutionServer):
    await evolution.create("a")
    await evolution.state("a")
    await evolution.state("b")
    await evolution.client.get("/nowhere")

    assert (await evolution.client.get("/_sandbox/requests")).json() == {
        "POST /instance/create": 1,
        "GET /instance/connectionState/{name}": 2,
        "GET /nowhere": 1,
    }
    await evolution.client.delete("/_sandbox/requests")
    assert (await evolution.client.get("/_sandbox/requests")).json() == {}


async def test_details_tell_fields_but_no_secret(evolution: EvolutionServer, twilio: TwilioServer):
    webhook = {
        "url": "http://127.0.0.1:9/hook-secret",
        "events": [],
        "headers": {"jwt_key": "sign-secret" * 4},
    }
    await evolution.create("a", token="token-secret", webhook=webhook)
    await twilio.buy_any(FriendlyName="shop", VoiceUrl="https://voice.example/url-secret")

    logged = (await evolution.client.get("/_sandbox/requests", params={"detail": "1"})).text
    bought = (await twilio.client.get("/_sandbox/requests", params={"detail": "1"})).json()[-1]

    assert '"instanceName":"a"' in logged
    assert "secret" not in logged
    assert bought["status"] == 201
    assert set(bought["fields"]) == {"PhoneNumber", "FriendlyName"}


async def test_reset_forgets_everything(twilio: TwilioServer):
    await twilio.buy_any()
    await twilio.control("faults", [{"match": "GET /x", "action": "status:500"}])

    await twilio.control("reset", {})

    assert await twilio.owned() == []
    assert await twilio.charges() == []
    assert (await twilio.client.get("/_sandbox/faults")).json() == []
