"""An Evolution server: what is asked of it and what its answers mean. Against the sandbox's server over HTTP."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from controller.api.conditions import Reason
from controller.api.evolution_server import MetricsMode
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.evolution.client import CREATE_TIMEOUT, EvolutionClient
from controller.providers.evolution.errors import Asked, UnknownRoute, judge_answer, texts_of
from controller.providers.evolution.metrics_text import MetricsPage
from controller.providers.evolution.protocol import (
    BehaviourSettings,
    Integration,
    NewInstance,
    SessionState,
    WebhookSettings,
)
from controller.providers.evolution.wire import INSTANCES, owner_number
from controller.providers.transport import Answer, RequestOutcome
from controller.sandbox.fakes.evolution import EvolutionFake
from tests.providers.conftest import Sandbox, Serve, eventually, generous_limiter

KEY: Final = "global-key-of-the-server"
HOOK: Final = WebhookSettings(
    enabled=True,
    url="https://ai.example/hook",
    events=("MESSAGES_UPSERT", "CONNECTION_UPDATE"),
    headers={"Authorization": "Bearer hook-secret"},
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    fake = EvolutionFake(api_key=KEY, manual_pairing=True, delete_after=0.1)
    sandbox = Sandbox(await fake.start())
    yield sandbox
    await sandbox.http.aclose()
    await fake.stop()


def client_at(url: str, **more: Any) -> EvolutionClient:
    return EvolutionClient(**{"base_url": url, "api_key": KEY, "limiter": generous_limiter(), **more})


@pytest.fixture
async def server(sandbox: Sandbox) -> AsyncIterator[EvolutionClient]:
    client = client_at(sandbox.url)
    yield client
    await client.close()


def new(name: str = "bakery", **more: Any) -> NewInstance:
    return NewInstance(
        **{"name": name, "integration": Integration.BAILEYS, "token": f"token-of-{name}", **more}
    )


async def pair(server: EvolutionClient, sandbox: Sandbox, name: str, number: str = "37120000001") -> None:
    await server.connect(name)
    await sandbox.tell(f"instances/{name}/scan", {"number": number})
    await until(server, name, SessionState.OPEN)


async def until(server: EvolutionClient, name: str, state: SessionState) -> None:
    async def reached() -> bool:
        return await server.live_state(name) is state

    await eventually(reached)


class TestReading:
    async def test_a_created_instance_is_read_back_whole(self, server: EvolutionClient) -> None:
        settings = BehaviourSettings(reject_call=True, msg_call="No calls please", read_messages=True)
        await server.create(new(number="37120000001", settings=settings, webhook=HOOK))
        row = await server.instance("bakery")
        assert row is not None
        assert (row.name, row.token, row.integration) == ("bakery", "token-of-bakery", Integration.BAILEYS)
        assert row.settings == settings
        assert row.owner_number is None
        assert row.disconnection_code is None
        assert await server.instances() == [row]
        assert await server.webhook("bakery") == HOOK

    async def test_a_paired_instance_tells_its_number(
        self, server: EvolutionClient, sandbox: Sandbox
    ) -> None:
        await server.create(new())
        await pair(server, sandbox, "bakery", "37120000001")
        row = await server.instance("bakery")
        assert row is not None
        assert row.owner_number == "+37120000001"
        assert row.stored_state is SessionState.OPEN

    async def test_an_unlinked_instance_tells_why(self, server: EvolutionClient, sandbox: Sandbox) -> None:
        await server.create(new())
        await pair(server, sandbox, "bakery")
        await sandbox.tell("instances/bakery/close", {"code": 401})
        row = await server.instance("bakery")
        assert row is not None
        assert row.disconnection_code == 401

    async def test_names_are_encoded(self, server: EvolutionClient) -> None:
        name = "café/1 ?#%"
        await server.create(new(name))
        row = await server.instance(name)
        assert row is not None
        assert row.name == name
        await server.set_settings(name, BehaviourSettings())
        await server.delete(name)

    async def test_an_unknown_instance_is_none(self, server: EvolutionClient) -> None:
        assert await server.instance("nobody") is None
        with pytest.raises(NotFound):
            await server.live_state("nobody")
        with pytest.raises(NotFound):
            await server.set_settings("nobody", BehaviourSettings())

    async def test_a_ghost_without_a_row_is_none(self, server: EvolutionClient, sandbox: Sandbox) -> None:
        await server.create(new())
        await sandbox.remove("instances/bakery?ghost=1")
        assert await server.instance("bakery") is None

    async def test_no_webhook_is_none(self, server: EvolutionClient) -> None:
        await server.create(new())
        assert await server.webhook("bakery") is None

    async def test_one_call_tells_every_live_state(self, server: EvolutionClient, sandbox: Sandbox) -> None:
        await server.create(new("one"))
        await server.create(new("two"))
        await pair(server, sandbox, "one")
        live = await server.live_states()
        assert live is not None
        assert live.version == "2.3.7"
        assert live.client_name == "evolution-sandbox"
        assert live.states == {"one": SessionState.OPEN, "two": SessionState.CLOSE}

    async def test_a_server_without_metrics(self) -> None:
        fake = EvolutionFake(api_key=KEY, metrics=False)
        server = client_at(await fake.start())
        assert await server.live_states() is None
        await server.close()
        await fake.stop()

    async def test_metrics_turned_off_are_not_asked_for(self, sandbox: Sandbox) -> None:
        server = client_at(sandbox.url, metrics_mode=MetricsMode.OFF)
        assert await server.live_states() is None
        assert await sandbox.requests("GET", "/metrics") == 0
        await server.close()

    async def test_metrics_with_a_login(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.StreamResponse:
            assert "apikey" not in request.headers
            if request.headers.get("Authorization") != "Basic cHJvbTpwYXNz":
                return web.Response(status=401)
            return web.Response(text='evolution_environment_info{version="2.3.7",clientName="e"} 1\n')

        url = await serve(handler)
        for login, error in ((("prom", "pass"), None), (("prom", "wrong"), Unauthorized)):
            server = client_at(url, metrics_login=login)
            if error is None:
                assert await server.live_states() is not None
            else:
                with pytest.raises(error, match="basicAuthSecretRef"):
                    await server.live_states()
            await server.close()


class TestLifecycle:
    async def test_a_name_in_use_is_a_conflict(self, server: EvolutionClient) -> None:
        await server.create(new())
        with pytest.raises(Conflict) as refusal:
            await server.create(new())
        assert refusal.value.reason is Reason.NAME_TAKEN

    async def test_creates_of_one_name_never_meet_at_the_server(self, server: EvolutionClient) -> None:
        results = await asyncio.gather(*(server.create(new()) for _ in range(12)), return_exceptions=True)
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 11
        assert await server.instance("bakery") is not None

    async def test_creates_of_different_names_run_beside_each_other(
        self, server: EvolutionClient, sandbox: Sandbox
    ) -> None:
        await sandbox.tell("latency", {"seconds": 0.2})
        async with asyncio.timeout(1):
            await asyncio.gather(*(server.create(new(f"shop-{index}")) for index in range(10)))

    def test_creating_waits_longer_than_the_server_needs(self) -> None:
        assert CREATE_TIMEOUT >= 20

    async def test_a_deletion_is_over_only_when_the_row_is_gone(self, server: EvolutionClient) -> None:
        await server.create(new())
        await server.delete("bakery")
        with pytest.raises(Retryable, match="deletes it"):
            await server.instance("bakery")
        await eventually(lambda: is_gone(server, "bakery"))
        await server.create(new())

    async def test_deleting_what_is_unknown_is_success(self, server: EvolutionClient) -> None:
        await server.delete("nobody")

    async def test_logging_out_twice_is_success(self, server: EvolutionClient, sandbox: Sandbox) -> None:
        await server.create(new())
        await pair(server, sandbox, "bakery")
        await server.logout("bakery")
        await server.logout("bakery")
        assert await server.live_state("bakery") is SessionState.CLOSE

    @pytest.mark.parametrize("status", [400, 500])
    async def test_a_dead_socket_is_not_logged_out(
        self, server: EvolutionClient, sandbox: Sandbox, status: int
    ) -> None:
        await server.create(new())
        body = {"status": status, "error": "x", "response": {"message": ["Error: Connection Closed"]}}
        await sandbox.order("DELETE /instance/logout/*", f"status:{status}", body=body)
        with pytest.raises(Retryable):
            await server.logout("bakery")

    async def test_connecting_what_another_server_has_is_tried_again(
        self, server: EvolutionClient, sandbox: Sandbox
    ) -> None:
        body = {"error": True, "message": "[object Object]"}
        await sandbox.order("GET /instance/connect/*", "status:200", body=body)
        with pytest.raises(Retryable):
            await server.connect("bakery")


async def is_gone(server: EvolutionClient, name: str) -> bool:
    try:
        return await server.instance(name) is None
    except Retryable:
        return False


class TestWriting:
    async def test_settings_are_written_whole(self, server: EvolutionClient) -> None:
        await server.create(new(settings=BehaviourSettings(always_online=True, msg_call="x")))
        wanted = BehaviourSettings(groups_ignore=True, sync_full_history=True)
        await server.set_settings("bakery", wanted)
        row = await server.instance("bakery")
        assert row is not None
        assert row.settings == wanted

    async def test_a_webhook_is_written_whole(self, server: EvolutionClient) -> None:
        await server.create(new(webhook=HOOK))
        wanted = WebhookSettings(enabled=True, url="https://b.example/", events=("CALL",))
        await server.set_webhook("bakery", wanted)
        assert await server.webhook("bakery") == wanted

    async def test_a_webhook_is_silenced(self, server: EvolutionClient) -> None:
        await server.create(new(webhook=HOOK))
        await server.set_webhook("bakery", WebhookSettings(enabled=False, url=""))
        silenced = await server.webhook("bakery")
        assert silenced is not None
        assert not silenced.enabled

    async def test_no_events_would_mean_all_events(self, server: EvolutionClient) -> None:
        all_events = WebhookSettings(enabled=True, url="https://a.example/")
        with pytest.raises(ValueError, match="events"):
            await server.set_webhook("bakery", all_events)
        with pytest.raises(ValueError, match="events"):
            await server.create(new(webhook=all_events))

    @pytest.mark.parametrize("bad", [{"name": ""}, {"token": ""}, {"number": "+37120000001"}])
    async def test_what_the_server_would_wrongly_accept_is_not_sent(
        self, server: EvolutionClient, sandbox: Sandbox, bad: dict[str, str]
    ) -> None:
        with pytest.raises(ValueError, match="instance"):
            await server.create(new(**bad))
        assert await sandbox.requests("POST", "/instance/create") == 0

    async def test_the_profile_waits_for_the_connection(
        self, server: EvolutionClient, sandbox: Sandbox
    ) -> None:
        await server.create(new())
        with pytest.raises(Retryable) as failure:
            await server.set_profile_name("bakery", "Bakery")
        assert failure.value.reason is Reason.WAITING_FOR_CONNECTION
        await pair(server, sandbox, "bakery")
        with pytest.raises(Retryable, match="profile keys") as failure:
            await server.set_profile_name("bakery", "Bakery")
        assert failure.value.reason is Reason.WAITING_FOR_CONNECTION
        await server.set_profile_about("bakery", "Fresh bread")
        await eventually(lambda: succeeds(lambda: server.set_profile_name("bakery", "Bakery")))

    async def test_a_channel_without_profile_says_so(self, server: EvolutionClient) -> None:
        await server.create(new(integration=Integration.EVOLUTION))
        with pytest.raises(Terminal) as refusal:
            await server.set_profile_name("bakery", "Bakery")
        assert refusal.value.reason is Reason.UNSUPPORTED_CHANNEL


async def succeeds(act: Callable[[], Awaitable[None]]) -> bool:
    try:
        await act()
    except Retryable:
        return False
    return True


class TestFailures:
    @pytest.mark.parametrize(
        ("fault", "doubtful"),
        [
            ("drop-before", True),
            ("drop-after", True),
            ("status:500", True),
            ("status:502", True),
            ("status:429", False),
        ],
    )
    async def test_a_create_is_sent_exactly_once_whatever_happens(
        self, server: EvolutionClient, sandbox: Sandbox, *, fault: str, doubtful: bool
    ) -> None:
        await sandbox.order("POST /instance/create", fault)
        with pytest.raises(Retryable) as failure:
            await server.create(new())
        assert failure.value.outcome_unknown is doubtful
        assert await sandbox.requests("POST", "/instance/create") == 1

    async def test_a_write_that_times_out_is_sent_exactly_once(self, sandbox: Sandbox) -> None:
        server = client_at(sandbox.url, read_timeout=0.2)
        await server.create(new())
        await sandbox.order("POST /settings/set/*", "delay:0.4s")
        with pytest.raises(Retryable) as failure:
            await server.set_settings("bakery", BehaviourSettings())
        assert failure.value.outcome_unknown
        await asyncio.sleep(0.3)
        assert await sandbox.requests("POST", "/settings/set") == 1
        await server.close()

    async def test_a_wrong_key(self, sandbox: Sandbox) -> None:
        server = client_at(sandbox.url, api_key="wrong-key")
        with pytest.raises(Unauthorized) as refusal:
            await server.instances()
        assert refusal.value.reason is Reason.WRONG_CREDENTIALS
        assert "wrong-key" not in str(refusal.value)
        await server.close()

    async def test_a_server_that_asks_for_a_licence(self, server: EvolutionClient, sandbox: Sandbox) -> None:
        body = {"error": "service not activated", "code": "LICENSE_REQUIRED", "message": "activate"}
        await sandbox.order("* /**", "status:503", body=body)
        with pytest.raises(Terminal) as refusal:
            await server.instances()
        assert refusal.value.reason is Reason.LICENSE_REQUIRED

    @pytest.mark.parametrize("body", ["<html>404</html>", {"message": "no Route matched"}, {}])
    async def test_a_gateways_404_does_not_say_that_an_instance_is_gone(
        self, server: EvolutionClient, sandbox: Sandbox, body: object
    ) -> None:
        await sandbox.order("* /**", "status:404", body=body)
        with pytest.raises(Retryable):
            await server.instance("bakery")
        with pytest.raises(Retryable):
            await server.delete("bakery")

    async def test_an_unknown_route_does_not_say_that_an_instance_is_gone(
        self, server: EvolutionClient, sandbox: Sandbox
    ) -> None:
        await sandbox.order("* /**", "status:404")
        with pytest.raises(UnknownRoute):
            await server.delete("bakery")

    @pytest.mark.parametrize(
        "answer", ["[{}]", '[{"name": null, "token": "s3cret"}]', "{}", "null", "s3cret"]
    )
    async def test_a_list_that_cannot_be_read_whole_is_no_list(
        self, server: EvolutionClient, sandbox: Sandbox, answer: str
    ) -> None:
        await sandbox.order("GET /instance/fetchInstances", "status:200", body=answer)
        with pytest.raises(Retryable) as failure:
            await server.instances()
        assert failure.value.__cause__ is None
        assert "s3cret" not in str(failure.value)

    async def test_keys_and_tokens_are_neither_logged_nor_shown(
        self, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        outcomes: list[RequestOutcome] = []
        server = client_at(sandbox.url.replace("http://", "http://user:s3cret@"), observer=outcomes.append)
        await server.create(new(webhook=HOOK))
        rows = await server.instances()
        shown = [repr(server), repr(rows), repr(new()), repr(await server.webhook("bakery")), repr(outcomes)]
        await sandbox.order("POST /settings/set/*", "status:400", body={"message": f"no: {KEY}"})
        with pytest.raises(OutsideError) as refusal:
            await server.set_settings("bakery", BehaviourSettings())
        for text in [caplog.text, str(refusal.value), *shown]:
            for secret in (KEY, "token-of-bakery", "hook-secret", "s3cret"):
                assert secret not in text
        assert {outcome.operation for outcome in outcomes} >= {
            "POST /instance/create",
            "POST /settings/set/{name}",
        }
        await server.close()


@pytest.mark.parametrize(
    ("jid", "number"),
    [
        ("37120000001@s.whatsapp.net", "+37120000001"),
        ("37120000001:12@s.whatsapp.net", "+37120000001"),
        ("123456789@lid", None),
        ("37120000001", None),
        ("", None),
        (None, None),
    ],
)
def test_the_number_of_a_whatsapp_address(jid: str | None, number: str | None) -> None:
    assert owner_number(jid) == number


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"response": {"message": ["a", "b"]}}, ["a", "b"]),
        ({"response": {"message": [["a", "b"]]}}, ["a", "b"]),
        ({"response": {"message": "a"}}, ["a"]),
        ({"error": "x", "message": "a"}, ["a"]),
        ({"error": "x"}, ["x"]),
        ({"error": True, "message": "[object Object]"}, []),
        ({}, []),
        (None, []),
        ([1], []),
    ],
)
def test_error_texts_are_found_in_every_shape(body: object, texts: list[str]) -> None:
    assert texts_of(body) == texts


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "response", "code", "status"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(status=st.sampled_from([200, 201, 302, 400, 401, 403, 404, 418, 429, 500, 503]), body=JSON)
def test_no_answer_is_too_strange_to_be_judged(status: int, body: object) -> None:
    answer = Answer(status, json.dumps(body).encode(), {})
    refusal = judge_answer(answer, Asked("The server", "POST", "POST /x", [KEY]))
    assert (refusal is None) == (status < 300 and not (isinstance(body, dict) and body.get("error") is True))
    if refusal is not None:
        assert len(refusal.error.message) <= 512


def test_a_row_needs_no_more_than_its_name() -> None:
    row = INSTANCES.validate_json('[{"name": "a", "connectionStatus": "odd", "Setting": null, "new": {}}]')[
        0
    ].to_row()
    assert (row.name, row.stored_state, row.settings, row.messages) == ("a", None, None, 0)


@pytest.mark.parametrize("page", ["", "<html>", "process_cpu_seconds_total 1\n"])
def test_a_page_of_somebody_else_is_not_read_as_no_instances(page: str) -> None:
    with pytest.raises(ValueError, match="evolution_environment_info"):
        MetricsPage().read(page)


@given(
    st.text(
        st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=30
    )
)
def test_names_with_odd_characters_survive_metrics(name: str) -> None:
    label = name.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    page = (
        'evolution_environment_info{version="2.3.7",clientName="e"} 1\n'
        f'evolution_instance_state{{instance="{label}",integration="EVOLUTION",state="open"}} 1\n'
    )
    assert MetricsPage().read(page).states == {name: SessionState.OPEN}
