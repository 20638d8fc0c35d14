"""One operator process without kopf: its caches are filled and its queue is worked off by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from controller.reconcile.fleet_object import FleetKey
from controller.reconcile.tenant_object import TenantKey
from controller.runtime.assembly import Process, assemble
from controller.runtime.claims_sweep import YOUNGEST_SWEPT, sweep_claims
from controller.runtime.fleet_objects import RESOURCES
from controller.runtime.kube_connection import anonymous
from controller.runtime.kube_resources import BUSINESS_TENANTS
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import Settings
from tests.runtime.manual_clock import ManualClock, settle

from .wire import Mortality, Wire, dying

K = TypeVar("K", FleetKey | TenantKey, str)
# More passes than any scenario needs; a queue that is never empty is a hot loop.
TURNS = 500


class OperatorProcess:
    """`mortality` says when it dies; every request of its passes is subject to it."""

    def __init__(self, process: Process, clock: ManualClock, wire: Wire, mortality: Mortality | None) -> None:
        self.process = process
        self._clock = clock
        self._wire = wire
        self._mortality = mortality
        self._seen_changes = -1

    async def start(self) -> None:
        """As the operator does before its first pass."""
        await self._read_secret_versions()
        with dying(self._mortality):
            await self.process.warm_up()

    def spare(self) -> None:
        """It survived what a test ordered; what follows is not part of it."""
        self._mortality = None

    async def until_quiet(self, within: float = 30.0) -> None:
        """Handle all that is due, and all that becomes due within so many seconds."""
        until = self._clock.monotonic() + within
        for _ in range(TURNS):
            await self.catch_up()
            with dying(self._mortality):
                if await _work_off(self.process.queue, self.process.engine.handle):
                    continue
            await _work_off(self.process.recorder._queue, self.process.recorder._write)
            await settle()  # the queue's timer is a task that has yet to go to sleep
            wait = self._clock.next_wake
            if wait is None or self._clock.monotonic() + wait > until:
                return
            await self._clock.advance(wait + 0.001)
        raise AssertionError(f"Not quiet after {TURNS} turns: {self.process.queue._entries}")

    async def poll(self, times: int = 1) -> None:
        """Look at every provider and server now, and let the tenants follow."""
        for _ in range(times):
            await self._clock.advance(1)  # a list never begins at the moment of our own last write
            for kind, resource in RESOURCES.items():
                for body in (await self.process.api.list(resource)).items:
                    self.process.queue.add(FleetKey(kind, body["metadata"]["name"]))
            await self.until_quiet(within=0.5)

    async def sweep(self) -> None:
        """What the sweep does ten minutes later."""
        await self._clock.advance(YOUNGEST_SWEPT.total_seconds())
        await sweep_claims(self.process.claims, self.process.tenants, self.process.fleet, self._clock)
        await self.until_quiet(within=0.5)

    async def look_at_all(self) -> None:
        """A pass over every tenant, whether anything called for one or not."""
        for key in self.process.tenants:
            self.process.queue.add(key)
        await self.until_quiet(within=0.5)

    async def pass_over(self, name: str, namespace: str) -> None:
        """Exactly one pass over one tenant, with what the caches hold now."""
        with dying(self._mortality):
            await self.process.engine.handle(TenantKey(namespace, name))

    async def catch_up(self) -> None:
        """What the watches would have brought by now."""
        changes = len(self._wire.kube_changes)
        if changes == self._seen_changes:
            return
        self._seen_changes = changes
        await self._read_secret_versions()
        engine, api = self.process.engine, self.process.api
        for kind, resource in RESOURCES.items():
            bodies = {body["metadata"]["name"]: body for body in (await api.list(resource)).items}
            for body in bodies.values():
                engine.fleet_event(kind, body, deleted=False)
            for key in self.process.engine._fleet:
                if key.kind is kind and key.name not in bodies:
                    engine.fleet_event(kind, {"metadata": {"name": key.name}}, deleted=True)
        tenants = {_key(body): body for body in (await api.list(BUSINESS_TENANTS)).items}
        for body in tenants.values():
            engine.tenant_event(body, deleted=False, initial=False)
        for key in self.process.tenants:
            if key not in tenants:
                metadata = {"namespace": key.namespace, "name": key.name}
                engine.tenant_event({"metadata": metadata}, deleted=True, initial=False)

    async def _read_secret_versions(self) -> None:
        for watch in self.process.secret_versions._watches:
            await watch._list()
        await self.process.namespace_labels._watch._list()


async def _work_off(queue: WorkQueue[K], handle: Callable[[K], Awaitable[Any]]) -> bool:
    """Handle every ready key once; whether there was one."""
    worked = False
    for _ in range(queue.depth().ready):
        if queue.depth().ready == 0:
            break
        async with asyncio.timeout(5):
            key = await queue.get()
        try:
            answer = await handle(key)
            if type(answer).__name__ == "Failed":
                queue.add_after_failure(key, at_least=answer.at_least)
        finally:
            queue.done(key)
        worked = True
    return worked


def _key(body: dict[str, Any]) -> TenantKey:
    return TenantKey(body["metadata"]["namespace"], body["metadata"]["name"])


@asynccontextmanager
async def operator_process(
    settings: Settings, url: str, clock: ManualClock, wire: Wire, mortality: Mortality | None = None
) -> AsyncIterator[OperatorProcess]:
    """A fresh process with empty memory; `start` it."""
    async with assemble(settings, anonymous(url), clock) as process:
        yield OperatorProcess(process, clock, wire, mortality)
        process.queue.shutdown()
        process.recorder._queue.shutdown()
