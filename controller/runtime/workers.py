"""Workers: a fixed number of tasks that take keys from a queue and handle them, whatever a handler does."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from controller.loop_turns import LoopTurns
from controller.runtime.queue import K, Priority, QueueClosed, WorkQueue

log = structlog.get_logger(__name__)

RESYNC_JITTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more to do until something changes."""


@dataclass(frozen=True, slots=True)
class After:
    """All is well so far; look again in `delay` seconds.

    `persistent`: the moment is promised in status, so it is kept exactly. Otherwise it is spread by the
    workers' jitter, so that keys that came together drift apart.
    """

    delay: float
    persistent: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not work; try again after the key's back-off, and not before `at_least` seconds."""

    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The handler has put the key back itself, or needs it no more; its failure count stays as it is."""


Requeue: TypeAlias = Done | After | Failed | Scheduled


async def run_workers(
    queue: WorkQueue[K],
    handle: Callable[[K], Awaitable[Requeue]],
    count: int,
    drain_seconds: float,
    *,
    jitter: float = RESYNC_JITTER,
    random_unit: Callable[[], float] = random.random,
) -> None:
    """Handle the queue's keys with `count` workers until the queue is shut down or this task is cancelled.

    Cancelled, it shuts the queue down, gives the handlers that are running `drain_seconds` to finish, and
    cancels the rest: every handler must survive that at any await. An exception of a handler is logged with
    its key and counts as a failure. `jitter` is the fraction by which a delay is spread to both sides.
    """
    turns = LoopTurns()
    workers = [
        asyncio.create_task(_work(queue, turns, handle, jitter, random_unit), name=f"worker-{number}")
        for number in range(count)
    ]
    try:
        ended, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        for worker in ended:
            # A worker ends when the queue is closed; anything else is a defect that must be seen.
            worker.result()
    finally:
        queue.shutdown()
        await _drain(workers, drain_seconds)


async def _drain(workers: list[asyncio.Task[None]], drain_seconds: float) -> None:
    try:
        _, late = await asyncio.wait(workers, timeout=drain_seconds)
    finally:
        for worker in workers:
            worker.cancel()
    if late:
        log.warning("Handlers did not finish in time and were cancelled.", count=len(late))
        await asyncio.wait(late)


async def _work(
    queue: WorkQueue[K],
    turns: LoopTurns,
    handle: Callable[[K], Awaitable[Requeue]],
    jitter: float,
    random_unit: Callable[[], float],
) -> None:
    while True:
        # Before a key is taken: what comes meanwhile may be more urgent.
        await turns.come()
        try:
            key = await queue.get()
        except QueueClosed:
            return
        try:
            _requeue(queue, key, await handle(key), jitter, random_unit)
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            # Something that the handler awaited was cancelled, not this worker.
            queue.add_after_failure(key)
            log.warning("Handling was interrupted; it will be tried again.", key=str(key))
        except Exception:
            delay = queue.add_after_failure(key)
            log.exception(
                "Handling failed unexpectedly; it will be tried again.",
                key=str(key),
                retry_in=round(delay, 1),
            )
        finally:
            queue.done(key)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _requeue(
    queue: WorkQueue[K], key: K, result: Requeue, jitter: float, random_unit: Callable[[], float]
) -> None:
    match result:
        case Done():
            queue.forget(key)
        case After(delay, persistent):
            queue.forget(key)
            spread = 1.0 if persistent else 1.0 + jitter * (2.0 * random_unit() - 1.0)
            queue.add(key, delay=delay * spread, priority=Priority.RESYNC)
        case Failed(at_least):
            queue.add_after_failure(key, at_least=at_least)
        case Scheduled():
            pass
