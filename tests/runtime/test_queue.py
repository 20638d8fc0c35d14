import asyncio

import pytest

from controller.runtime.queue import Depth, Fairness, Priority, QueueClosed, WorkQueue
from tests.runtime.manual_clock import ManualClock, settle


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> WorkQueue[str]:
    return WorkQueue(clock=clock, random_unit=lambda: 0.0)


async def get_all_ready(queue: WorkQueue[str]) -> list[str]:
    """Take and finish keys until none is ready."""
    keys: list[str] = []
    while (key := await get_ready(queue)) is not None:
        keys.append(key)
        queue.done(key)
    return keys


async def get_ready(queue: WorkQueue[str]) -> str | None:
    getting = asyncio.ensure_future(queue.get())
    await settle()
    if getting.done():
        return getting.result()
    getting.cancel()
    return None


async def test_a_key_added_many_times_is_handed_out_once(queue: WorkQueue[str]) -> None:
    for _ in range(5):
        queue.add("acme")
    assert await get_all_ready(queue) == ["acme"]


async def test_a_key_added_while_running_is_handed_out_once_more_after_it_is_done(
    queue: WorkQueue[str],
) -> None:
    queue.add("acme")
    assert await queue.get() == "acme"
    queue.add("acme")
    queue.add("acme")
    assert await get_ready(queue) is None
    queue.done("acme")
    assert await get_all_ready(queue) == ["acme"]


async def test_fresh_edits_go_before_resyncs_and_those_before_the_startup_list(queue: WorkQueue[str]) -> None:
    queue.add("startup-1", priority=Priority.STARTUP)
    queue.add("startup-2", priority=Priority.STARTUP)
    queue.add("resync", priority=Priority.RESYNC)
    queue.add("edit-1")
    queue.add("edit-2")
    assert await get_all_ready(queue) == ["edit-1", "edit-2", "resync", "startup-1", "startup-2"]


async def test_an_edit_lifts_a_waiting_key_to_the_front(queue: WorkQueue[str]) -> None:
    for name in ("a", "b", "c"):
        queue.add(name, priority=Priority.STARTUP)
    queue.add("c")
    assert await get_all_ready(queue) == ["c", "a", "b"]


async def test_the_earliest_ready_time_wins(queue: WorkQueue[str], clock: ManualClock) -> None:
    queue.add("acme", delay=60)
    queue.add("acme", delay=10)
    queue.add("acme", delay=30)
    await clock.advance(9.9)
    assert await get_all_ready(queue) == []
    await clock.advance(0.1)
    assert await get_all_ready(queue) == ["acme"]
    await clock.advance(100)
    assert await get_all_ready(queue) == []


async def test_a_waiting_worker_gets_a_key_when_its_time_comes(
    queue: WorkQueue[str], clock: ManualClock
) -> None:
    getting = asyncio.ensure_future(queue.get())
    queue.add("late", delay=20)
    queue.add("soon", delay=5)
    await clock.advance(5)
    assert getting.result() == "soon"


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 1), (2, 2), (3, 4), (6, 32), (9, 256), (10, 300), (5000, 300)]
)
async def test_backoff_doubles_up_to_five_minutes(clock: ManualClock, failures: int, longest: float) -> None:
    for unit, expected in ((0.0, longest), (0.999_999, longest / 2)):
        queue: WorkQueue[str] = WorkQueue(clock=clock, random_unit=iter([unit] * failures).__next__)
        delays = [queue.add_after_failure("acme") for _ in range(failures)]
        assert delays[-1] == pytest.approx(expected, rel=1e-3)
        queue.shutdown()


async def test_a_success_resets_the_backoff(queue: WorkQueue[str]) -> None:
    for _ in range(8):
        queue.add_after_failure("acme")
    queue.forget("acme")
    assert queue.add_after_failure("acme") == 1.0


async def test_a_wait_that_the_other_side_asked_for_is_kept(clock: ManualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock, random_unit=lambda: 0.5)
    assert 600 <= queue.add_after_failure("acme", at_least=600) <= 660


async def test_a_failed_key_keeps_its_priority(queue: WorkQueue[str], clock: ManualClock) -> None:
    queue.add("startup", priority=Priority.STARTUP)
    await queue.get()
    queue.add_after_failure("startup")
    queue.done("startup")
    queue.add("resync", delay=1, priority=Priority.RESYNC)
    await clock.advance(1)
    assert await get_all_ready(queue) == ["resync", "startup"]


def by_account(key: str) -> str | None:
    account, _, _ = key.partition("/")
    return account or None


def with_lanes(clock: ManualClock) -> WorkQueue[str]:
    """Eight workers, three to a lane, two kept free of borrowers."""
    fairness = Fairness(lane_of=by_account, workers=8, share=3, reserve=2)
    return WorkQueue(clock=clock, random_unit=lambda: 0.0, fairness=fairness)


async def take_while_ready(queue: WorkQueue[str]) -> list[str]:
    taken: list[str] = []
    while (key := await get_ready(queue)) is not None:
        taken.append(key)
    return taken


async def test_an_account_alone_borrows_all_but_the_reserve(clock: ManualClock) -> None:
    queue = with_lanes(clock)
    for number in range(20):
        queue.add(f"slow/{number}")
    assert len(await take_while_ready(queue)) == 6


async def test_a_worker_that_is_done_lets_another_account_borrow(clock: ManualClock) -> None:
    queue = with_lanes(clock)
    for number in range(7):
        queue.add(f"slow/{number}")
    await take_while_ready(queue)
    waiting = asyncio.ensure_future(queue.get())
    await settle()
    queue.done("slow/0")
    await settle()
    assert waiting.result() == "slow/6"


async def test_a_newcomer_finds_a_worker_beside_a_slow_account(clock: ManualClock) -> None:
    queue = with_lanes(clock)
    for number in range(20):
        queue.add(f"slow/{number}")
    await take_while_ready(queue)
    queue.add("other/1")
    queue.add("/no-account")
    assert await take_while_ready(queue) == ["other/1", "/no-account"]


async def test_an_account_beyond_its_share_waits_for_those_below_theirs(clock: ManualClock) -> None:
    queue = with_lanes(clock)
    for number in range(5):
        queue.add(f"first/{number}")
    queue.add("second/0")
    assert await take_while_ready(queue) == [
        "first/0",
        "first/1",
        "first/2",
        "second/0",
        "first/3",
        "first/4",
    ]


async def test_a_finished_worker_of_a_full_account_takes_its_next_key(clock: ManualClock) -> None:
    queue = with_lanes(clock)
    for number in range(20):
        queue.add(f"slow/{number}")
    for number in range(20):
        queue.add(f"other/{number}")
    taken = await take_while_ready(queue)
    assert [key for key in taken if key.startswith("slow")] == ["slow/0", "slow/1", "slow/2"]
    assert [key for key in taken if key.startswith("other")] == ["other/0", "other/1", "other/2"]
    queue.add("/no-account-1")
    queue.add("/no-account-2")
    await take_while_ready(queue)  # now all workers are busy, and there is nothing to borrow
    queue.done("slow/1")
    assert await take_while_ready(queue) == ["slow/3"]


async def test_an_edit_overtakes_the_parked_keys_of_its_account(clock: ManualClock) -> None:
    queue = with_lanes(clock)
    for number in range(20):
        queue.add(f"slow/{number}", priority=Priority.STARTUP)
    await take_while_ready(queue)
    queue.add("slow/15")
    queue.done("slow/0")
    assert await take_while_ready(queue) == ["slow/15"]


async def test_a_cancelled_worker_does_not_take_a_wakeup_with_it(queue: WorkQueue[str]) -> None:
    first, second = asyncio.ensure_future(queue.get()), asyncio.ensure_future(queue.get())
    await settle()
    queue.add("acme")
    first.cancel()
    await settle()
    assert second.result() == "acme"


async def test_shutdown_ends_waiting_workers_and_takes_nothing_more(queue: WorkQueue[str]) -> None:
    queue.add("running")
    await queue.get()
    waiting = asyncio.ensure_future(queue.get())
    await settle()
    queue.shutdown()
    queue.add("late")
    queue.done("running")
    with pytest.raises(QueueClosed):
        await waiting
    with pytest.raises(QueueClosed):
        await queue.get()
    assert queue.depth() == Depth(ready=0, delayed=0, running=0)


async def test_depth_and_the_longest_running_key(queue: WorkQueue[str], clock: ManualClock) -> None:
    queue.add("running")
    await queue.get()
    await clock.advance(7)
    queue.add("ready")
    queue.add("delayed", delay=5)
    assert queue.depth() == Depth(ready=1, delayed=1, running=1)
    assert queue.longest_running() == 7


async def test_an_observer_sees_waits_runs_and_retries(clock: ManualClock) -> None:
    seen: list[tuple[object, ...]] = []

    class Recorder:
        def added(self, priority: Priority) -> None:
            seen.append(("added", priority))

        def started(self, priority: Priority, waited: float) -> None:
            seen.append(("started", priority, waited))

        def finished(self, ran: float) -> None:
            seen.append(("finished", ran))

        def retried(self, delay: float) -> None:
            seen.append(("retried", delay))

    queue: WorkQueue[str] = WorkQueue(clock=clock, random_unit=lambda: 0.0, observer=Recorder())
    queue.add("acme", delay=2)
    await clock.advance(5)
    await queue.get()
    await clock.advance(3)
    queue.add_after_failure("acme")
    queue.done("acme")
    assert seen == [
        ("added", Priority.FRESH),
        ("started", Priority.FRESH, 3.0),
        ("added", Priority.FRESH),
        ("retried", 1.0),
        ("finished", 3.0),
    ]


async def test_keys_rescheduled_over_and_over_do_not_pile_up(queue: WorkQueue[str]) -> None:
    for step in range(100, 0, -1):
        for number in range(100):
            queue.add(f"tenant-{number}", delay=step)
    assert len(queue) == 100
    assert len(queue._delayed._heap) <= 300


@pytest.mark.parametrize(("share", "reserve"), [(0, 0), (9, 0), (3, 8), (3, -1)])
def test_impossible_fairness_is_refused(share: int, reserve: int) -> None:
    with pytest.raises(ValueError):
        Fairness(lane_of=by_account, workers=8, share=share, reserve=reserve)
