"""Long work shares the event loop with everything that is to be heard meanwhile: edits, heartbeats, probes."""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

TURN_SECONDS: Final = 0.005


class LoopTurns:
    """How long workers go on before the loop may look at what has come; with no `seconds` for one step at a time.

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
        if self._began is not None:
            return self._now() - self._began < self._seconds
        self._began = self._now()
        # What is called soon is called in the next turn, before the workers that gave way in this one.
        asyncio.get_running_loop().call_soon(self._end)
        return True

    def _end(self) -> None:
        self._began = None


_one_at_a_time: WeakKeyDictionary[asyncio.AbstractEventLoop, LoopTurns] = WeakKeyDictionary()


async def alone_in_this_turn() -> None:
    """Return in a turn of the running loop in which nobody else who asks for this goes on.

    Long answers that come together are each read in one step, tens of milliseconds of work; one after the other
    without a break they would keep everybody else waiting for a second.
    """
    turns = _one_at_a_time.setdefault(asyncio.get_running_loop(), LoopTurns(seconds=0))
    await turns.come()
