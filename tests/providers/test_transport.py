"""The one way out: time limits, no repetition, and every failure as one of our errors."""

import asyncio
import logging
from http import HTTPMethod

import pytest
from aiohttp import web

from controller.api.conditions import Reason
from controller.providers.errors import OutsideError, Retryable, Terminal
from controller.providers.limits import Limiter
from controller.providers.permit import NotPermittedError, permitted_while
from controller.providers.transport import (
    Answer,
    Call,
    Judge,
    Refusal,
    RequestOutcome,
    Result,
    Transport,
)
from tests.providers.conftest import Serve, generous_limiter


def accept(_answer: Answer) -> Refusal | None:
    return None


class Asked:
    """A transport whose requests and metrics can be looked at."""

    def __init__(self, limiter: Limiter | None = None) -> None:
        self.outcomes: list[RequestOutcome] = []
        self.transport = Transport(
            system="evolution",
            limiter=limiter or generous_limiter(),
            unavailable=Reason.SERVER_UNAVAILABLE,
            observer=self.outcomes.append,
        )

    async def send(
        self, url: str, method: str = "POST", *, judge: Judge = accept, read_timeout: float = 5
    ) -> Answer:
        call = Call(
            method,
            url,
            f"{method} /thing/{{name}}",
            headers={"apikey": "s3cret"},
            json_body={"to": "+37120000001"} if method == "POST" else None,
            read_timeout=read_timeout,
        )
        try:
            return await self.transport.send(call, judge)
        finally:
            await self.transport.close()

    async def fail(self, url: str, method: str = "POST", *, read_timeout: float = 5) -> OutsideError:
        with pytest.raises(OutsideError) as failure:
            await self.send(url, method, read_timeout=read_timeout)
        return failure.value


class Counter:
    """A server that counts what it is asked and then misbehaves."""

    def __init__(self) -> None:
        self.requests = 0

    async def hang_up(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def say_nothing(self, _request: web.Request) -> web.StreamResponse:
        self.requests += 1
        await asyncio.sleep(3)
        return web.Response()

    async def stop_in_the_middle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        ("hang_up", Result.DISCONNECTED),
        ("say_nothing", Result.TIMEOUT),
        ("stop_in_the_middle", Result.DISCONNECTED),
    ],
)
@pytest.mark.parametrize(("method", "doubtful"), [("POST", True), ("DELETE", True), ("GET", False)])
async def test_no_answer_is_sent_once_and_leaves_a_doubt_where_something_may_have_changed(
    serve: Serve, *, behaviour: str, result: Result, method: str, doubtful: bool
) -> None:
    server, asked = Counter(), Asked()
    failure = await asked.fail(await serve(getattr(server, behaviour)), method, read_timeout=0.2)
    assert isinstance(failure, Retryable)
    assert failure.outcome_unknown is doubtful
    assert failure.reason is Reason.SERVER_UNAVAILABLE
    assert server.requests == 1
    assert [(o.operation, o.result) for o in asked.outcomes] == [(f"{method} /thing/{{name}}", result)]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_kept_connection_that_is_closed_repeats_nothing(serve: Serve, method: str) -> None:
    arrived: list[str] = []

    async def answer_once(request: web.Request) -> web.StreamResponse:
        arrived.append(request.path)
        if len(arrived) > 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response()

    url = await serve(answer_once)
    transport = Asked().transport
    call = Call(method, url, f"{method} /thing/{{name}}")
    await transport.send(call, accept)
    with pytest.raises(Retryable):
        await transport.send(call, accept)
    await transport.close()
    assert len(arrived) == 2


@pytest.mark.parametrize("holds_for", [0, 1])
async def test_work_that_is_no_longer_ours_is_not_sent_also_when_that_shows_while_it_connects(
    serve: Serve, holds_for: int
) -> None:
    server, asked, looks = Counter(), Asked(), 0

    def holds() -> bool:
        nonlocal looks
        looks += 1
        return looks <= holds_for

    url = await serve(server.hang_up)
    with permitted_while(holds), pytest.raises(NotPermittedError):
        await asked.send(url)
    assert (looks, server.requests) == (holds_for + 1, 0)


async def test_what_was_never_sent_leaves_no_doubt(unused_tcp_port: int) -> None:
    asked = Asked()
    failure = await asked.fail(f"http://127.0.0.1:{unused_tcp_port}/")
    assert isinstance(failure, Retryable)
    assert not failure.outcome_unknown
    assert [outcome.result for outcome in asked.outcomes] == [Result.NO_CONNECTION]


async def test_a_key_that_no_header_can_hold_is_for_people_to_mend(serve: Serve) -> None:
    server = Counter()
    call = Call(HTTPMethod.GET, await serve(server.hang_up), "GET /", headers={"apikey": "line\nbreak"})
    with pytest.raises(Terminal, match="Secret"):
        await Asked().transport.send(call, accept)
    assert server.requests == 0


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://[::bad/", "//nowhere"])
async def test_an_unusable_url_is_for_people_to_mend(url: str) -> None:
    assert isinstance(await Asked().fail(url), Terminal)


async def test_an_answer_that_trickles_in_is_stopped(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.providers.transport.CONNECT_TIMEOUT", 0.1)

    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(50):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    failure = await Asked().fail(await serve(trickle), read_timeout=0.2)
    assert isinstance(failure, Retryable)
    assert failure.outcome_unknown


async def test_redirects_are_not_followed(serve: Serve) -> None:
    server = Counter()
    elsewhere = await serve(server.say_nothing)

    async def redirect(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": elsewhere})

    answer = await Asked().send(await serve(redirect))
    assert answer.status == 307
    assert server.requests == 0


async def test_the_environment_sets_no_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    async def hello(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"hello": 1})

    assert (await Asked().send(await serve(hello))).content == b'{"hello": 1}'


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT"}, 30.0),
        ({"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_the_pause_asked_for_is_read_by_the_servers_own_clock(
    headers: dict[str, str], expected: float | None
) -> None:
    answer = Answer(429, b"", {name.lower(): value for name, value in headers.items()})
    assert answer.retry_after == expected


async def test_only_a_server_that_is_unwell_counts_against_it(serve: Serve) -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=500, headers={"Retry-After": "9"})

    url = await serve(refuse)
    error = Retryable("one instance is broken", reason=Reason.SERVER_UNAVAILABLE)
    for unwell, pause in ((False, 0.0), (True, 9.0)):
        limiter = generous_limiter()

        def judge(_answer: Answer, *, unwell: bool = unwell) -> Refusal:
            return Refusal(error, unwell=unwell)

        with pytest.raises(Retryable, match="one instance"):
            await Asked(limiter).send(url, judge=judge)
        assert limiter.paused_for == pytest.approx(pause, abs=1)


async def test_nothing_private_is_logged_or_shown(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=400, text="s3cret", headers={"X-Number": "37120000001"})

    url = await serve(refuse)
    answer = await Asked().send(f"{url}/thing/tenant-7?number=%2B37120000001")
    call = Call(HTTPMethod.POST, url, "POST /", headers={"apikey": "s3cret"}, form={"token": "s3cret"})
    for text in (caplog.text, repr(call), repr(answer)):
        assert "s3cret" not in text
        assert "37120000001" not in text
