"""Workers that wait for nothing leave room for what comes meanwhile."""

import asyncio
import time

import pytest

from controller.loop_turns import TURN_SECONDS, LoopTurns, alone_in_this_turn
from controller.runtime.queue import Priority, WorkQueue
from controller.runtime.workers import Done, Requeue, run_workers


class Passes:
    """Time stands still but for the passes, each of which takes a second."""

    def __init__(self) -> None:
        self.now = 0
        self.turns = LoopTurns(seconds=5, now=lambda: self.now)
        self.done = 0

    async def work(self, passes: int) -> None:
        for _ in range(passes):
            await self.turns.come()
            self.now += 1
            self.done += 1


async def test_a_turn_of_the_loop_is_as_long_for_many_workers_as_for_one() -> None:
    passes = Passes()
    workers = [asyncio.create_task(passes.work(10)) for _ in range(10)]
    seen = []
    while not all(worker.done() for worker in workers):
        await asyncio.sleep(0)
        seen.append(passes.done)
    most = max(after - before for before, after in zip([0, *seen], seen, strict=False))
    assert (most, seen[-1]) == (5, 100)


async def test_work_that_waits_between_is_never_held_up() -> None:
    passes = Passes()
    for _ in range(20):
        working = passes.work(4)
        with pytest.raises(StopIteration):
            working.send(None)  # it ends without having waited for anything
        await asyncio.sleep(0)
    assert passes.done == 80


async def test_what_is_urgent_does_not_wait_for_the_end_of_a_wave() -> None:
    queue: WorkQueue[str] = WorkQueue()
    handled: list[str] = []
    all_handled = asyncio.Event()

    async def handle(key: str) -> Requeue:
        handled.append(key)
        until = time.perf_counter() + TURN_SECONDS / 10
        while time.perf_counter() < until:
            pass  # a pass over a tenant that is as wanted
        if len(handled) == 401:
            all_handled.set()
        return Done()

    for number in range(400):
        queue.add(f"old-{number}", priority=Priority.STARTUP)
    working = asyncio.create_task(run_workers(queue, handle, 4, drain_seconds=0.1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    queue.add("edited")
    await asyncio.wait_for(all_handled.wait(), 10)
    working.cancel()
    await asyncio.wait([working])
    assert handled.index("edited") < 100


async def test_long_answers_that_come_together_are_read_one_in_a_turn() -> None:
    read = 0

    async def answer() -> None:
        nonlocal read
        await alone_in_this_turn()
        read += 1

    answers = [asyncio.create_task(answer()) for _ in range(5)]
    seen = []
    while not all(task.done() for task in answers):
        await asyncio.sleep(0)
        seen.append(read)
    steps = [after - before for before, after in zip([0, *seen], seen, strict=False)]
    assert max(steps) == 1
    assert read == 5
