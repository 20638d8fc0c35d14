import asyncio
import socket
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from aiohttp import web

from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import ApiCallObserver, KubeConnection, anonymous, login
from controller.runtime.kube_errors import (
    ApiAlreadyExists,
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiInvalid,
    ApiNotFound,
    ApiUnauthorized,
    ApiUnavailable,
    ResourceExpired,
)
from controller.runtime.kube_resources import CONFIG_MAPS
from tests.runtime.eventually import until
from tests.runtime.manual_clock import ManualClock
from tests.runtime.scripted_server import (
    Handler,
    ScriptedServer,
    breaks,
    event,
    listing,
    refuses,
    says,
    status_object,
    streams,
)

BODY = {"metadata": {"name": "acme"}}


class ImpatientClock(ManualClock):
    """Sleeping takes no time; what was slept is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


Connect = Callable[..., Any]


@pytest.fixture
def clock() -> ImpatientClock:
    return ImpatientClock()


@pytest.fixture
async def connect(clock: ImpatientClock) -> AsyncIterator[Connect]:
    """Makes a client of a server that gives the answers in turn."""
    async with AsyncExitStack() as stack:

        async def make(
            *answers: Handler,
            concurrency: int = 16,
            give_up_after: float = 30.0,
            observer: ApiCallObserver | None = None,
        ) -> tuple[KubeApi, ScriptedServer]:
            server = await stack.enter_async_context(ScriptedServer(*answers))
            connection = KubeConnection(
                anonymous(server.url),
                concurrency=concurrency,
                timeout=give_up_after,
                clock=clock,
                random_unit=lambda: 0.0,
                observer=observer,
            )
            stack.push_async_callback(connection.close)
            return KubeApi(connection), server

        yield make


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (400, "BadRequest", ApiInvalid),
        (401, "Unauthorized", ApiUnauthorized),
        (403, "Forbidden", ApiForbidden),
        (404, "NotFound", ApiNotFound),
        (405, "MethodNotAllowed", ApiError),
        (409, "AlreadyExists", ApiAlreadyExists),
        (409, "Conflict", ApiConflict),
        (410, "Expired", ResourceExpired),
        (422, "Invalid", ApiInvalid),
        (429, "TooManyRequests", ApiUnavailable),
        (500, "InternalError", ApiUnavailable),
        (504, "Timeout", ApiUnavailable),
    ],
)
async def test_each_refusal_is_an_error_of_its_own(
    connect: Connect, code: int, reason: str, error: type[ApiError]
) -> None:
    api, _ = await connect(refuses(code, reason, "the reason why"))
    with pytest.raises(ApiError) as caught:
        await api.create(CONFIG_MAPS, BODY, "default")
    assert type(caught.value) is error
    assert caught.value.status == code
    assert (
        caught.value.message
        == f"Could not create configmaps default: the API server answered {code} {reason}: the reason why"
    )


# aiohttp repeats a GET, PUT or DELETE once by itself when the connection breaks.
@pytest.mark.parametrize(
    ("answer", "requests"),
    [(refuses(503, "ServiceUnavailable"), 1), (refuses(429, "TooManyRequests"), 1), (breaks(), 2)],
)
async def test_a_read_is_tried_three_times(
    connect: Connect, clock: ImpatientClock, answer: Handler, requests: int
) -> None:
    api, _ = await connect(*[answer] * 2 * requests, says(BODY))
    assert await api.get(CONFIG_MAPS, "acme", "default") == BODY
    assert clock.slept == [0.2, 0.4]
    api, server = await connect(answer)
    with pytest.raises(ApiUnavailable):
        await api.get(CONFIG_MAPS, "acme", "default")
    assert len(server.requests) == 3 * requests


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [(refuses(504, "Timeout"), True), (refuses(429, "TooManyRequests"), False), (breaks(), True)],
)
async def test_a_write_is_never_repeated(connect: Connect, answer: Handler, *, unknown: bool) -> None:
    api, server = await connect(answer)
    with pytest.raises(ApiUnavailable) as caught:
        await api.create(CONFIG_MAPS, BODY, "default")
    assert len(server.requests) == 1
    assert caught.value.outcome_unknown is unknown


async def test_a_server_that_cannot_be_reached_has_done_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        connection = KubeConnection(anonymous(f"http://127.0.0.1:{unused.getsockname()[1]}"))
        with pytest.raises(ApiUnavailable, match="did not answer") as caught:
            await KubeApi(connection).create(CONFIG_MAPS, BODY, "default")
        await connection.close()
    assert not caught.value.outcome_unknown


async def test_the_wait_that_the_server_asks_for_is_kept(connect: Connect, clock: ImpatientClock) -> None:
    api, _ = await connect(says({}, 429, Retry_After="7"), says(BODY))
    assert await api.get(CONFIG_MAPS, "acme", "default") == BODY
    assert clock.slept == [7.0]


async def test_a_long_wait_is_left_to_the_caller(connect: Connect, clock: ImpatientClock) -> None:
    api, server = await connect(says({}, 429, Retry_After="60"))
    with pytest.raises(ApiUnavailable) as caught:
        await api.get(CONFIG_MAPS, "acme", "default")
    assert caught.value.after == 60.0
    assert clock.slept == []
    assert len(server.requests) == 1


async def test_the_wait_in_the_details_counts_too(connect: Connect) -> None:
    api, _ = await connect(refuses(504, "Timeout", retryAfterSeconds=3))
    with pytest.raises(ApiUnavailable) as caught:
        await api.create(CONFIG_MAPS, BODY, "default")
    assert caught.value.after == 3.0


async def test_a_slow_answer_is_given_up(connect: Connect) -> None:
    api, _ = await connect(streams(b"{", hang=True), give_up_after=0.05)
    with pytest.raises(ApiUnavailable, match="did not answer"):
        await api.create(CONFIG_MAPS, BODY, "default")


async def test_no_more_requests_run_at_once_than_allowed(connect: Connect) -> None:
    async def slow(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return web.json_response(BODY)

    api, server = await connect(slow, concurrency=3)
    await asyncio.gather(*(api.get(CONFIG_MAPS, f"map-{number}", "default") for number in range(12)))
    assert server.most_at_once == 3


async def test_watches_take_no_place_from_requests(connect: Connect) -> None:
    api, server = await connect(streams(hang=True), says(BODY), concurrency=1)
    watching = asyncio.ensure_future(anext(api.watch(CONFIG_MAPS, "1")))
    await until(lambda: bool(server.requests))
    assert await asyncio.wait_for(api.get(CONFIG_MAPS, "acme", "default"), 5) == BODY
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_page_that_is_no_status_is_not_an_absent_object(connect: Connect) -> None:
    api, _ = await connect(says("404 page not found", 404))
    with pytest.raises(ApiNotFound):
        await api.get(CONFIG_MAPS, "acme", "default")


async def test_a_list_whose_pages_expired_is_read_again_as_a_whole(connect: Connect) -> None:
    api, server = await connect(
        says(listing("5", {"name": "old"}, continuation="next")),
        refuses(410, "Expired"),
        says(listing("9", {"name": "new"})),
    )
    result = await api.list(CONFIG_MAPS)
    assert (result.items, result.resource_version) == (({"name": "new"},), "9")
    assert [request.query.get("limit") for request in server.requests] == ["500", "500", None]


async def test_apply_names_its_field_manager(connect: Connect) -> None:
    api, server = await connect(says(BODY))
    await api.apply(CONFIG_MAPS, BODY, "default", field_manager="environment")
    (request,) = server.requests
    assert (request.method, request.content_type) == ("PATCH", "application/apply-patch+yaml")
    assert dict(request.query) == {"fieldManager": "environment", "force": "false"}
    assert orjson.loads(server.bodies[0]) == BODY


async def test_events_are_put_together_however_the_network_cuts_them(connect: Connect) -> None:
    text = event("ADDED", "a" * 200_000, "5") + event("MODIFIED", "b", "6")
    api, _ = await connect(streams(text[:7], text[7:150_000], text[150_000:]))
    async with aclosing(api.watch(CONFIG_MAPS, "1")) as watch:
        versions = [item.resource_version async for item in watch]
    assert versions == ["5", "6"]


async def test_a_watch_that_is_too_old_says_so(connect: Connect) -> None:
    error = orjson.dumps({"type": "ERROR", "object": status_object(410, "Expired")}) + b"\n"
    api, _ = await connect(streams(event("ADDED", "a", "5"), error))
    watch = api.watch(CONFIG_MAPS, "1")
    assert (await anext(watch)).resource_version == "5"
    with pytest.raises(ResourceExpired):
        await anext(watch)


@pytest.mark.parametrize(
    "answer",
    [
        streams(event("ADDED", "a", "5"), b'{"type": "ADD', cut=True),
        streams(event("ADDED", "a", "5"), b"<html>\n"),
    ],
)
async def test_a_watch_that_breaks_off_is_unavailable(connect: Connect, answer: Handler) -> None:
    api, _ = await connect(answer)
    watch = api.watch(CONFIG_MAPS, "1")
    assert (await anext(watch)).resource_version == "5"
    with pytest.raises(ApiUnavailable):
        await anext(watch)


async def test_every_request_is_observed(connect: Connect) -> None:
    seen: list[tuple[str, str, str]] = []
    api, _ = await connect(
        refuses(503, "ServiceUnavailable"),
        says(BODY),
        breaks(),
        observer=lambda verb, resource, code, _: seen.append((verb, resource, code)),
    )
    await api.get(CONFIG_MAPS, "acme", "default")
    with pytest.raises(ApiUnavailable):
        await api.merge_patch(CONFIG_MAPS, "acme", {}, "default", subresource="status")
    assert seen == [
        ("get", "configmaps", "503"),
        ("get", "configmaps", "200"),
        ("patch", "configmaps/status", "unreachable"),
    ]


def write_kubeconfig(path: Path, url: str, user: dict[str, Any]) -> str:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "contexts": [{"name": "main", "context": {"cluster": "main", "user": "main"}}],
        "clusters": [{"name": "main", "cluster": {"server": url}}],
        "users": [{"name": "main", "user": user}],
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)


async def test_a_token_of_the_kubeconfig_is_sent(tmp_path: Path) -> None:
    async with ScriptedServer(says(BODY)) as server:
        configuration = await login(
            kubeconfig=write_kubeconfig(tmp_path / "config", server.url, {"token": "t0ken"})
        )
        connection = KubeConnection(configuration)
        await KubeApi(connection).get(CONFIG_MAPS, "acme", "default")
        await connection.close()
    assert server.requests[0].headers["Authorization"] == "Bearer t0ken"


async def test_a_plugin_is_asked_again_when_its_token_expires(tmp_path: Path, clock: ImpatientClock) -> None:
    calls = tmp_path / "calls"
    plugin = tmp_path / "plugin"
    plugin.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib\n"
        f"calls = pathlib.Path({str(calls)!r})\n"
        "calls.write_text((calls.read_text() if calls.exists() else '') + 'x')\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential', 'status':"
        " {'token': f'token-{len(calls.read_text())}', 'expirationTimestamp': '2020-01-01T00:00:00Z'}}))\n"
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}}
    async with ScriptedServer(says(BODY)) as server:
        configuration = await login(
            kubeconfig=write_kubeconfig(tmp_path / "config", server.url, user), clock=clock
        )
        connection = KubeConnection(configuration)
        api = KubeApi(connection)
        await api.get(CONFIG_MAPS, "acme", "default")
        await api.get(CONFIG_MAPS, "acme", "default")
        await clock.advance(61)
        await api.get(CONFIG_MAPS, "acme", "default")
        await connection.close()
    assert [request.headers["Authorization"] for request in server.requests] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]
