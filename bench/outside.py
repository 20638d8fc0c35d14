"""The fakes as the benchmark commands them, over HTTP."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses of the fakes, and the session that commands them; `pid` is of the one process they run in."""

    pid: int
    twilio: str
    evolution: Sequence[str]
    session: aiohttp.ClientSession

    @property
    def all(self) -> Sequence[str]:
        return (self.twilio, *self.evolution)

    async def control(self, url: str, method: str, path: str, body: object = None) -> Any:
        async with self.session.request(method, f"{url}/_sandbox/{path}", json=body) as answer:
            assert answer.ok, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else None

    async def requests(self) -> Counter[str]:
        """Requests since `forget_requests`, by method and path."""
        counted: Counter[str] = Counter()
        for url in self.all:
            counted.update(await self.control(url, "GET", "requests"))
        return counted

    async def forget_requests(self) -> None:
        for url in self.all:
            await self.control(url, "DELETE", "requests")

    async def details(self, url: str) -> list[dict[str, Any]]:
        """The newest requests in order; times are of the monotonic clock, which processes share."""
        found: list[dict[str, Any]] = await self.control(url, "GET", "requests?detail=1")
        return found


@asynccontextmanager
async def outside_world(servers: int, latency: float) -> AsyncIterator[Outside]:
    """The fakes in one process of their own, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.fakes", str(servers), str(latency)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as session:
            yield Outside(process.pid, said["twilio"], said["evolution"], session)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
