"""Workers share the event loop with everything that is to be heard meanwhile: edits, heartbeats, probes."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

TURN_SECONDS: Final = 0.005


class LoopTurns:
    """How long workers go on before the loop may look at what has come.

    A pass over a tenant that is as wanted waits for nothing. One worker alone would go through ten thousand of them
    without a break, seconds in which no edit is seen and no Lease renewed.
    """

    def __init__(
        self, *, seconds: float = TURN_SECONDS, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self._seconds = seconds
        self._now = now
        self._began: float | None = None

    async def come(self) -> None:
        """Return at once while this turn of the loop is young, and else in a later one."""
        # Not an event: sixty workers that wait for one at every turn cost several times as much.
        while not self._is_young():  # noqa: ASYNC110
            await asyncio.sleep(0)

    def _is_young(self) -> bool:
        now = self._now()
        if self._began is None:
            self._began = now
            # What is called soon is called in the next turn, before the workers that gave way in this one.
            asyncio.get_running_loop().call_soon(self._end)
        return now - self._began < self._seconds

    def _end(self) -> None:
        self._began = None
