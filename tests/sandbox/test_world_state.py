"""A sandbox goes on where it stopped."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from controller.sandbox.world import EVOLUTION_KEY, World, start_world
from controller.sandbox.world_state import load_world, save_world


@pytest.fixture
async def worlds() -> AsyncIterator[tuple[World, World]]:
    one, other = await start_world(), await start_world()
    yield one, other
    await one.stop()
    await other.stop()


async def test_an_instance_comes_back_with_its_bots(worlds: tuple[World, World], tmp_path: Path):
    before, after = worlds
    async with httpx.AsyncClient(headers={"apikey": EVOLUTION_KEY}, base_url=before.evolution_url) as client:
        await client.post("/instance/create", json={"instanceName": "shop", "integration": "EVOLUTION"})
        body = {"name": "main", "apiKey": "sk"}
        credentials = (await client.post("/openai/creds/shop", json=body)).json()
        bot = {
            "enabled": True,
            "triggerType": "all",
            "openaiCredsId": credentials["id"],
            "botType": "chatCompletion",
            "model": "gpt-4o",
            "maxTokens": 10,
        }
        await client.post("/openai/create/shop", json=bot)
        paths = (
            "openai/find/shop",
            "openai/creds/shop",
            "openai/fetchSettings/shop",
            "instance/fetchInstances",
        )
        held = [(await client.get(f"/{path}")).json() for path in paths]

    save_world(before, tmp_path)
    load_world(after, tmp_path)

    async with httpx.AsyncClient(headers={"apikey": EVOLUTION_KEY}, base_url=after.evolution_url) as client:
        assert [(await client.get(f"/{path}")).json() for path in paths] == held
