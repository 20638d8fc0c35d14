"""Which tenants this process works on: replicas share the shards out among themselves by Leases.

A process begins nothing on a shard that it cannot prove to hold. The proof is its own heartbeat: others take its shards
only when they have seen no heartbeat for the whole duration, and it stops believing in them well before that, also when
it was stopped in between and knows nothing of it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog

from controller.clock import Clock
from controller.runtime.kube_errors import ApiError, ResourceExpired
from controller.runtime.kube_wire import is_newer
from controller.runtime.shard_leases import Gone, MemberLease, Seen, ShardLease, ShardLeases
from controller.runtime.shard_plan import assign, shard_of

log = structlog.get_logger(__name__)

# A third of the duration between two heartbeats: one may be lost without losing the shards.
HEARTBEATS: Final = 3.0
# What is left of the duration when we stop believing: others measure with a clock of their own.
PROOF: Final = 0.8
GATHERED_SECONDS: Final = 0.2
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

OnAcquired = Callable[[Callable[[object], bool]], None]
"""Told of shards that are ours now; the argument says whether a key is among them."""

UntilWatching = Callable[[], Awaitable[None]]
"""Returns once every change of a tenant is told to this process as it is made."""


class Sharding(Protocol):
    """Implements `Shards`, and can be run."""

    def holds(self, key: object) -> bool: ...

    def may_go_on(self, key: object) -> bool: ...

    def held_since(self, key: object) -> datetime: ...

    def newest_acquisition(self) -> datetime: ...

    @property
    def share(self) -> float: ...

    def working(self, key: object) -> AbstractContextManager[None]: ...

    async def run(self, on_acquired: OnAcquired, watching: UntilWatching) -> None: ...

    async def leave(self, within: float) -> None: ...


class EveryShard:
    """The only process there is: it works on everything."""

    share: Final = 1.0

    def holds(self, _key: object) -> bool:
        return True

    def may_go_on(self, _key: object) -> bool:
        return True

    def held_since(self, _key: object) -> datetime:
        return _LONG_AGO

    def newest_acquisition(self) -> datetime:
        return _LONG_AGO

    @contextmanager
    def working(self, _key: object) -> Iterator[None]:
        yield

    async def run(self, _on_acquired: OnAcquired, _watching: UntilWatching) -> None:
        """Nothing is ever acquired: all is held from the start."""
        await asyncio.Event().wait()

    async def leave(self, within: float) -> None:
        """Nobody to hand over to."""


@dataclass(slots=True)
class _Member:
    lease: MemberLease
    seen_at: float  # on our clock, when this heartbeat was first seen


@dataclass(slots=True)
class _View:
    """What is known of the Leases."""

    members: dict[str, _Member] = field(default_factory=dict)
    shards: dict[int, ShardLease] = field(default_factory=dict)

    def take(self, name: str, lease: Seen, now: float) -> None:
        match lease:
            case MemberLease():
                known = self.members.get(name)
                if known is None or known.lease != lease:
                    self.members[name] = _Member(lease, now)
            case ShardLease():
                known_shard = self.shards.get(lease.number)
                # A watch tells late what we have written over since.
                if known_shard is None or is_newer(lease.resource_version, known_shard.resource_version):
                    self.shards[lease.number] = lease
            case Gone():
                member = self.members.get(name)
                # One that did not say that it leaves may live on: its shards are taken only when it falls silent.
                if member is not None and member.lease.leaving:
                    del self.members[name]


class LeaseShards:
    """`shards` must be the same in all replicas, `identity` different in each, also of one name started again."""

    def __init__(
        self,
        leases: ShardLeases,
        identity: str,
        *,
        shards: int,
        duration: float,
        clock: Clock,
        on_share: Callable[[float], None],
    ) -> None:
        self._leases = leases
        self._identity = identity
        self._count = shards
        self._duration = duration
        self._clock = clock
        self._on_share = on_share
        self._view = _View()
        self._held: dict[int, datetime] = {}
        self._releasing: set[int] = set()
        self._proven_until = float("-inf")
        self._running: Counter[int] = Counter()
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._leaving = False
        self._left = False

    # ---- what the engine asks -----------------------------------------------------------------------------------

    def holds(self, key: object) -> bool:
        """Whether work on the key may begin now."""
        return shard_of(key, self._count) not in self._releasing and self.may_go_on(key)

    def may_go_on(self, key: object) -> bool:
        """Whether work that has begun may go on: a shard is handed over only when nothing runs in it."""
        return shard_of(key, self._count) in self._held and self._is_proven()

    def held_since(self, key: object) -> datetime:
        """When the key's shard was acquired: what was listed before may be out of date."""
        return self._held.get(shard_of(key, self._count), _LONG_AGO)

    def newest_acquisition(self) -> datetime:
        """When the last shard was acquired."""
        return max(self._held.values(), default=_LONG_AGO)

    @property
    def share(self) -> float:
        """Part of all shards that is held to be worked on, and with it of every provider's budget."""
        return len(self._held.keys() - self._releasing) / self._count

    @contextmanager
    def working(self, key: object) -> Iterator[None]:
        """A pass is under way: its shard is not handed over before it ends."""
        shard = shard_of(key, self._count)
        self._running[shard] += 1
        try:
            yield
        finally:
            self._running[shard] -= 1
            self._idle.set()

    # ---- running ------------------------------------------------------------------------------------------------

    async def run(self, on_acquired: OnAcquired, watching: UntilWatching) -> None:
        """Take part until cancelled. Call it with warm caches only.

        Where others live it waits until this process is `watching`: what is edited before is seen late, and seen by
        them at once. Alone it takes everything as it is.
        """
        if await self._others_live():
            await watching()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_alive(), name="shards-heartbeat")
            tasks.create_task(self._watch(), name="shards-watch")
            tasks.create_task(self._keep_deciding(on_acquired, tasks), name="shards-decide")

    async def _others_live(self) -> bool:
        try:
            await self._relist()
        except ApiError as error:
            log.warning("the replicas could not be listed", problem=error.message)
        return bool(self._living())

    async def leave(self, within: float) -> None:
        """Hand everything over, each shard as soon as nothing runs in it; `run` must still be running."""
        self._leaving = True
        deadline = self._clock.monotonic() + within
        try:
            await self._beat()
            while self._held and self._clock.monotonic() < deadline:
                self._changed.set()
                await self._clock.sleep(0.05)
        except ApiError as error:
            log.warning("the shards are left to expire", problem=error.message)
        # First believe in nothing any more, then say so: others may go on at once.
        self._left, self._proven_until = True, float("-inf")
        try:
            await self._leases.retire(self._identity)
        except ApiError as error:
            log.warning("the replica's Lease is left to expire", problem=error.message)

    async def _keep_alive(self) -> None:
        while True:
            try:
                await self._beat()
            except ApiError as error:
                log.warning("the heartbeat failed", problem=error.message)
            await self._clock.sleep(self._duration / HEARTBEATS)

    async def _beat(self) -> None:
        if self._left:
            return
        began = self._clock.monotonic()
        await self._leases.heartbeat(leaving=self._leaving)
        if self._is_proven() and self._watch_hangs(began):
            # Our own heartbeats do not come back: whether the others live cannot be told from this watch either.
            await self._relist()
        if not self._is_proven():
            # Nobody could know that we live: others may have worked on our shards since. Begin anew.
            self._held.clear()
            await self._relist()
        self._proven_until = began + PROOF * self._duration
        self._changed.set()

    def _watch_hangs(self, now: float) -> bool:
        own = next((m for m in self._view.members.values() if m.lease.identity == self._identity), None)
        return own is not None and now - own.seen_at > self._duration

    def _is_proven(self) -> bool:
        return self._clock.monotonic() < self._proven_until

    async def _relist(self) -> str:
        seen, version = await self._leases.list()
        view, now = _View(), self._clock.monotonic()
        for name, lease in seen.items():
            known = self._view.members.get(name)
            if known is not None and known.lease == lease:
                view.members[name] = known  # a heartbeat is as old as when it was first seen
            else:
                view.take(name, lease, now)
            if isinstance(lease, ShardLease) and (newest := self._view.shards.get(lease.number)) is not None:
                view.take(name, newest, now)
        self._view = view
        self._changed.set()
        return version

    async def _watch(self) -> None:
        version: str | None = None
        while True:
            try:
                if version is None:
                    version = await self._relist()
                async for name, lease, at in self._leases.watch(version):
                    version = at
                    self._view.take(name, lease, self._clock.monotonic())
                    self._changed.set()
            except ResourceExpired:
                version = None
            except ApiError as error:
                version = None
                log.warning("the watch of the shards broke off", problem=error.message)
                await self._clock.sleep(1.0)

    async def _keep_deciding(self, on_acquired: OnAcquired, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._wait_for_change()
            # Shards come one by one: each that is taken by itself has every account and server listed again.
            await self._clock.sleep(GATHERED_SECONDS)
            try:
                if self._is_proven():
                    await self._decide(on_acquired, tasks)
            except ApiError as error:
                log.warning("shards could not be moved; tried again", problem=error.message)

    async def _wait_for_change(self) -> None:
        """A Lease changed, or so much time passed that a replica may have died."""
        waiting = asyncio.create_task(self._changed.wait())
        ticking = asyncio.create_task(self._clock.sleep(self._duration / HEARTBEATS))
        try:
            await asyncio.wait([waiting, ticking], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            ticking.cancel()
        self._changed.clear()

    async def _decide(self, on_acquired: OnAcquired, tasks: asyncio.TaskGroup) -> None:
        living = self._living()
        staying = [lease.identity for lease in living.values() if not lease.leaving]
        members = [*staying, *([] if self._leaving else [self._identity])]
        alive = {self._identity, *(lease.identity for lease in living.values())}
        holders = {
            number: lease.holder if lease is not None and lease.holder in alive else None
            for number in range(self._count)
            for lease in [self._view.shards.get(number)]
        }
        target = assign(holders, set(members))
        self._accept(holders, on_acquired)
        ours = {number for number, holder in target.items() if holder == self._identity}
        for number in sorted(self._held.keys() - ours - self._releasing):
            # Of its own: what runs in one shard must not hold up what is to be decided of the others.
            tasks.create_task(self._hand_over(number, target[number]), name=f"shards-hand-over-{number}")
            self._releasing.add(number)
        await asyncio.gather(*(self._take(number) for number in sorted(ours) if holders[number] is None))
        self._accept({number: lease.holder for number, lease in self._view.shards.items()}, on_acquired)
        await self._bury_the_dead()

    def _living(self) -> dict[str, MemberLease]:
        """Other replicas whose heartbeat is not older than the duration."""
        now = self._clock.monotonic()
        return {
            name: member.lease
            for name, member in self._view.members.items()
            if member.lease.identity != self._identity and now - member.seen_at < self._duration
        }

    def _accept(self, holders: dict[int, str | None], on_acquired: OnAcquired) -> None:
        """Make what the Leases say ours, or no longer ours."""
        mine = {number for number, holder in holders.items() if holder == self._identity}
        lost, new = self._held.keys() - mine, mine - self._held.keys()
        for number in lost:
            del self._held[number]
        now = self._clock.now()
        self._held.update(dict.fromkeys(new, now))
        if not (lost or new):
            return
        log.info("shards changed hands", held=len(self._held), of=self._count)
        self._divide()
        if new:
            on_acquired(lambda key: shard_of(key, self._count) in new)

    async def _take(self, number: int) -> None:
        lease = self._view.shards.get(number)
        if lease is not None and lease.holder is not None and await self._lives_after_all(lease.holder):
            return
        taken = await self._leases.take(number, lease)
        if taken is not None:
            self._view.shards[number] = taken

    async def _lives_after_all(self, holder: str) -> bool:
        """Whether a replica that fell silent has a heartbeat that our watch did not bring."""
        fresh = await self._leases.member(holder)
        known = next((m.lease for m in self._view.members.values() if m.lease.identity == holder), None)
        if fresh is None or known is None or fresh.renewed == known.renewed:
            return False
        name = next(name for name, m in self._view.members.items() if m.lease.identity == holder)
        self._view.take(name, fresh, self._clock.monotonic())
        return True

    async def _hand_over(self, number: int, to: str | None) -> None:
        """Wait for what runs in the shard, in which nothing begins any more, then let go."""
        self._divide()  # before the other one has it: together they never use more than there is
        try:
            while self._running[number] and self._is_proven():
                self._idle.clear()
                await self._idle.wait()
            lease = self._view.shards.get(number)
            moved = await self._leases.hand_over(lease, to) if lease is not None else None
            if moved is not None:
                self._view.shards[number] = moved
        except ApiError as error:
            log.warning("a shard could not be handed over; tried again", problem=error.message)
        finally:
            # Where it is still ours it is acquired anew: what was not begun meanwhile has to be looked at.
            self._held.pop(number, None)
            self._releasing.discard(number)
            self._divide()
            self._changed.set()

    def _divide(self) -> None:
        if self.share > 0:
            self._on_share(self.share)

    async def _bury_the_dead(self) -> None:
        """Remove the Leases of replicas that died, once nobody needs to know of them any more."""
        holders, living = {lease.holder for lease in self._view.shards.values()}, self._living()
        for name, member in list(self._view.members.items()):
            dead = name not in living and member.lease.identity not in (self._identity, *holders)
            if dead:
                # Only as we know it: one that has just come back to life keeps its Lease.
                await self._leases.retire(member.lease.identity, member.lease.resource_version)
                self._view.members.pop(name, None)
