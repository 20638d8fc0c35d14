"""Many businesses on one server, each with its own AI: every message is answered once, by its own, told its own."""

import asyncio
from collections import Counter

import pytest

from controller.api.ai_routes import MessageRoute
from controller.reconcile.ai.context import context_hash
from controller.sandbox.fakes.ai import Asked, Via

from .conftest import StartWorld
from .routes import BOTS, ROUTES, Route, give_key, passing_time, routed, until_asked
from .world import World

MESSAGES = 10
WITH_TEXT = {Via.TYPEBOT: MESSAGES - 1}  # a flow's first message only starts it
ANSWERING = [*BOTS, ROUTES[MessageRoute.WEBHOOK]]


def name_of(number: int) -> str:
    return f"shop{number:03d}"


def route_of(number: int) -> Route:
    return ANSWERING[number % len(ANSWERING)]


@pytest.mark.parametrize("tenants", [48, pytest.param(300, marks=pytest.mark.scale)])
async def test_no_message_reaches_another_business(start_world: StartWorld, tenants: int) -> None:
    async with start_world() as world, passing_time(world):
        for number in range(tenants):
            await give_key(world, name_of(number))
        bodies = [
            routed(world, route_of(n), name_of(n), context=f"Only {name_of(n)} sells this.")
            for n in range(tenants)
        ]
        operator = await world.ready(*bodies)
        assert all([await world.is_ready(name_of(n)) for n in range(tenants)])
        instances = {n: (await world.status(name_of(n)))["instance"]["name"] for n in range(tenants)}
        versions = {n: (await world.status(name_of(n)))["routing"].get("contextHash") for n in range(tenants)}
        for message in range(MESSAGES):
            # A contact writes its next message when it has read the answer.
            await asyncio.gather(*(write(world, instances[n], n, message) for n in range(tenants)))
            await until_asked(world, tenants * (message + 1))
        for number in range(tenants):
            asked = [one for one in world.ai.asked if is_of(one, number)]
            assert len(asked) == MESSAGES, (name_of(number), Counter(one.via for one in asked))
            assert all(was_told_of(one, number, versions[number]) for one in asked)
            texts = Counter(one.text for one in asked if one.text)
            assert set(texts.values()) == {1}
            assert set(texts) <= {text_of(number, message) for message in range(MESSAGES)}
            assert len(texts) == WITH_TEXT.get(asked[0].via, MESSAGES)
        assert len(world.ai.asked) == tenants * MESSAGES
        await operator.until_quiet()


def text_of(number: int, message: int) -> str:
    return f"question {message} of a customer of {name_of(number)}"


async def write(world: World, instance: str, number: int, message: int) -> None:
    sender = f"3712{number:07d}"
    url = f"{world.evolution.base_url}/_sandbox/instances/{instance}/inbound"
    answer = await world.http.post(url, json={"from": sender, "text": text_of(number, message)})
    assert answer.is_success


def is_of(asked: Asked, number: int) -> bool:
    """Whose question it was, by what only this business has: its key, or its flow."""
    if asked.via in {Via.TYPEBOT, Via.N8N}:
        return asked.app == f"{name_of(number)}-ai"
    return f"sk-of-{name_of(number)}-never" in asked.credential


def was_told_of(asked: Asked, number: int, version: str | None) -> bool:
    tenant = f"tenants/{name_of(number)}"
    match asked.via:
        case Via.OPENAI:
            mine = f"Only {name_of(number)} sells this." in asked.prompt
            return mine and context_hash(asked.prompt) == version
        case Via.DIFY | Via.TYPEBOT:
            return asked.instance.startswith(f"{name_of(number)}-")
        case _:
            business = name_of(number)
            return (asked.tenant, asked.business, asked.version) == (tenant, business, version)
