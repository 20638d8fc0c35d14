"""The work queue: which key is worked on next, and when.

One entry per key. A key that is added while a worker has it is handed out once more afterwards, so that no
change is missed and no two workers meet on one key. An entry waits until its ready time, then stands in
line by priority and, within a priority, by arrival.

Not thread-safe: everything is called from the event loop that runs the workers.
"""

import asyncio
import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Generic, Protocol, TypeVar

from controller.clock import Clock, SystemClock

K = TypeVar("K", bound=Hashable)

BACKOFF_BASE: Final = 1.0
BACKOFF_CAP: Final = 300.0
_COMPACT_FROM: Final = 64


class Priority(IntEnum):
    """Who goes first; lower values before higher ones.

    Strict: start-up keys wait while edits or resyncs are ready. Nothing starves, because a key stands in line
    only once and resyncs are few a second.
    """

    FRESH = 0
    RESYNC = 1
    STARTUP = 2


class QueueClosed(Exception):  # noqa: N818 - the expected end of every worker, not an error
    """The queue was shut down; there is no more work."""


class QueueObserver(Protocol):
    """Told about what happens in a queue; durations in seconds."""

    def added(self, priority: Priority) -> None:
        """A key was added that was not waiting yet."""
        ...

    def started(self, priority: Priority, waited: float) -> None:
        """A worker took a key `waited` after it became ready."""
        ...

    def finished(self, ran: float) -> None:
        """A worker gave a key back."""
        ...

    def retried(self, delay: float) -> None:
        """A key failed and comes back after `delay`."""
        ...


@dataclass(frozen=True, slots=True)
class Depth:
    """Keys in a queue: ready to be worked on, waiting for their time, and in the hands of workers."""

    ready: int
    delayed: int
    running: int


@dataclass(frozen=True, slots=True)
class Fairness(Generic[K]):
    """How workers are divided among lanes (a lane is an account or a server that a key waits for).

    A lane has a right to `share` workers. Beyond its share it borrows, but only when no lane below its
    share has anything ready, and only while more than `reserve` of all `workers` are idle. So a burst of
    one account uses most of the fleet when nobody else needs it, and a newcomer still finds a free worker
    at once: a running handler cannot be interrupted, so the room must be left beforehand. Keys without a
    lane wait for nobody outside and are never held back.

    Shares may add up to more than `workers`: they bound one lane, they do not partition the fleet.
    `lane_of` is asked when a key's turn comes, not when it is added; it must be quick and must not raise.
    """

    lane_of: Callable[[K], str | None]
    workers: int
    share: int
    reserve: int

    def __post_init__(self) -> None:
        if not 1 <= self.share <= self.workers:
            message = f"A lane's share of workers must be between 1 and {self.workers}, not {self.share}."
            raise ValueError(message)
        if not 0 <= self.reserve < self.workers:
            message = f"The reserve must be between 0 and {self.workers - 1}, not {self.reserve}."
            raise ValueError(message)


@dataclass(frozen=True, slots=True, eq=False)
class _Entry(Generic[K]):
    """A key's place in the queue. Every move makes a new entry; only a key's newest entry counts."""

    key: K
    ready_at: float
    priority: Priority
    arrival: int
    is_ready: bool


@dataclass(frozen=True, slots=True)
class _Run:
    since: float
    priority: Priority
    lane: str | None


class WorkQueue(Generic[K]):
    """Keys to work on. `get` a key, work on it, say `done`; every operation is O(log n) amortised.

    `random_unit` gives numbers in [0, 1) for the jitter of retries.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        random_unit: Callable[[], float] = random.random,
        fairness: Fairness[K] | None = None,
        observer: QueueObserver | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._random_unit = random_unit
        self._fairness = fairness
        self._observer = observer
        self._arrivals = itertools.count()
        self._failures: dict[K, int] = {}
        self._closed = False

        self._entries: dict[K, _Entry[K]] = {}  # waiting keys: delayed or ready
        self._ready_count = 0
        self._running: dict[K, _Run] = {}
        self._again: dict[K, _Entry[K]] = {}  # keys added while running

        self._delayed = _EntryHeap[K](self._is_current)
        self._ready = _EntryHeap[K](self._is_current)
        # Ready keys of lanes that have used up their share: by lane, to go on when one of its workers is
        # done, and all of them in one line, to borrow idle workers.
        self._parked: dict[str, _EntryHeap[K]] = {}
        self._borrowers = _EntryHeap[K](self._is_current)
        self._lane_running: Counter[str] = Counter()

        self._getters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.Task[None] | None = None
        self._timer_due = 0.0

    def add(self, key: K, *, delay: float = 0.0, priority: Priority = Priority.FRESH) -> None:
        """Have `key` worked on in `delay` seconds or sooner.

        Added again, the earliest time and the highest priority win. Ignored after `shutdown`.
        """
        if self._closed:
            return
        ready_at = self._clock.monotonic() + max(0.0, delay)
        if key in self._running:
            self._add_while_running(key, ready_at, priority)
            return
        current = self._entries.get(key)
        if current is None:
            self._observe_added(priority)
            self._place(key, ready_at, priority, next(self._arrivals))
        else:
            ready_at, priority = min(ready_at, current.ready_at), min(priority, current.priority)
            if (ready_at, priority) == (current.ready_at, current.priority):
                return
            # Whoever stood in line before keeps the place that arrival gives.
            self._place(
                key, ready_at, priority, current.arrival if current.is_ready else next(self._arrivals)
            )
        self._wake_getter()
        self._arm_timer()

    def add_after_failure(self, key: K, *, at_least: float | None = None) -> float:
        """Have `key` worked on again after its back-off; returns the delay in seconds.

        The back-off doubles with every failure since the last `forget`, from 1 s to 5 minutes, less up to
        half of it so that keys that failed together do not come back together. `at_least` is a wait that the
        other side asked for; it is kept, and stretched by up to a tenth for the same reason. A running key
        keeps the priority it was taken with.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # The exponent is bounded: 2.0 ** 1024 overflows after some days of failures.
        backoff = min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** min(failures, 32))
        delay = backoff * (1.0 - self._random_unit() / 2.0)
        if at_least is not None:
            delay = max(delay, at_least * (1.0 + self._random_unit() / 10.0))
        run = self._running.get(key)
        self.add(key, delay=delay, priority=run.priority if run else Priority.RESYNC)
        if self._observer:
            self._observer.retried(delay)
        return delay

    def forget(self, key: K) -> None:
        """The key succeeded or is gone: its next failure starts with the shortest back-off."""
        self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        """How often `key` failed since it was last forgotten."""
        return self._failures.get(key, 0)

    async def get(self) -> K:
        """Wait for the next key; the caller has it alone until it says `done`. Raises QueueClosed."""
        while True:
            if self._closed:
                raise QueueClosed
            entry = self._take()
            if entry is not None:
                self._wake_getter()  # one wake-up may stand for several keys
                return entry.key
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled():
                    self._wake_getter()  # the wake-up meant for this worker must not be lost
                elif getter in self._getters:
                    self._getters.remove(getter)
                raise

    def done(self, key: K) -> None:
        """Give a key back. Raises KeyError for a key that was not taken."""
        run = self._running.pop(key)
        if run.lane is not None:
            self._leave_lane(run.lane)
        again = self._again.pop(key, None)
        if again is not None and not self._closed:
            self._place(key, again.ready_at, again.priority, next(self._arrivals))
            self._arm_timer()
        if self._observer:
            self._observer.finished(self._clock.monotonic() - run.since)
        self._wake_getter()

    def shutdown(self) -> None:
        """Hand out nothing more. Workers that wait get QueueClosed; keys in their hands may still be done."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._getters:
            self._wake_getter()

    def depth(self) -> Depth:
        return Depth(
            ready=self._ready_count,
            delayed=len(self._entries) - self._ready_count + len(self._again),
            running=len(self._running),
        )

    def longest_running(self) -> float:
        """Seconds since the oldest key in the hands of a worker was taken; 0 when there is none."""
        now = self._clock.monotonic()
        return max((now - run.since for run in self._running.values()), default=0.0)

    def __len__(self) -> int:
        """Keys that wait, ready or not; without those in the hands of workers."""
        return len(self._entries)

    def _add_while_running(self, key: K, ready_at: float, priority: Priority) -> None:
        again = self._again.get(key)
        if again is None:
            self._observe_added(priority)
        else:
            ready_at, priority = min(ready_at, again.ready_at), min(priority, again.priority)
        self._again[key] = _Entry(key, ready_at, priority, 0, is_ready=False)

    def _observe_added(self, priority: Priority) -> None:
        if self._observer:
            self._observer.added(priority)

    def _is_current(self, entry: _Entry[K]) -> bool:
        return self._entries.get(entry.key) is entry

    def _place(self, key: K, ready_at: float, priority: Priority, arrival: int) -> None:
        """Make this the key's entry, in line or waiting for its time."""
        previous = self._entries.get(key)
        is_ready = ready_at <= self._clock.monotonic()
        entry = _Entry(key, ready_at, priority, arrival, is_ready)
        self._entries[key] = entry
        self._ready_count += is_ready - (previous is not None and previous.is_ready)
        if is_ready:
            self._ready.push((priority, arrival), entry)
        else:
            self._delayed.push((ready_at, arrival), entry)

    def _promote_due(self) -> None:
        now = self._clock.monotonic()
        while (entry := self._delayed.peek()) is not None and entry.ready_at <= now:
            self._delayed.pop()
            self._place(entry.key, entry.ready_at, entry.priority, next(self._arrivals))

    def _take(self) -> _Entry[K] | None:
        self._promote_due()
        while (entry := self._ready.pop()) is not None:
            lane = self._fairness.lane_of(entry.key) if self._fairness else None
            if self._fairness and lane is not None and self._lane_running[lane] >= self._fairness.share:
                self._park(entry, lane)
                continue
            return self._start(entry, lane)
        if self._fairness and self._fairness.workers - len(self._running) > self._fairness.reserve:
            entry = self._borrowers.pop()
            if entry is not None:
                return self._start(entry, self._fairness.lane_of(entry.key))
        return None

    def _start(self, entry: _Entry[K], lane: str | None) -> _Entry[K]:
        now = self._clock.monotonic()
        del self._entries[entry.key]
        self._ready_count -= 1
        self._running[entry.key] = _Run(since=now, priority=entry.priority, lane=lane)
        if lane is not None:
            self._lane_running[lane] += 1
        if self._observer:
            self._observer.started(entry.priority, now - entry.ready_at)
        return entry

    def _park(self, entry: _Entry[K], lane: str) -> None:
        moved = _Entry(entry.key, entry.ready_at, entry.priority, entry.arrival, is_ready=True)
        self._entries[entry.key] = moved
        rank = (entry.priority, entry.arrival)
        self._parked.setdefault(lane, _EntryHeap(self._is_current)).push(rank, moved)
        self._borrowers.push(rank, moved)

    def _leave_lane(self, lane: str) -> None:
        """A worker of the lane is free: as many of its parked keys as now have room stand in line again."""
        self._lane_running[lane] -= 1
        if not self._lane_running[lane]:
            del self._lane_running[lane]
        parked = self._parked.get(lane)
        if parked is None or self._fairness is None:
            return
        for _ in range(self._fairness.share - self._lane_running[lane]):
            entry = parked.pop()
            if entry is None:
                del self._parked[lane]
                return
            self._place(entry.key, entry.ready_at, entry.priority, entry.arrival)

    def _wake_getter(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def _arm_timer(self) -> None:
        """See to it that somebody looks when the next delayed key becomes ready."""
        entry = self._delayed.peek()
        if entry is None or self._closed:
            return
        if self._timer is not None:
            if self._timer_due <= entry.ready_at:
                return
            self._timer.cancel()
        self._timer_due = entry.ready_at
        self._timer = asyncio.get_running_loop().create_task(self._wake_at(entry.ready_at))

    async def _wake_at(self, due: float) -> None:
        await self._clock.sleep(due - self._clock.monotonic())
        self._timer = None
        self._promote_due()
        self._wake_getter()
        self._arm_timer()


class _EntryHeap(Generic[K]):
    """A heap of entries that skips those that no longer count and never grows past twice those that do."""

    def __init__(self, is_current: Callable[[_Entry[K]], bool]) -> None:
        self._is_current = is_current
        self._heap: list[tuple[float, int, int, _Entry[K]]] = []
        self._pushes = itertools.count()
        self._compact_at = _COMPACT_FROM

    def push(self, rank: tuple[float, int], entry: _Entry[K]) -> None:
        # The push number keeps entries themselves from being compared.
        heapq.heappush(self._heap, (*rank, next(self._pushes), entry))
        if len(self._heap) > self._compact_at:
            self._heap = [item for item in self._heap if self._is_current(item[-1])]
            heapq.heapify(self._heap)
            self._compact_at = max(_COMPACT_FROM, 2 * len(self._heap))

    def peek(self) -> _Entry[K] | None:
        while self._heap and not self._is_current(self._heap[0][-1]):
            heapq.heappop(self._heap)
        return self._heap[0][-1] if self._heap else None

    def pop(self) -> _Entry[K] | None:
        entry = self.peek()
        if entry is not None:
            heapq.heappop(self._heap)
        return entry
