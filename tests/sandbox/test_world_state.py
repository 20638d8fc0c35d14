"""A sandbox that goes on where another stopped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from controller.sandbox.world import BUSINESS_ACCOUNT, META_TOKEN, World, start_world
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
