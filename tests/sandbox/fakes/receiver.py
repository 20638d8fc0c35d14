"""A webhook receiver that remembers what it was sent."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Receiver:
    status: int = 200
    received: list[Received] = field(default_factory=list)
    url: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait_for(self, event: str) -> Received:
        """Return the first delivery of an event, once it is there."""
        return await self._first(lambda item: item.body.get("event") == event)

    async def wait_for_data(self, name: str, value: object) -> Received:
        """Return the first delivery whose data has this value."""
        return await self._first(lambda item: (item.body.get("data") or {}).get(name) == value)

    def events(self) -> list[object]:
        return [item.body.get("event") for item in self.received]

    async def _first(self, wanted: Callable[[Received], bool]) -> Received:
        async with asyncio.timeout(5):
            while True:
                for item in self.received:
                    if wanted(item):
                        return item
                self._news.clear()
                await self._news.wait()

    async def _receive(self, request: web.Request) -> web.Response:
        self.received.append(Received(request.path, dict(request.headers), await request.json()))
        self._news.set()
        return web.Response(status=self.status)
