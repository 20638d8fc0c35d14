"""What the bots of the fake Evolution are told of a message, and where."""

import pytest

from controller.sandbox.fakes.evolution import Kind

from .bot_server import BotServer
from .chatting import JID, add_bot, answers, write
from .conftest import EvolutionServer


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
