"""How long it takes until so many tenants are Ready: arriving while the operator runs, or waiting when it starts."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench import objects
from bench.processes import MeasuredProcess
from bench.stage import READS, ApiCalls, Stage, stage

WITHIN_SECONDS_A_TENANT = 0.5
AT_LEAST_SECONDS = 120.0
EVENTS_SECONDS = 2.0
OF_REPLICAS = frozenset({"PUT leases", "PATCH leases"})
IMPORTS_TIMED = 3
PLAIN_KOPF_FILE = Path(__file__).parent / "contenders" / "plain_kopf.py"


class Contender(StrEnum):
    FLOOR = "floor"
    PLAIN_KOPF = "plain kopf"
    OURS = "ours"

    @property
    def modules(self) -> str:
        """What its process imports before it does anything."""
        return {
            Contender.FLOOR: "bench.contenders.floor",
            Contender.PLAIN_KOPF: "kopf, kopf.cli, kubernetes.config, bench.contenders.plain_kopf",
            Contender.OURS: "controller.cli.main",
        }[self]


class Order(StrEnum):
    ARRIVING = "arriving"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Onboarding:
    """One run. `api_calls` and `outside_requests` are for all tenants together, `seconds` without importing.

    `cpu_seconds` are the contender's; `cpu_seconds_of` those of the processes beside it, by name.
    """

    tenants: int
    seconds: float
    import_seconds: float
    cpu_seconds: float
    cpu_seconds_of: Mapping[str, float]
    peak_rss_mb: float
    api_calls: ApiCalls
    outside_requests: int

    @property
    def writes_per_tenant(self) -> float:
        """Without those that created the tenants themselves."""
        return sum(n for name, n in self._ours().items() if not _reads(name)) / self.tenants

    @property
    def quorum_reads_per_tenant(self) -> float:
        """Single objects read; lists and watches are of many tenants."""
        return sum(n for name, n in self._ours().items() if name.startswith("GET ")) / self.tenants

    def by_verb(self) -> dict[str, float]:
        """Requests a tenant, those beyond the hundredth part."""
        return {
            name: round(n / self.tenants, 2)
            for name, n in sorted(self._ours().items())
            if n / self.tenants >= 0.01
        }

    def _ours(self) -> dict[str, int]:
        """Without the benchmark's own creations, and what etcd's and Kubernetes' own parts ask for."""
        calls = dict(self.api_calls.by_verb)
        calls["POST businesstenants"] = max(0, calls.get("POST businesstenants", 0) - self.tenants)
        return {name: n for name, n in calls.items() if _of_tenants(name)}


async def onboard(
    contender: Contender,
    order: Order,
    tenants: int,
    *,
    imports: int = IMPORTS_TIMED,
) -> Onboarding:
    """A run in a world of its own; importing is timed so often, once for all runs."""
    imported = await import_seconds(contender.modules, imports)
    servers = objects.servers_for(tenants)
    async with stage(servers) as world:
        await world.add_fleet(servers)
        names = [objects.tenant_name(number) for number in range(tenants)]
        if order is Order.WAITING:
            await world.apply_tenants(names)
        calls_before = await world.api_calls()
        process = await start(contender, world, tenants)
        try:
            if order is Order.ARRIVING:
                await _settled(contender, process)
                calls_before = await world.api_calls()
            await world.outside.forget_requests()
            cpu_before, beside_before = process.usage().cpu_seconds, world.cpu_seconds()
            began = time.monotonic()
            if order is Order.ARRIVING:
                await world.apply_tenants(names)
            last = await world.watch.until(tenants, within(tenants), process)
            used, beside = process.usage(), world.cpu_seconds()
            # Events and releases of the last tenants.
            await asyncio.sleep(EVENTS_SECONDS)
            seconds = last - began if order is Order.ARRIVING else last - process.started - imported
            calls = (await world.api_calls()).since(calls_before)
            if order is Order.WAITING:
                calls.by_verb["POST businesstenants"] += tenants  # they were created before
            return Onboarding(
                tenants=tenants,
                seconds=seconds,
                import_seconds=imported,
                cpu_seconds=used.cpu_seconds - cpu_before,
                cpu_seconds_of={name: beside[name] - before for name, before in beside_before.items()},
                peak_rss_mb=used.peak_rss_mb,
                api_calls=calls,
                outside_requests=sum((await world.outside.requests()).values()),
            )
        finally:
            await process.kill()  # all that it was to do is done


async def start(contender: Contender, world: Stage, tenants: int) -> MeasuredProcess:
    """The contender's process."""
    outside = json.dumps({"twilio": world.outside.twilio, "evolution": [*world.outside.evolution]})
    match contender:
        case Contender.OURS:
            return await world.start_ours()
        case Contender.FLOOR:
            arguments = ["-m", "bench.contenders.floor", str(world.kubeconfig), str(tenants)]
            return await world.start(arguments, "floor", BENCH_OUTSIDE=outside)
        case Contender.PLAIN_KOPF:
            return await world.start(
                [
                    "-m",
                    "kopf",
                    "run",
                    "--standalone",
                    f"--namespace={objects.NAMESPACE}",
                    str(PLAIN_KOPF_FILE),
                ],
                "plain-kopf",
                BENCH_OUTSIDE=outside,
                KUBECONFIG=str(world.kubeconfig),
            )


_IMPORTS: Final[dict[str, float]] = {}


async def import_seconds(modules: str, times: int) -> float:
    """Median wall time of a Python process that only imports; measured once."""
    if modules in _IMPORTS:
        return _IMPORTS[modules]
    took = []
    for _ in range(times):
        began = time.monotonic()
        process = await MeasuredProcess.start(["-c", f"import {modules}"], Path("/dev/null"))
        await process.ended(60)
        took.append(time.monotonic() - began)
    _IMPORTS[modules] = statistics.median(took)
    return _IMPORTS[modules]


def within(tenants: int) -> float:
    """Seconds after which a run is given up."""
    return max(AT_LEAST_SECONDS, tenants * WITHIN_SECONDS_A_TENANT)


def medians(runs: Sequence[Onboarding], read: Callable[[Onboarding], float]) -> float:
    return statistics.median(read(run) for run in runs)


async def _settled(contender: Contender, process: MeasuredProcess) -> None:
    """Running, and with nothing left of its start."""
    pattern = {
        Contender.FLOOR: r"(ready to begin)",
        Contender.PLAIN_KOPF: r"(Initial authentication has finished)",
        Contender.OURS: r"probes_port=(\d+)",
    }[contender]
    await process.said(pattern)
    if contender is not Contender.FLOOR:  # it says so when it waits for nothing but tenants
        await asyncio.sleep(2.0)


def _reads(name: str) -> bool:
    return name.partition(" ")[0] in READS


def _of_tenants(name: str) -> bool:
    """Whether requests of this name are about tenants. Claims on numbers are Leases that are made and deleted; those
    that are changed are replicas' and Kubernetes' own.
    """
    resource = name.partition(" ")[2].partition("/")[0]
    return resource in {"businesstenants", "secrets", "events", "leases"} and name not in OF_REPLICAS
