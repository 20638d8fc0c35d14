"""Replicas share the shards out among themselves: each has exactly one holder, also when a replica dies or sleeps."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from controller.clock import SystemClock
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_resources import LEASES
from controller.runtime.shard_leases import ShardLease, ShardLeases
from controller.runtime.shard_plan import shard_of
from controller.runtime.sharding import LeaseShards
from controller.sandbox.apiserver import ApiServer
from tests.runtime.eventually import until

SHARDS = 8
DURATION = 0.9
NAMESPACE = "default"
# One key of every shard.
KEYS = {shard_of(f"key-{n}", SHARDS): f"key-{n}" for n in range(200)}


class StoppedClock(SystemClock):
    """A clock whose `sleep` can be made to never return, as for a process that was stopped."""

    def __init__(self) -> None:
        self.running = asyncio.Event()
        self.running.set()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await self.running.wait()


class Replica:
    def __init__(self, api: KubeApi, name: str) -> None:
        self.clock = StoppedClock()
        self.acquired: list[set[str]] = []
        self.shares: list[float] = []
        self.shards = LeaseShards(
            ShardLeases(api, NAMESPACE, name, self.clock),
            name,
            shards=SHARDS,
            duration=DURATION,
            clock=self.clock,
            on_share=self.shares.append,
        )
        self.watching = asyncio.Event()
        self.watching.set()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.shards.run(self._acquired, self._until_watching))

    async def _until_watching(self) -> None:
        await self.watching.wait()

    def _acquired(self, is_among: Callable[[object], bool]) -> None:
        self.acquired.append({key for key in KEYS.values() if is_among(key)})

    async def kill(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])

    def held(self) -> set[int]:
        return {shard for shard, key in KEYS.items() if self.shards.holds(key)}


@asynccontextmanager
async def replicas(api: KubeApi, *names: str) -> AsyncIterator[list[Replica]]:
    made = [Replica(api, name) for name in names]
    try:
        yield made
    finally:
        for replica in made:
            await replica.kill()


def shared_out(*some: Replica) -> Callable[[], bool]:
    """Every shard is held, none twice, and no replica has two more than another."""

    def settled() -> bool:
        held = [replica.held() for replica in some]
        sizes = [len(one) for one in held]
        return sum(sizes) == len(set().union(*held)) == SHARDS and max(sizes) - min(sizes) <= 1

    return settled


def nothing_twice(*some: Replica) -> None:
    held = [replica.held() for replica in some]
    assert sum(map(len, held)) == len(set().union(*held))


async def test_one_replica_has_everything(api: KubeApi) -> None:
    async with replicas(api, "a") as [a]:
        a.start()
        await until(shared_out(a))
        assert set().union(*a.acquired) == set(KEYS.values())
        assert a.shards.share == a.shares[-1] == 1.0


async def test_replicas_that_come_one_after_the_other_get_their_share(api: KubeApi) -> None:
    async with replicas(api, "a", "b", "c") as [a, b, c]:
        a.start()
        await until(shared_out(a))
        b.start()
        await until(shared_out(a, b))
        c.start()
        await until(shared_out(a, b, c))
        assert a.shares[-1] + b.shares[-1] + c.shares[-1] == pytest.approx(1.0)
        for _ in range(20):
            nothing_twice(a, b, c)
            await asyncio.sleep(0.05)


async def test_a_replica_that_is_not_watching_yet_leaves_the_work_to_the_others(api: KubeApi) -> None:
    async with replicas(api, "a", "b") as [a, b]:
        a.start()
        await until(shared_out(a))
        b.watching.clear()
        b.start()
        await asyncio.sleep(0.5)
        assert (len(a.held()), b.held()) == (SHARDS, set())
        b.watching.set()
        await until(shared_out(a, b))


async def test_a_replica_that_is_alone_does_not_wait_for_its_watch(api: KubeApi) -> None:
    async with replicas(api, "a") as [a]:
        a.watching.clear()
        a.start()
        await until(shared_out(a))


async def test_a_replica_that_leaves_hands_over_at_once(api: KubeApi) -> None:
    async with replicas(api, "a", "b") as [a, b]:
        a.start()
        b.start()
        await until(shared_out(a, b))
        await asyncio.wait_for(a.shards.leave(5), DURATION / 2)
        assert a.held() == set()
        await until(shared_out(b), within=DURATION / 2)
        names = {lease["metadata"]["name"] for lease in (await api.list(LEASES, NAMESPACE)).items}
        assert "tenant-operator-a" not in names


async def test_a_shard_is_handed_over_when_nothing_runs_in_it(api: KubeApi) -> None:
    async with replicas(api, "a", "b") as [a, b]:
        a.start()
        await until(shared_out(a))
        with a.shards.working(KEYS[SHARDS - 1]):
            b.start()
            await until(lambda: len(b.held()) == SHARDS // 2 - 1)
            await asyncio.sleep(DURATION / 3)
            # Nothing new begins in it, what runs may go on, and nobody else has it.
            assert SHARDS - 1 not in a.held() | b.held()
            assert a.shards.may_go_on(KEYS[SHARDS - 1])
        await until(shared_out(a, b))


async def test_a_hand_over_that_fails_leaves_nothing_unlooked_at(
    api: KubeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with replicas(api, "a", "b") as [a, b]:
        a.start()
        await until(shared_out(a))
        hand_over, refused = ShardLeases.hand_over, list[int]()

        async def refusing(self: ShardLeases, lease: ShardLease, to: str | None) -> ShardLease | None:
            if lease.number not in refused:
                refused.append(lease.number)
                return None  # somebody else wrote it meanwhile
            return await hand_over(self, lease, to)

        monkeypatch.setattr(ShardLeases, "hand_over", refusing)
        before = len(a.acquired)
        b.start()
        await until(shared_out(a, b))
        # What came in while a shard was on its way was not begun: it is acquired anew, and looked at.
        again = set().union(*a.acquired[before:]) if a.acquired[before:] else set()
        assert {KEYS[shard] for shard in refused} <= again


async def test_an_event_that_comes_late_gives_nothing_back(api: KubeApi) -> None:
    async with replicas(api, "a", "b") as [a, b]:
        a.start()
        await until(shared_out(a))
        taken = dict(a.shards._view.shards)
        b.start()
        await until(shared_out(a, b))
        for lease in taken.values():
            a.shards._view.take("late", lease, a.clock.monotonic())
        a.shards._changed.set()
        for _ in range(20):
            nothing_twice(a, b)
            await asyncio.sleep(0.02)


async def test_the_shards_of_a_dead_replica_are_taken_over(api: KubeApi) -> None:
    async with replicas(api, "a", "b") as [a, b]:
        a.start()
        b.start()
        await until(shared_out(a, b))
        await a.kill()
        await until(shared_out(b), within=DURATION * 3)
        gone = "tenant-operator-a"
        for _ in range(100):
            if gone not in {lease["metadata"]["name"] for lease in (await api.list(LEASES, NAMESPACE)).items}:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the dead replica's Lease was not removed")


async def test_a_replica_that_slept_too_long_believes_nothing_of_before(api: KubeApi) -> None:
    async with replicas(api, "a", "b") as [a, b]:
        a.start()
        b.start()
        await until(shared_out(a, b))
        before = a.held()
        since = a.shards.newest_acquisition()
        a.clock.running.clear()
        await until(lambda: a.held() == set(), within=DURATION)
        assert not any(a.shards.may_go_on(KEYS[shard]) for shard in before)
        await until(shared_out(b), within=DURATION * 3)
        a.clock.running.set()
        await until(shared_out(a, b), within=DURATION * 3)
        # What it has now it got anew: lists from before say nothing any more.
        assert a.shards.newest_acquisition() > since


async def test_an_unreachable_api_server_stops_everything_in_time(
    api: KubeApi, server: ApiServer, server_url: str
) -> None:
    async with replicas(api, "a") as [a]:
        a.start()
        await until(shared_out(a))
        port = int(server_url.rpartition(":")[2])
        await server.stop()
        await until(lambda: a.held() == set(), within=DURATION)
        await server.start(port=port)
        await until(shared_out(a), within=DURATION * 3)
