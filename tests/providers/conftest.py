"""Clocks that tests move by hand, and servers on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web

from controller.api.conditions import Reason
from controller.providers.circuit import CircuitPolicy
from controller.providers.clock import Clock
from controller.providers.limits import Limiter, Limits


@dataclass
class ManualTime:
    """Time that passes only when somebody sleeps or says so."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    @property
    def clock(self) -> Clock:
        """With a coin that always shows the middle: pauses are not shortened or lengthened."""
        return Clock(monotonic=lambda: self.now, sleep=self.sleep, random=lambda: 0.5)


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


class Sandbox:
    """A fake server as people see it: ordered faults, changes behind our back, and what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(base_url=url, trust_env=False)

    async def order(self, match: str, action: str, **more: Any) -> None:
        """Order a fault."""
        rule = {"match": match, "action": action, **more}
        (await self.http.post("/_sandbox/faults", json=[rule])).raise_for_status()

    async def tell(self, path: str, body: object) -> None:
        (await self.http.post(f"/_sandbox/{path}", json=body)).raise_for_status()

    async def remove(self, path: str) -> None:
        (await self.http.delete(f"/_sandbox/{path}")).raise_for_status()

    async def state(self) -> Any:
        return (await self.http.get("/_sandbox/state")).json()

    async def requests(self, method: str, part: str) -> int:
        """How many requests of this method had `part` in their path."""
        asked = (await self.http.get("/_sandbox/requests?detail=1")).json()
        return sum(request["method"] == method and part in request["path"] for request in asked)


async def eventually(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the fakes do in the background; they take fractions of a second."""
    for _ in range(500):
        if await happened():
            return
        await asyncio.sleep(0.01)
    pytest.fail("It did not happen within five seconds.")


def generous_limiter(clock: Clock | None = None) -> Limiter:
    """One that never stands in the way of a test about something else."""
    limits = Limits(requests_per_second=10_000, concurrent=100, circuit=CircuitPolicy(failures=10_000))
    return Limiter("The server", limits, unavailable=Reason.SERVER_UNAVAILABLE, clock=clock)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve every path by one handler; the base URL comes back."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()
