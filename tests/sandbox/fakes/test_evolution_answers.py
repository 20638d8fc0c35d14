"""Bots of the fake Evolution that answer: which one is asked, and where its answer goes."""

import pytest

from controller.sandbox.fakes.evolution import Kind

from .bot_server import BotServer
from .chatting import CONTACT, JID, add_bot, answers, calls, messages, write
from .conftest import EvolutionServer
from .receiver import Receiver


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


async def switch(server: EvolutionServer, kind: str, bot_id: str, *, enabled: bool) -> None:
    present = (await server.client.get(f"/{kind}/fetch/{bot_id}/shop")).json()
    body = {name: value for name, value in present.items() if value is not None} | {"enabled": enabled}
    assert (await server.client.put(f"/{kind}/update/{bot_id}/shop", json=body)).status_code == 200


@pytest.mark.parametrize(("sticky", "second_answer"), [(False, "new"), (True, "old")])
async def test_who_answers_a_contact_after_a_change_of_kind(
    shop: EvolutionServer,
    bot_server: BotServer,
    sticky: bool,  # noqa: FBT001
    second_answer: str,
):
    await shop.control("server", {"stickySessions": sticky})
    bots = {"old": await add_bot(shop, Kind.N8N, bot_server.url)}
    await write(shop, "first")
    await answers(shop, 1)

    bots["new"] = await add_bot(shop, Kind.DIFY, bot_server.url, enabled=False)
    await switch(shop, Kind.N8N, bots["old"], enabled=False)
    await switch(shop, Kind.DIFY, bots["new"], enabled=True)
    await write(shop, "second")

    assert [bot for bot, _ in await answers(shop, 2)] == [bots["old"], bots[second_answer]]


async def test_a_sticky_conversation_ends_with_its_bot(shop: EvolutionServer, bot_server: BotServer):
    await shop.control("server", {"stickySessions": True})
    old = await add_bot(shop, Kind.N8N, bot_server.url)
    await write(shop, "first")
    await answers(shop, 1)

    await shop.client.delete(f"/n8n/delete/{old}/shop")
    new = await add_bot(shop, Kind.DIFY, bot_server.url)
    await write(shop, "second")

    assert [bot for bot, _ in await answers(shop, 2)] == [old, new]


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
