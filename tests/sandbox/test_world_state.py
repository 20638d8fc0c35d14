"""A sandbox that goes on where another stopped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from controller.sandbox.world import BUSINESS_ACCOUNT, EVOLUTION_KEY, META_TOKEN, World, start_world
from controller.sandbox.world_state import load_world, save_world


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    world = await start_world()
    yield world
    await world.stop()


async def test_what_meta_holds_is_kept(tmp_path: Path) -> None:
    registered = {"id": BUSINESS_ACCOUNT, "token": META_TOKEN, "numbers": {"100": "+37120000001"}}
    template = {"account": BUSINESS_ACCOUNT, "name": "menu", "language": "lv"}
    async with running() as world, httpx.AsyncClient(base_url=f"{world.graph_url}/_sandbox") as http:
        (await http.post("accounts", json=registered)).raise_for_status()
        (await http.post("numbers/100/profile", json={"about": "Open"})).raise_for_status()
        gone = (await http.post("templates", json={**template, "name": "gone"})).raise_for_status().json()
        (await http.post("templates", json=template)).raise_for_status()
        (await http.delete(f"templates/{gone['id']}")).raise_for_status()
        before = world.graph.snapshot()
        save_world(world, tmp_path)

    async with running() as world:
        load_world(world, tmp_path)
        assert world.graph.snapshot() == before
        assert before["blocked_names"]


async def test_an_instance_comes_back_with_its_bots(tmp_path: Path) -> None:
    async with (
        running() as before,
        httpx.AsyncClient(headers={"apikey": EVOLUTION_KEY}, base_url=before.evolution_url) as client,
    ):
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

    async with running() as after:
        load_world(after, tmp_path)
        async with httpx.AsyncClient(
            headers={"apikey": EVOLUTION_KEY}, base_url=after.evolution_url
        ) as client:
            assert [(await client.get(f"/{path}")).json() for path in paths] == held
