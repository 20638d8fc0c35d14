import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

import pytest
import structlog

from controller.runtime.queue import Priority, WorkQueue
from controller.runtime.workers import After, Done, Failed, Requeue, run_workers
from tests.runtime.manual_clock import ManualClock, settle


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> WorkQueue[str]:
    return WorkQueue(clock=clock, random_unit=lambda: 0.0)


class Team:
    """Workers that run for the length of a test."""

    def __init__(
        self, queue: WorkQueue[str], handle: Callable[[str], Awaitable[Requeue]], count: int = 2
    ) -> None:
        self.task = asyncio.create_task(
            run_workers(queue, handle, count, drain_seconds=0.05, random_unit=lambda: 1.0)
        )

    async def __aenter__(self) -> Self:
        await settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cancel()

    async def cancel(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


class Handler:
    """Answers with the results given, then Done; remembers what it handled."""

    def __init__(self, *results: Requeue | BaseException) -> None:
        self.results = list(results)
        self.handled: list[str] = []

    async def __call__(self, key: str) -> Requeue:
        self.handled.append(key)
        await asyncio.sleep(0)
        result = self.results.pop(0) if self.results else Done()
        if isinstance(result, BaseException):
            raise result
        return result


async def test_what_is_done_does_not_come_back(queue: WorkQueue[str], clock: ManualClock) -> None:
    handler = Handler()
    async with Team(queue, handler):
        queue.add("acme")
        await clock.advance(10_000)
    assert handler.handled == ["acme"]


@pytest.mark.parametrize(
    ("result", "too_soon", "time"),
    [
        (After(60, persistent=True), 59.9, 60),
        (After(60), 65.9, 66),  # the jitter is at its upper end here
        (Failed(), 0.9, 1),
        (Failed(at_least=60), 59.9, 60),
        (RuntimeError("no such column"), 0.9, 1),
        (asyncio.CancelledError(), 0.9, 1),
    ],
)
async def test_when_a_key_comes_back(
    queue: WorkQueue[str],
    clock: ManualClock,
    result: Requeue | BaseException,
    too_soon: float,
    time: float,
) -> None:
    handler = Handler(result)
    async with Team(queue, handler):
        queue.add("acme")
        await clock.advance(too_soon)
        assert handler.handled == ["acme"]
        await clock.advance(time - too_soon)
        assert handler.handled == ["acme", "acme"]


async def test_an_unexpected_exception_is_logged_with_its_key_and_stops_no_worker(
    queue: WorkQueue[str], clock: ManualClock
) -> None:
    handler = Handler(RuntimeError("first"), RuntimeError("second"))
    with structlog.testing.capture_logs() as logs:
        async with Team(queue, handler, count=1):
            queue.add("acme")
            queue.add("beta")
            queue.add("gamma")
            await settle()
    assert handler.handled == ["acme", "beta", "gamma"]
    assert [(entry["log_level"], entry["key"]) for entry in logs] == [("error", "acme"), ("error", "beta")]


async def test_success_ends_the_backoff(queue: WorkQueue[str], clock: ManualClock) -> None:
    handler = Handler(Failed(), Failed(), Done())
    async with Team(queue, handler):
        queue.add("acme")
        await clock.advance(1)
        assert queue.failures("acme") == 2
        await clock.advance(2)
        assert queue.failures("acme") == 0


async def test_an_edit_during_handling_is_not_delayed_by_the_result(queue: WorkQueue[str]) -> None:
    handled = 0

    async def handle(key: str) -> Requeue:
        nonlocal handled
        handled += 1
        if handled == 1:
            queue.add(key, priority=Priority.FRESH)
        return After(3600)

    async with Team(queue, handle):
        queue.add("acme")
        await settle()
        assert handled == 2


async def test_cancelled_workers_let_handlers_finish(queue: WorkQueue[str]) -> None:
    release, finished = asyncio.Event(), []

    async def handle(key: str) -> Requeue:
        await release.wait()
        finished.append(key)
        return Done()

    async with Team(queue, handle, count=1) as team:
        queue.add("running")
        queue.add("waiting")
        await settle()
        team.task.cancel()
        await settle()
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await team.task
    assert finished == ["running"]


async def test_handlers_that_do_not_finish_in_time_are_cancelled(queue: WorkQueue[str]) -> None:
    cancelled = []

    async def handle(key: str) -> Requeue:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(key)
            raise
        return Done()

    async with Team(queue, handle, count=1) as team:
        queue.add("stuck")
        await settle()
        await team.cancel()
    assert cancelled == ["stuck"]
    assert queue.depth().running == 0


async def test_workers_end_by_themselves_when_the_queue_is_shut_down(queue: WorkQueue[str]) -> None:
    async with Team(queue, Handler()) as team:
        queue.shutdown()
        await asyncio.wait_for(team.task, 1)
