"""The queue against a plain model of it, under any order of calls."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.runtime.queue import Fairness, Priority, QueueClosed, WorkQueue
from tests.runtime.manual_clock import ManualClock, settle

KEYS = st.integers(0, 11)
DELAYS = st.sampled_from([0.0, 0.0, 0.5, 1.0, 3.0])
PRIORITIES = st.sampled_from(list(Priority))


def lane_of(key: int) -> str | None:
    return None if key % 4 == 3 else f"account-{key % 4}"


# Borrowing is easy with the first and next to impossible with the last.
POLICIES = st.sampled_from(
    [
        Fairness(lane_of=lane_of, workers=workers, share=share, reserve=reserve)
        for workers, share, reserve in ((6, 2, 2), (4, 1, 2), (4, 1, 3))
    ]
)


@dataclass
class Waiting:
    ready_at: float
    priority: Priority
    in_line_since: float | None


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.waiting: dict[int, Waiting] = {}
        self.again: dict[int, Waiting] = {}
        self.running: dict[int, Priority] = {}
        self.getters: list[asyncio.Task[None]] = []
        self.taken: list[int] = []

    @initialize(policy=POLICIES)
    def make_queue(self, policy: Fairness[int]) -> None:
        self.policy = policy
        self.queue: WorkQueue[int] = WorkQueue(clock=self.clock, random_unit=lambda: 0.0, fairness=policy)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    async def settle(self) -> None:
        await settle()
        while self.taken:
            self.check_taken(self.taken.pop(0))
        self.getters = [getter for getter in self.getters if not getter.done()]

    @rule(key=KEYS, delay=DELAYS, priority=PRIORITIES)
    def add(self, key: int, delay: float, priority: Priority) -> None:
        async def act() -> None:
            self.queue.add(key, delay=delay, priority=priority)
            self.model_add(key, delay, priority)
            await self.settle()

        self.run(act())

    @precondition(lambda self: len(self.running) + len(self.getters) < self.policy.workers)
    @rule()
    def ask_for_a_key(self) -> None:
        async def get() -> None:
            try:
                self.taken.append(await self.queue.get())
            except QueueClosed:
                return

        async def act() -> None:
            self.getters.append(asyncio.create_task(get()))
            await self.settle()

        self.run(act())

    @precondition(lambda self: self.getters)
    @rule(data=st.data())
    def cancel_a_waiting_worker(self, data: st.DataObject) -> None:
        async def act() -> None:
            getter = data.draw(st.sampled_from(self.getters))
            getter.cancel()
            await self.settle()

        self.run(act())

    @precondition(lambda self: self.running)
    @rule(data=st.data(), fail=st.booleans())
    def finish(self, data: st.DataObject, *, fail: bool) -> None:
        async def act() -> None:
            key = data.draw(st.sampled_from(sorted(self.running)))
            if fail:
                delay = self.queue.add_after_failure(key)
                assert 1.0 <= delay <= 300.0
                self.model_add(key, delay, self.running[key])
            else:
                self.queue.forget(key)
            self.queue.done(key)
            del self.running[key]
            if key in self.again:
                entry = self.again.pop(key)
                entry.in_line_since = self.now if entry.ready_at <= self.now else None
                self.waiting[key] = entry
            await self.settle()

        self.run(act())

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 400.0]))
    def let_time_pass(self, seconds: float) -> None:
        async def act() -> None:
            until = self.now + seconds
            while (wait := self.clock.next_wake) is not None and self.now + wait <= until:
                await self.step(wait)
            await self.step(until - self.now)

        self.run(act())

    @invariant()
    def no_worker_waits_while_it_could_work(self) -> None:
        assert not (self.getters and self.takeable())

    @invariant()
    def depth_is_what_was_added_and_not_taken(self) -> None:
        depth = self.queue.depth()
        ready = sum(entry.in_line_since is not None for entry in self.waiting.values())
        assert (depth.ready, depth.running) == (ready, len(self.running))
        assert depth.delayed == len(self.waiting) - ready + len(self.again)

    def teardown(self) -> None:
        """Everything that was added is handed out in the end."""

        async def finish_all() -> None:
            while self.waiting or self.again or self.running:
                for key in list(self.running):
                    self.queue.done(key)
                    del self.running[key]
                    if key in self.again:
                        self.waiting[key] = self.again.pop(key)
                await self.clock.advance(400)
                self.taken.clear()
                for key in [*self.waiting]:
                    del self.waiting[key]
                while self.queue.depth().ready:
                    getting = asyncio.create_task(self.queue.get())
                    await settle()
                    self.queue.done(getting.result())
            assert self.queue.depth().delayed == 0
            self.queue.shutdown()
            await settle()

        for getter in self.getters:
            getter.cancel()
        self.run(finish_all())
        self.loop.close()

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    async def step(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        for entry in self.waiting.values():
            if entry.in_line_since is None and entry.ready_at <= self.now:
                entry.in_line_since = entry.ready_at
        await self.settle()

    def model_add(self, key: int, delay: float, priority: Priority) -> None:
        entries = self.again if key in self.running else self.waiting
        new = Waiting(self.now + delay, priority, None)
        entry = entries.setdefault(key, new)
        entry.ready_at = min(entry.ready_at, new.ready_at)
        entry.priority = min(entry.priority, priority)
        if entry.ready_at <= self.now and entry.in_line_since is None:
            entry.in_line_since = self.now

    def takeable(self) -> dict[int, Waiting]:
        """Ready keys that the policy allows a worker to take now."""
        ready = {key: entry for key, entry in self.waiting.items() if entry.in_line_since is not None}
        lanes = Counter(lane_of(key) for key in self.running)
        within = {
            key: entry
            for key, entry in ready.items()
            if lane_of(key) is None or lanes[lane_of(key)] < self.policy.share
        }
        if within:
            return within
        return ready if self.policy.workers - len(self.running) > self.policy.reserve else {}

    def check_taken(self, key: int) -> None:
        allowed = self.takeable()
        assert key not in self.running
        assert key in allowed
        entry = self.waiting.pop(key)
        assert entry.in_line_since is not None
        for other in allowed.values():
            assert other.in_line_since is not None
            assert (entry.priority, entry.in_line_since) <= (other.priority, other.in_line_since)
        self.running[key] = entry.priority


TestQueueInvariants = QueueMachine.TestCase
TestQueueInvariants.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
