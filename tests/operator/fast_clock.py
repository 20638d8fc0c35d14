"""A clock on which waiting takes a fraction of the time, and on which whole hours can be skipped."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

SPEED = 10.0


class FastClock:
    """Implements the operator's `Clock`.

    What is written down carries the machine's time, as the API server's own timestamps do; only waiting is
    `SPEED` times as fast. `advance` moves both.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._advanced = 0.0
        self._jump = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._advanced)

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * SPEED + self._advanced

    async def sleep(self, seconds: float) -> None:
        due = self.monotonic() + seconds
        await asyncio.sleep(0)
        while (left := due - self.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left / SPEED):
                    await self._jump.wait()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once; whoever waits for a moment that has come goes on."""
        self._advanced += seconds
        self._jump.set()
        self._jump = asyncio.Event()
