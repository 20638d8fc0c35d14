"""Bots, OpenAI keys and codes to pair with: what the recordings of the real server do not show by themselves."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Terminal
from controller.providers.evolution.bots import (
    Bot,
    BotKind,
    BotSession,
    BotSettings,
    DifyBotType,
    FieldValue,
    OpenAIBotType,
    Trigger,
    TriggerOperator,
    TriggerType,
)
from controller.providers.evolution.bots_wire import create_bot_request, read_bots, update_bot_request
from controller.providers.evolution.client import EvolutionClient
from controller.providers.evolution.errors import CauseHidden
from controller.providers.evolution.protocol import Integration, NewInstance, PairingOffer, SessionState
from controller.providers.evolution.wire import create_request
from tests.providers.conftest import generous_limiter
from tests.runtime.scripted_server import Handler, ScriptedServer, says

URL: Final = "https://ai.example/v1"
FIELDS: Final[dict[BotKind, dict[str, FieldValue]]] = {
    BotKind.OPENAI: {
        "openaiCredsId": "creds-1",
        "botType": OpenAIBotType.CHAT_COMPLETION,
        "model": "gpt-4.1-mini",
        "maxTokens": 300,
        "systemMessages": ("You help the customers of a bakery.",),
    },
    BotKind.DIFY: {"botType": DifyBotType.AGENT, "apiUrl": URL, "apiKey": "s3cret"},
    BotKind.TYPEBOT: {"url": URL, "typebot": "menu"},
    BotKind.FLOWISE: {"apiUrl": URL, "apiKey": "s3cret"},
    BotKind.N8N: {"webhookUrl": URL, "basicAuthUser": "bakery", "basicAuthPass": "s3cret"},
    BotKind.EVOAI: {"agentUrl": URL, "apiKey": "s3cret"},
    BotKind.EVOLUTION_BOT: {"apiUrl": URL, "apiKey": "s3cret"},
}
KEYWORD: Final = Trigger(TriggerType.KEYWORD, TriggerOperator.CONTAINS, "price")


def bot(kind: BotKind = BotKind.DIFY, **changes: Any) -> Bot:
    return replace(Bot(kind, id="bot-1", fields=FIELDS[kind]), **changes)


def row(of: Bot) -> dict[str, object]:
    """A bot as the server stores it: with null for what was never set."""
    nothing = dict.fromkeys(["triggerOperator", "triggerValue", "apiKey", "assistantId", "description"])
    return {**nothing, **create_bot_request(of), "id": of.id, "instanceId": "i", "createdAt": "2026-11-22"}


def fails(text: object, status: int = 500) -> Handler:
    return says({"status": status, "error": "Internal Server Error", "response": {"message": text}}, status)


@asynccontextmanager
async def server(*answers: Handler) -> AsyncIterator[tuple[EvolutionClient, ScriptedServer]]:
    async with ScriptedServer(*answers) as scripted:
        client = EvolutionClient(base_url=scripted.url, api_key="the-key", limiter=generous_limiter())
        yield client, scripted
        await client.close()


class TestBots:
    @pytest.mark.parametrize("kind", BotKind)
    async def test_a_bot_that_is_as_wanted_equals_what_is_read(self, kind: BotKind) -> None:
        wanted = bot(kind, id="", trigger=KEYWORD)
        async with server(says([row(bot(kind, trigger=KEYWORD))])) as (client, scripted):
            (found,) = await client.bots.read("café/1", kind)
        assert found == wanted
        assert found.id == "bot-1"
        assert scripted.requests[0].raw_path == f"/{kind}/find/caf%C3%A9%2F1"

    @pytest.mark.parametrize(
        ("changes", "names"),
        [
            ({}, []),
            ({"id": "bot-2"}, []),
            ({"enabled": False, "description": "x"}, ["enabled", "description"]),
            ({"trigger": KEYWORD}, ["trigger"]),
            ({"session": BotSession(expire=20)}, ["session.expire"]),
            ({"fields": {"botType": "agent", "apiUrl": URL}}, ["apiKey"]),
            ({"kind": BotKind.FLOWISE}, ["kind"]),
        ],
    )
    def test_what_differs_is_named_without_values(self, changes: dict[str, Any], names: list[str]) -> None:
        other = replace(bot(), **changes)
        assert bot().differences(other) == names
        assert (bot() == other) == (not names)

    @pytest.mark.parametrize(
        ("kind", "unset", "cleared"),
        [
            (BotKind.DIFY, "apiKey", ""),
            (BotKind.FLOWISE, "apiKey", ""),
            (BotKind.N8N, "basicAuthPass", ""),
            (BotKind.OPENAI, "systemMessages", []),
        ],
    )
    def test_an_update_clears_what_is_not_wanted(self, kind: BotKind, unset: str, cleared: object) -> None:
        wanted = bot(kind, fields={name: item for name, item in FIELDS[kind].items() if name != unset})
        assert unset not in create_bot_request(wanted)
        assert update_bot_request(wanted)[unset] == cleared
        assert update_bot_request(wanted).items() >= create_bot_request(wanted).items()
        assert update_bot_request(wanted)["triggerValue"] == ""

    @pytest.mark.parametrize("trigger_type", [TriggerType.ALL, TriggerType.NONE])
    def test_what_a_former_trigger_left_behind_is_no_difference(self, trigger_type: TriggerType) -> None:
        former = {**row(bot(trigger=KEYWORD)), "triggerType": trigger_type.value}
        (found,) = read_bots(orjson.dumps([former]), BotKind.DIFY)
        assert found.trigger == Trigger(trigger_type)
        assert found.trigger.matches_everything
        assert not KEYWORD.matches_everything

    async def test_no_bots(self) -> None:
        async with server(says([]), says(None)) as (client, _):
            assert await client.bots.read("bakery", BotKind.OPENAI) == []
            assert await client.bots.read("bakery", BotKind.OPENAI) == []

    @pytest.mark.parametrize(
        "odd", [{"id": None}, {"triggerType": "odd"}, {"apiUrl": ["x"]}, {"ignoreJids": "s3cret"}]
    )
    async def test_half_an_understood_list_is_no_list(self, odd: dict[str, object]) -> None:
        async with server(says([row(bot()), {**row(bot()), **odd}])) as (client, _):
            with pytest.raises(OutsideError, match="cannot be understood") as refusal:
                await client.bots.read("bakery", BotKind.DIFY)
        assert "s3cret" not in str(refusal.value)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"fields": {}},
            {"fields": {**FIELDS[BotKind.DIFY], "model": "gpt"}},
            {"fields": {**FIELDS[BotKind.DIFY], "botType": "odd"}},
            {"fields": {**FIELDS[BotKind.DIFY], "apiKey": 1}},
            {"trigger": Trigger(TriggerType.KEYWORD, value="price")},
            {"trigger": Trigger(TriggerType.KEYWORD, TriggerOperator.EQUALS)},
            {"trigger": Trigger(TriggerType.ADVANCED)},
            {"kind": BotKind.TYPEBOT},
            {"kind": BotKind.OPENAI, "fields": {**FIELDS[BotKind.OPENAI], "maxTokens": 0}},
            {"kind": BotKind.OPENAI, "fields": {**FIELDS[BotKind.OPENAI], "botType": "assistant"}},
        ],
    )
    async def test_what_the_server_would_wrongly_accept_is_not_sent(self, wrong: dict[str, Any]) -> None:
        async with server(says({})) as (client, scripted):
            for act in (client.bots.create, client.bots.update):
                with pytest.raises(ValueError, match=r"kind|trigger") as refusal:
                    await act("bakery", replace(bot(), **wrong))
                assert "s3cret" not in str(refusal.value)
        assert scripted.requests == []

    async def test_a_kind_that_is_switched_off_names_the_switch(self) -> None:
        async with server(fails(["Dify is disabled"], 400)) as (client, _):
            with pytest.raises(Terminal, match="DIFY_ENABLED=true") as refusal:
                await client.bots.read("bakery", BotKind.DIFY)
        assert refusal.value.reason is Reason.REFUSED

    async def test_an_update_says_who_stands_in_the_way(self) -> None:
        others = says([row(bot(id="bot-2")), row(bot())])
        async with server(fails("Error updating Dify"), others) as (client, _):
            with pytest.raises(Conflict, match="another bot"):
                await client.bots.update("bakery", bot())

    async def test_an_update_that_fails_for_no_visible_reason_is_tried_again(self) -> None:
        async with server(fails("Error updating Dify"), says([row(bot())])) as (client, _):
            with pytest.raises(CauseHidden):
                await client.bots.update("bakery", bot())

    async def test_an_update_of_a_bot_that_is_gone(self) -> None:
        async with server(fails("Error updating Dify"), says([row(bot(id="bot-2"))])) as (client, _):
            with pytest.raises(NotFound):
                await client.bots.update("bakery", bot())

    @pytest.mark.parametrize(
        "answers",
        [
            [says({"bot": {"id": "bot-1"}})],
            [fails("Error deleting Dify bot"), says([row(bot(id="bot-2"))])],
            [fails("Dify not found")],
            [fails(['The "bakery" instance does not exist'], 404)],
        ],
    )
    async def test_a_bot_that_is_gone_is_deleted(self, answers: list[Handler]) -> None:
        async with server(*answers) as (client, scripted):
            await client.bots.delete("bakery", BotKind.DIFY, "bot-1")
        assert (scripted.requests[0].method, scripted.requests[0].path) == (
            "DELETE",
            "/dify/delete/bot-1/bakery",
        )

    async def test_a_bot_that_stays_is_not_deleted(self) -> None:
        async with server(fails("Error deleting Dify bot"), says([row(bot())])) as (client, _):
            with pytest.raises(CauseHidden):
                await client.bots.delete("bakery", BotKind.DIFY, "bot-1")

    @pytest.mark.parametrize(
        ("kind", "settings"),
        [
            (BotKind.OPENAI, BotSettings(BotSession())),
            (BotKind.OPENAI, BotSettings(BotSession(), openai_credentials_id="c", fallback_id="b")),
            (BotKind.DIFY, BotSettings(BotSession(), openai_credentials_id="c")),
            (BotKind.DIFY, BotSettings(BotSession(), speech_to_text=True)),
        ],
    )
    async def test_settings_that_a_kind_cannot_have_are_not_sent(
        self, kind: BotKind, settings: BotSettings
    ) -> None:
        async with server(says({})) as (client, scripted):
            with pytest.raises(ValueError, match="OpenAI"):
                await client.bots.set_settings("bakery", kind, settings)
        assert scripted.requests == []

    @pytest.mark.parametrize("kind", [kind for kind in BotKind if "s3cret" in FIELDS[kind].values()])
    async def test_keys_and_passwords_are_neither_logged_nor_shown(
        self, kind: BotKind, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        echo = fails([f"s3cret at {URL} is no good, the-key"], 400)
        async with server(says(row(bot(kind))), echo) as (client, _):
            made = await client.bots.create("bakery", bot(kind))
            with pytest.raises(Terminal, match="no good") as refusal:
                await client.bots.update("bakery", made)
        for text in (repr(made), str(refusal.value), caplog.text):
            assert "s3cret" not in text
            assert "the-key" not in text
            assert URL not in text


PLAIN: Final = st.text(st.characters(codec="utf-8"), max_size=20)
SESSIONS: Final = st.builds(
    BotSession,
    expire=st.integers(0, 10_000),
    keyword_finish=PLAIN,
    unknown_message=PLAIN,
    keep_open=st.booleans(),
    ignore_jids=st.lists(PLAIN, max_size=3).map(tuple),
)
TRIGGERS: Final = st.sampled_from([TriggerType.ALL, TriggerType.NONE]).map(Trigger) | st.builds(
    Trigger, st.just(TriggerType.KEYWORD), st.sampled_from(TriggerOperator), PLAIN.filter(bool)
)


@given(
    st.builds(
        bot,
        st.sampled_from(BotKind),
        enabled=st.booleans(),
        description=PLAIN,
        trigger=TRIGGERS,
        session=SESSIONS,
    )
)
def test_what_is_sent_and_stored_is_read_as_it_was_wanted(wanted: Bot) -> None:
    for request in (create_bot_request, update_bot_request):
        stored = orjson.dumps([{"id": "bot-1", **request(wanted)}])
        assert read_bots(stored, wanted.kind) == [wanted]


class TestOpenAIKeys:
    async def test_models_that_a_key_opens(self) -> None:
        async with server(says([{"id": "gpt-4.1", "object": "model"}]), says(None)) as (client, scripted):
            assert await client.openai.models("bakery", "creds 1") == ["gpt-4.1"]
            assert await client.openai.models("bakery", "creds-1") == []
        assert scripted.requests[0].raw_path == "/openai/getModels/bakery?openaiCredsId=creds+1"

    async def test_models_that_openai_does_not_tell(self) -> None:
        async with server(fails("Error fetching models")) as (client, _):
            assert await client.openai.models("bakery", "creds-1") is None

    async def test_credentials_that_are_gone_are_deleted(self) -> None:
        for answers in (
            [fails("Error deleting openai creds"), says([])],
            [fails("Openai Creds not found")],
            [fails(['The "bakery" instance does not exist'], 404)],
        ):
            async with server(*answers) as (client, _):
                await client.openai.delete_credentials("bakery", "creds-1")

    async def test_a_refused_key_is_not_shown(self) -> None:
        async with server(fails(["sk-s3cret is no key"], 400)) as (client, _):
            with pytest.raises(Terminal, match="is no key") as refusal:
                await client.openai.create_credentials("bakery", "tenant-bakery", "sk-s3cret")
        assert "sk-s3cret" not in str(refusal.value)

    @pytest.mark.parametrize(("name", "key"), [("", "sk-1"), ("tenant-bakery", "")])
    async def test_empty_credentials_are_not_sent(self, name: str, key: str) -> None:
        async with server(says({})) as (client, scripted):
            with pytest.raises(ValueError, match="credentials"):
                await client.openai.create_credentials("bakery", name, key)
        assert scripted.requests == []

    async def test_every_write_is_sent_exactly_once(self) -> None:
        acts: list[Callable[[EvolutionClient], Awaitable[object]]] = [
            lambda client: client.bots.create("bakery", bot()),
            lambda client: client.bots.update("bakery", bot()),
            lambda client: client.bots.set_settings("bakery", BotKind.DIFY, BotSettings(BotSession())),
            lambda client: client.openai.create_credentials("bakery", "tenant-bakery", "sk-1"),
        ]
        for act in acts:
            async with server(says({}, 502)) as (client, scripted):
                with pytest.raises(OutsideError):
                    await act(client)
            assert len(scripted.requests) == 1


class TestPairing:
    @pytest.mark.parametrize(
        ("answer", "offer"),
        [
            ({"pairingCode": "JMNHXDY8", "code": "2@a", "count": 3}, PairingOffer("2@a", "JMNHXDY8", 3)),
            ({"pairingCode": None, "code": "2@a", "count": 1}, PairingOffer("2@a", None, 1)),
            ({"count": 0}, None),
            ({}, None),
            ({"instance": {"instanceName": "bakery", "state": "open"}}, SessionState.OPEN),
            ({"instance": {"instanceName": "bakery", "state": "close"}}, None),
        ],
    )
    async def test_what_the_server_offers(self, answer: object, offer: object) -> None:
        async with server(says(answer)) as (client, scripted):
            found = await client.pairing_code("bakery", "37120000001")
        assert found == offer
        assert "2@a" not in repr(found)
        assert "JMNHXDY8" not in repr(found)
        assert scripted.requests[0].path_qs == "/instance/connect/bakery?number=37120000001"

    @pytest.mark.parametrize("number", ["+37120000001", "", "3712 0000001", "٣٧١"])
    async def test_only_digits_are_sent(self, number: str) -> None:
        async with server(says({})) as (client, scripted):
            with pytest.raises(ValueError, match="digits"):
                await client.pairing_code("bakery", number)
        assert scripted.requests == []

    async def test_a_code_that_cannot_be_understood_is_not_shown(self) -> None:
        async with server(says({"code": ["2@s3cret"]})) as (client, _):
            with pytest.raises(OutsideError) as failure:
                await client.pairing_code("bakery")
        assert "2@s3cret" not in str(failure.value)
        assert failure.value.__cause__ is None


class TestBusinessChannel:
    NEW: Final = NewInstance(
        "bakery", Integration.BUSINESS, token="graph-token", number="100200300", business_id="400500600"
    )

    def test_it_is_created_with_what_meta_knows_it_by(self) -> None:
        body = create_request(self.NEW)
        assert (body["token"], body["number"], body["businessId"]) == (
            "graph-token",
            "100200300",
            "400500600",
        )
        assert "graph-token" not in repr(self.NEW)

    @pytest.mark.parametrize("missing", ["token", "number", "business_id"])
    def test_it_is_not_created_without(self, missing: str) -> None:
        incomplete: dict[str, Any] = {missing: ""}
        with pytest.raises(ValueError, match="instance needs"):
            create_request(replace(self.NEW, **incomplete))

    def test_other_channels_need_none_of_it(self) -> None:
        assert "businessId" not in create_request(NewInstance("bakery", Integration.BAILEYS, token="t"))
