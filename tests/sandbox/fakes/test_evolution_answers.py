"""Bots of the fake Evolution that answer: which one is asked, what it is told, where its answer goes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from controller.sandbox.fakes.evolution.bots.kinds import Kind

from .bot_server import BotServer
from .conftest import EvolutionServer
from .receiver import Receiver

CONTACT = "37120000009"
JID = f"{CONTACT}@s.whatsapp.net"


@pytest.fixture
async def bot_server() -> AsyncIterator[BotServer]:
    server = BotServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def shop(evolution: EvolutionServer, bot_server: BotServer) -> EvolutionServer:
    """A server with an instance `shop`, whose OpenAI is the bot server."""
    await evolution.control("server", {"openaiBaseUrl": f"{bot_server.url}/v1"})
    await evolution.create("shop", "EVOLUTION", token="token-of-shop", number="37120000001")
    return evolution


async def add_bot(server: EvolutionServer, kind: str, url: str, **fields: object) -> str:
    own: dict[str, dict[str, object]] = {
        Kind.EVOLUTION_BOT: {"apiUrl": f"{url}/bot", "apiKey": "k"},
        Kind.TYPEBOT: {"url": url, "typebot": "hello"},
        Kind.OPENAI: {"botType": "chatCompletion", "model": "gpt-4o", "maxTokens": 100},
        Kind.DIFY: {"botType": "chatBot", "apiUrl": f"{url}/dify", "apiKey": "k"},
        Kind.N8N: {"webhookUrl": f"{url}/webhook/x", "basicAuthUser": "u", "basicAuthPass": "p"},
        Kind.EVOAI: {"agentUrl": f"{url}/agent", "apiKey": "k"},
        Kind.FLOWISE: {"apiUrl": f"{url}/flow", "apiKey": "k"},
    }
    body = {"enabled": True, "triggerType": "all", **own[kind], **fields}
    if kind == Kind.OPENAI:
        credentials = {"name": "main", "apiKey": "sk-main"}
        present = (await server.client.get("/openai/creds/shop")).json()
        if not present:
            present = [(await server.client.post("/openai/creds/shop", json=credentials)).json()]
        body["openaiCredsId"] = present[0]["id"]
    response = await server.client.post(f"/{kind}/create/shop", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def write(server: EvolutionServer, text: str, **fields: object) -> None:
    await server.control("instances/shop/inbound", {"from": CONTACT, "text": text, **fields})


async def messages(server: EvolutionServer) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = (await server.client.get("/_sandbox/instances/shop/messages")).json()
    return stored


async def answers(server: EvolutionServer, count: int) -> list[tuple[str, str]]:
    """Wait for so many answers; return who said what."""
    async with asyncio.timeout(5):
        while True:
            found = [
                (message["botId"], message["message"]["conversation"])
                for message in await messages(server)
                if message["key"]["fromMe"]
            ]
            if len(found) >= count:
                return found


async def calls(server: EvolutionServer, count: int) -> list[dict[str, Any]]:
    """Wait until bots were called so often."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while len(found) < count:
            found = (await server.client.get("/_sandbox/bots/calls")).json()
    return found


@pytest.mark.parametrize("kind", Kind)
async def test_every_message_is_answered_once(
    shop: EvolutionServer, bot_server: BotServer, receiver: Receiver, kind: str
):
    webhook = {"url": receiver.url, "enabled": True, "events": ["SEND_MESSAGE", "MESSAGES_UPSERT"]}
    await shop.control("instances/shop/webhook", webhook)
    bot_id = await add_bot(shop, kind, bot_server.url)

    await write(shop, "first")
    await answers(shop, 1)
    await write(shop, "second")

    assert await answers(shop, 2) == [(bot_id, "Hello!")] * 2
    assert len(bot_server.asked) == 2
    await receiver.wait_for("send.message")
    announced = [item.body for item in receiver.received if item.body["event"] == "send.message"]
    assert announced[0]["data"]["key"]["fromMe"] is True
    assert announced[0]["data"]["key"]["remoteJid"] == CONTACT


async def test_two_kinds_with_an_all_bot_both_answer(shop: EvolutionServer, bot_server: BotServer):
    bots = [await add_bot(shop, kind, bot_server.url) for kind in (Kind.N8N, Kind.DIFY)]

    await write(shop, "hi")

    assert sorted(await answers(shop, 2)) == sorted((bot, "Hello!") for bot in bots)


async def test_a_disabled_bot_falls_silent_and_the_enabled_one_takes_over(
    shop: EvolutionServer, bot_server: BotServer
):
    old = await add_bot(shop, Kind.N8N, bot_server.url)
    await write(shop, "first")
    await answers(shop, 1)

    new = await add_bot(shop, Kind.DIFY, bot_server.url, enabled=False)
    for kind, bot, enabled in ((Kind.N8N, old, False), (Kind.DIFY, new, True)):
        present = (await shop.client.get(f"/{kind}/fetch/{bot}/shop")).json()
        body = {name: value for name, value in present.items() if value is not None} | {"enabled": enabled}
        assert (await shop.client.put(f"/{kind}/update/{bot}/shop", json=body)).status_code == 200
    await write(shop, "second")

    assert await answers(shop, 2) == [(old, "Hello!"), (new, "Hello!")]


@pytest.mark.parametrize(
    ("text", "answering"),
    [
        ("price", "equals"),
        ("what price?", "contains"),
        ("hello there", "startsWith"),
        ("so long, bye", "endsWith"),
        ("order 12345", "regex"),
        ("anything else", "fallback"),
    ],
)
async def test_keywords_choose_the_bot(
    shop: EvolutionServer, bot_server: BotServer, text: str, answering: str
):
    values = {
        "equals": "price",
        "contains": "price",
        "startsWith": "hello",
        "endsWith": "bye",
        "regex": r"\d{5}",
    }
    bots = {
        operator: await add_bot(
            shop,
            Kind.FLOWISE,
            f"{bot_server.url}/{operator}",
            triggerType="keyword",
            triggerOperator=operator,
            triggerValue=value,
        )
        for operator, value in values.items()
    }
    bots["fallback"] = await add_bot(
        shop, Kind.FLOWISE, bot_server.url, triggerType="advanced", triggerValue="exact:never"
    )
    settings = (await shop.client.get("/flowise/fetchSettings/shop")).json()
    wanted = {name: value for name, value in settings.items() if value is not None}
    wanted = {"keywordFinish": "", "delayMessage": 0, "unknownMessage": "", "debounceTime": 0, **wanted}
    wanted |= {"ignoreJids": [], "fallbackId": bots["fallback"]}
    assert (await shop.client.post("/flowise/settings/shop", json=wanted)).status_code == 200

    await write(shop, text)

    assert [bot for bot, _ in await answers(shop, 1)] == [bots[answering]]


async def test_all_comes_before_a_keyword(shop: EvolutionServer, bot_server: BotServer):
    keyword = {"triggerType": "keyword", "triggerOperator": "contains", "triggerValue": "price"}
    await add_bot(shop, Kind.N8N, f"{bot_server.url}/keyword", **keyword)
    everything = await add_bot(shop, Kind.N8N, bot_server.url)

    await write(shop, "what price?")

    assert [bot for bot, _ in await answers(shop, 1)] == [everything]


@pytest.mark.parametrize(
    ("expression", "answered"),
    [
        ("contains:price AND notcontains:list", True),
        ("exact:nothing OR startsWith:what", True),
        ("contains:price AND contains:list", False),
        ("price", False),
    ],
)
async def test_an_advanced_trigger_joins_conditions(
    shop: EvolutionServer,
    bot_server: BotServer,
    expression: str,
    answered: bool,  # noqa: FBT001
):
    asked = await add_bot(
        shop, Kind.N8N, f"{bot_server.url}/a", triggerType="advanced", triggerValue=expression
    )
    other = await add_bot(shop, Kind.DIFY, bot_server.url)

    await write(shop, "what price?")

    expected = {asked, other} if answered else {other}
    assert {bot for bot, _ in await answers(shop, len(expected))} == expected
    assert len(await calls(shop, len(expected))) == len(expected)


async def test_what_openai_is_told(shop: EvolutionServer, bot_server: BotServer):
    await add_bot(
        shop,
        Kind.OPENAI,
        bot_server.url,
        systemMessages=["You help."],
        userMessages=["Hi"],
        keywordFinish="#END",
    )
    await write(shop, "first")
    await answers(shop, 1)
    await write(shop, "second")
    await answers(shop, 2)

    last = bot_server.asked[-1]
    assert last.path == "/v1/chat/completions"
    assert last.headers["Authorization"] == "Bearer sk-main"
    assert last.body == {
        "model": "gpt-4o",
        "max_tokens": 100,
        "messages": [
            {"role": "system", "content": "You help."},
            {"role": "user", "content": "Hi"},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "second"},
        ],
    }


async def test_what_an_evolution_bot_is_told(shop: EvolutionServer, bot_server: BotServer):
    await add_bot(shop, Kind.EVOLUTION_BOT, bot_server.url)
    await write(shop, "hi", pushName="Ana")
    await answers(shop, 1)

    asked = bot_server.asked[0]
    assert (asked.path, asked.headers["Authorization"]) == ("/bot", "Bearer k")
    session_id = asked.body["inputs"].pop("sessionId")
    assert asked.body == {
        "inputs": {
            "remoteJid": JID,
            "pushName": "Ana",
            "fromMe": False,
            "instanceName": "shop",
            "serverUrl": shop.fake.base_url,
            "apiKey": "token-of-shop",
        },
        "query": "hi",
        "user": JID,
    }
    sessions = (await shop.client.get("/evolutionBot/fetchSessions/any/shop")).json()
    assert [session["id"] for session in sessions] == [session_id]


@pytest.mark.parametrize(
    ("bot_type", "path"),
    [
        ("chatBot", "/dify/chat-messages"),
        ("textGenerator", "/dify/completion-messages"),
        ("agent", "/dify/chat-messages"),
        ("workflow", "/dify/workflows/run"),
    ],
)
async def test_each_type_of_dify_has_its_own_address(
    shop: EvolutionServer, bot_server: BotServer, bot_type: str, path: str
):
    bot_id = await add_bot(shop, Kind.DIFY, bot_server.url, botType=bot_type)

    await write(shop, "hi")

    assert await answers(shop, 1) == [(bot_id, "Hello!")]
    assert bot_server.asked[0].path == path


async def test_dify_names_the_conversation(shop: EvolutionServer, bot_server: BotServer):
    await add_bot(shop, Kind.DIFY, bot_server.url)
    for count, text in enumerate(("first", "second"), start=1):
        await write(shop, text)
        await answers(shop, count)

    assert "conversation_id" not in bot_server.asked[0].body
    assert bot_server.asked[1].body["conversation_id"] == "conversation-1"


async def test_typebot_is_started_and_then_continued(shop: EvolutionServer, bot_server: BotServer):
    await add_bot(shop, Kind.TYPEBOT, bot_server.url)
    for count, text in enumerate(("first", "second"), start=1):
        await write(shop, text)
        await answers(shop, count)

    assert [asked.path for asked in bot_server.asked] == [
        "/api/v1/typebots/hello/startChat",
        "/api/v1/sessions/typebot-1/continueChat",
    ]
    assert bot_server.asked[1].body == {"message": "second"}


async def test_a_burst_of_messages_is_asked_at_once(shop: EvolutionServer, bot_server: BotServer):
    await add_bot(shop, Kind.N8N, bot_server.url, debounceTime=5)

    for text in ("I", "want", "pizza"):
        await write(shop, text)

    await answers(shop, 1)
    assert [asked.body["chatInput"] for asked in bot_server.asked] == ["I\nwant\npizza"]


async def test_a_bot_that_fails_says_nothing(shop: EvolutionServer, bot_server: BotServer):
    bot_server.status = 500
    bot_id = await add_bot(shop, Kind.N8N, bot_server.url)

    await write(shop, "hi")

    assert [(call["botId"], call["status"], call["sent"]) for call in await calls(shop, 1)] == [
        (bot_id, 500, 0)
    ]
    assert [message["key"]["fromMe"] for message in await messages(shop)] == [False]


@pytest.mark.parametrize("status", ["paused", "closed"])
async def test_a_conversation_can_be_stopped_for_one_contact(
    shop: EvolutionServer, bot_server: BotServer, status: str
):
    bot_id = await add_bot(shop, Kind.N8N, bot_server.url, keepOpen=True)
    await write(shop, "first")
    await answers(shop, 1)

    changed = await shop.client.post("/n8n/changeStatus/shop", json={"remoteJid": JID, "status": status})
    await write(shop, "second")
    await write(shop, "third", **{"from": "37120000008"})

    assert changed.status_code == 200
    assert await answers(shop, 2) == [(bot_id, "Hello!")] * 2
    assert [asked.body["chatInput"] for asked in bot_server.asked] == ["first", "third"]


async def test_an_ignored_contact_is_not_answered(shop: EvolutionServer, bot_server: BotServer):
    await add_bot(shop, Kind.N8N, bot_server.url)
    await shop.client.post("/n8n/ignoreJid/shop", json={"remoteJid": JID, "action": "add"})

    await write(shop, "first")
    await write(shop, "second", **{"from": "37120000008"})

    await answers(shop, 1)
    assert [asked.body["chatInput"] for asked in bot_server.asked] == ["second"]


async def test_long_answers_are_split_where_the_bot_says_so(shop: EvolutionServer, bot_server: BotServer):
    bot_server.answer = "one\n\ntwo"
    bot_id = await add_bot(shop, Kind.N8N, bot_server.url, splitMessages=True)

    await write(shop, "hi")

    assert await answers(shop, 2) == [(bot_id, "one"), (bot_id, "two")]


async def test_the_open_channel_feeds_bots_too(shop: EvolutionServer, bot_server: BotServer):
    bot_id = await add_bot(shop, Kind.N8N, bot_server.url)
    inbound = {
        "numberId": "37120000001",
        "key": {"remoteJid": CONTACT, "fromMe": False, "id": "A1"},
        "pushName": "Ana",
        "message": {"conversation": "hi"},
        "messageType": "conversation",
    }

    assert (await shop.client.post("/webhook/evolution", json=inbound)).json() == {"status": "success"}

    assert await answers(shop, 1) == [(bot_id, "Hello!")]


async def test_models_are_asked_of_openai(shop: EvolutionServer, bot_server: BotServer):
    await add_bot(shop, Kind.OPENAI, bot_server.url)

    assert (await shop.client.get("/openai/getModels/shop")).json() == [{"id": "gpt-4o"}]
