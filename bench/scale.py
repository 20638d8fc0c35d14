"""Many Ready tenants: what nothing happening costs, a restart, and how soon a fresh edit is acted on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench import objects
from bench.edits import Editor, Edits
from bench.onboarding import EVENTS_SECONDS, within
from bench.processes import MeasuredProcess
from bench.rest import at_rest
from bench.rolling import RollingUpdate, rolling_update
from bench.stage import READS, ApiCalls, Stage, stage

# Polls come ten times faster than with the defaults: live states every 3 s instead of 30 s, rows and numbers every
# 30 s instead of 5 min; see Pace. Deep checks come after 30 min, so none falls into what is measured.
POLLS_A_CYCLE: Final = 10
"""A cycle is ten polls of live states and one list of rows and numbers: five minutes with the defaults."""
RECEIVING_SHARE: Final = 0.1
WRITTEN: Final = ("businesstenants", "phoneproviders", "evolutionservers", "secrets", "events")
BULK: Final = (
    *("/metrics", "/instance/fetchInstances", "/IncomingPhoneNumbers.json", "/Calls.json"),
    # Once a start: the account, and what its numbers cost.
    *("/Accounts/{account}.json", "/AvailablePhoneNumbers/{country}.json", "/Countries/{country}"),
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each is looked at: `cycles` (see POLLS_A_CYCLE) of steady state, and at least so many edits."""

    poll_seconds: int = 3
    cycles_before: float = 1.0
    """In which the first deep checks and the counts of the last tenants get through."""
    cycles: int = 2
    edits: int = 50
    edit_every: float = 0.2

    @property
    def cycle(self) -> float:
        """In seconds."""
        return float(POLLS_A_CYCLE * self.poll_seconds)


@dataclass(frozen=True, slots=True)
class Growth:
    """What onboarding one more tenant cost while there came to be so many."""

    tenants: int
    seconds_per_tenant: float
    cpu_ms_per_tenant: float


@dataclass(frozen=True, slots=True)
class Steady:
    """Per cycle, see POLLS_A_CYCLE; writes over all cycles. Leases are those by which replicas know of each other."""

    api_writes: int
    lease_writes_per_cycle: float
    outside_requests_per_cycle: float
    deep_checks_per_cycle: float
    cpu_seconds_per_cycle: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Restart:
    """Of one replica; `seconds` from the start of the process until the last tenant is adopted."""

    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    api_writes: int
    lease_writes: int
    outside_requests: int
    deep_checks: int


@dataclass(frozen=True, slots=True)
class Watching:
    """What a contender used that does nothing with the tenants; `seconds` from the start of its process."""

    seconds: float
    cpu_seconds: float
    peak_rss_mb: float


class Scale:
    """A world with one operator and its Ready tenants."""

    def __init__(self, world: Stage, operator: MeasuredProcess, pace: Pace) -> None:
        self._world = world
        self._pace = pace
        self._operator = operator
        self._names: list[str] = []
        self._editor = Editor(world, self._names, pace.edit_every)

    async def end(self) -> None:
        """End the operator; its tenants stay."""
        await self._operator.kill()

    async def grow(self, tenants: int) -> Growth:
        """Onboard until there are so many."""
        added = [objects.tenant_name(number) for number in range(len(self._names), tenants)]
        before, began = self._operator.usage(), time.monotonic()
        await self._world.apply_tenants(added)
        last = await self._world.watch.until(tenants, within(len(added)), self._operator)
        cpu = self._operator.usage().cpu_seconds - before.cpu_seconds
        self._names += added
        await asyncio.sleep(EVENTS_SECONDS)
        return Growth(tenants, (last - began) / len(added), 1000 * cpu / len(added))

    async def steady(self) -> Steady:
        """Some cycles in which a tenth of the tenants receives messages and nobody changes anything."""
        await asyncio.sleep(self._pace.cycles_before * self._pace.cycle)
        await self._receive()
        calls, usage = await self._world.api_calls(), self._operator.usage()
        await self._world.outside.forget_requests()
        await asyncio.sleep(self._pace.cycles * self._pace.cycle)
        used = self._operator.usage()
        requests = await self._world.outside.requests()
        deep = sum(n for name, n in requests.items() if not name.endswith(BULK))
        calls = (await self._world.api_calls()).since(calls)
        return Steady(
            api_writes=writes(calls, *WRITTEN),
            lease_writes_per_cycle=writes(calls, "leases") / self._pace.cycles,
            outside_requests_per_cycle=(sum(requests.values()) - deep) / self._pace.cycles,
            deep_checks_per_cycle=deep / self._pace.cycles,
            cpu_seconds_per_cycle=(used.cpu_seconds - usage.cpu_seconds) / self._pace.cycles,
            rss_mb=used.rss_mb,
        )

    async def restart(self) -> Restart:
        """Stop the operator and start it again."""
        await self._operator.stop()
        calls = await self._world.api_calls()
        await self._world.outside.forget_requests()
        self._operator = await self._world.start_ours()
        rest = await at_rest(self._world, self._operator)
        used = self._operator.usage()
        requests = await self._world.outside.requests()
        deep = sum(n for name, n in requests.items() if not name.endswith(BULK))
        calls = (await self._world.api_calls()).since(calls)
        return Restart(
            seconds=rest.seconds,
            cpu_seconds=rest.cpu_seconds,
            peak_rss_mb=used.peak_rss_mb,
            api_writes=writes(calls, *WRITTEN),
            lease_writes=writes(calls, "leases"),
            outside_requests=sum(requests.values()) - deep,
            deep_checks=deep,
        )

    async def watching(self, module: str) -> Watching:
        """What `bench.contenders.<module>` takes to know all tenants, without our operator."""
        arguments = ["-m", f"bench.contenders.{module}", str(self._world.kubeconfig), str(len(self._names))]
        process = await self._world.start(arguments, module)
        try:
            await process.said(r"(adopted all)", within=120)
            used = process.usage()
            return Watching(time.monotonic() - process.started, used.cpu_seconds, used.peak_rss_mb)
        finally:
            await process.stop()

    async def edits(self) -> Edits:
        """On the running operator."""
        return await self._editor.during(asyncio.sleep(0), self._pace.edits)

    async def edits_during_restart(self) -> Edits:
        """While the only replica stops and starts again: what people wait for who edit just then."""

        async def restart() -> None:
            await self._operator.stop()
            self._operator = await self._world.start_ours()
            await at_rest(self._world, self._operator)

        return await self._editor.during(restart(), self._pace.edits)

    async def rolling_update(self) -> RollingUpdate:
        """While two replicas are replaced by two others."""
        measured, (self._operator, second) = await rolling_update(
            self._world, self._operator, self._editor, self._pace.edits
        )
        await second.stop()
        return measured

    async def _receive(self) -> None:
        """Every tenth instance has stored some more messages when its rows are listed next."""
        for url in self._world.outside.evolution:
            state = await self._world.outside.control(url, "GET", "state")
            chosen = list(state["instances"])[:: round(1 / RECEIVING_SHARE)]
            for name in chosen:
                await self._world.outside.control(url, "POST", f"instances/{name}/counts", {"messages": 17})


@asynccontextmanager
async def scale(largest: int, pace: Pace) -> AsyncIterator[Scale]:
    """An operator with room for so many tenants, and none yet."""
    servers = objects.servers_for(largest)
    async with stage(servers) as world:
        await world.add_fleet(servers, poll=f"{pace.poll_seconds}s", number_poll=f"{pace.cycle:.0f}s")
        operator = await world.start_ours()
        await operator.said(r"probes_port=(\d+)")
        await asyncio.sleep(2.0)
        measured = Scale(world, operator, pace)
        try:
            yield measured
        finally:
            await measured.end()


def writes(calls: ApiCalls, *resources: str) -> int:
    """Writes to objects of these resources; `PUT leases` are Kubernetes' own parts'."""
    return sum(
        count
        for name, count in calls.by_verb.items()
        for verb, _, resource in [name.partition(" ")]
        if verb not in READS and resource.partition("/")[0] in resources and name != "PUT leases"
    )


def spread(costs: Sequence[float], of: Callable[[Sequence[float]], float] = max) -> float:
    """The largest cost over the smallest."""
    return of(costs) / min(costs)
