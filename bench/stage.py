"""One measurement's own world: a fresh control plane, the fakes, and a watch that sees tenants become Ready."""

import asyncio
import contextlib
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kubernetes.aio.client.configuration import Configuration

from bench import objects
from bench.control_planes import clear, control_plane
from bench.outside import Outside, outside_world
from bench.processes import MeasuredProcess, cpu_seconds
from controller.api.crd import custom_resource_definitions
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, Request, login
from controller.runtime.kube_errors import ApiNotFound, ApiUnavailable
from controller.runtime.kube_resources import BUSINESS_TENANTS, EVOLUTION_SERVERS, PHONE_PROVIDERS
from controller.runtime.kube_wire import WatchEventType
from controller.runtime.manifests import apply_manifests
from tests.controlplane.controlplane import ControlPlane

LATENCY: Final = 0.02
APPLIED_AT_ONCE: Final = 24
READS: Final = frozenset({"GET", "LIST", "WATCH"})
_REQUEST_TOTAL: Final = re.compile(
    r"^apiserver_request_total\{(?P<labels>.*)\} (?P<count>\S+)$", re.MULTILINE
)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class ApiCalls:
    """Requests the API server answered, by verb and resource, and how many of them with 5xx."""

    by_verb: Counter[str]
    errors_5xx: int

    def since(self, before: "ApiCalls") -> "ApiCalls":
        return ApiCalls(self.by_verb - before.by_verb, self.errors_5xx - before.errors_5xx)


@dataclass(slots=True)
class ReadyWatch:
    """When each tenant was first seen Ready, in seconds of the monotonic clock."""

    ready_at: dict[str, float] = field(default_factory=dict)
    _grew: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self, body: Mapping[str, Any]) -> None:
        name = body["metadata"]["name"]
        if name not in self.ready_at and is_ready(body):
            self.ready_at[name] = time.monotonic()
            self._grew.set()

    async def until(self, count: int, within: float, process: MeasuredProcess | None) -> float:
        """The moment when `count` tenants were Ready. Raises TimeoutError, ProcessFailedError."""
        deadline = time.monotonic() + within
        while len(self.ready_at) < count:
            if process is not None:
                process.check()
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{len(self.ready_at)} of {count} tenants were Ready within {within:.0f} s."
                )
            self._grew.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._grew.wait(), 0.5)
        return sorted(self.ready_at.values())[count - 1]


@dataclass(slots=True)
class Stage:
    """What a measurement works with."""

    control_plane: ControlPlane
    configuration: Configuration
    api: KubeApi
    connection: KubeConnection
    outside: Outside
    watch: ReadyWatch

    @property
    def kubeconfig(self) -> Path:
        return self.control_plane.kubeconfig_path

    async def add_fleet(self, servers: int, *, poll: str = "30s", number_poll: str = "5m") -> None:
        """Secrets, the account, and the first `servers` servers."""
        await apply_manifests(
            self.api,
            [
                *objects.secrets(),
                objects.phone_provider(self.outside.twilio, poll=number_poll),
                *(
                    objects.evolution_server(url, f"evolution-{number}", poll=poll)
                    for number, url in enumerate(self.outside.evolution[:servers])
                ),
            ],
        )

    async def apply_tenants(self, names: Iterable[str], *, provider: str | None = None) -> None:
        """Create tenants as GitOps does: many at once, and bounded."""
        limit = asyncio.Semaphore(APPLIED_AT_ONCE)

        async def one(name: str) -> None:
            async with limit:
                await self.api.create(
                    BUSINESS_TENANTS, objects.tenant(name, provider=provider), objects.NAMESPACE
                )

        await asyncio.gather(*(one(name) for name in names))

    async def start(self, arguments: Sequence[str], name: str, **environment: str) -> MeasuredProcess:
        """A contender's process; its output goes to a file of this world."""
        return await MeasuredProcess.start(arguments, self.control_plane.folder / f"{name}.log", environment)

    async def start_ours(self, name: str = "ours", **settings: str) -> MeasuredProcess:
        """The operator with its own defaults."""
        flags = [f"--{flag.replace('_', '-')}={value}" for flag, value in settings.items()]
        return await self.start(
            [
                *("-m", "controller.cli.main", "run"),
                f"--kubeconfig={self.kubeconfig}",
                f"--cluster-id={objects.CLUSTER_ID}",
                f"--operator-namespace={objects.SYSTEM}",
                "--probe-address=127.0.0.1",
                "--probe-port=0",
                # Nobody pairs here, and several operators run beside each other.
                "--pairing-port=0",
                *flags,
            ],
            name,
        )

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time used so far by all that a contender makes work, and by the benchmark itself."""
        pids = {**self.control_plane.pids, "fakes": self.outside.pid, "benchmark": os.getpid()}
        return {name: cpu_seconds(pid) for name, pid in pids.items()}

    async def api_calls(self) -> ApiCalls:
        """Counted by the API server itself."""
        request = Request("get", "metrics", "", "GET", "/metrics", {}, accept="text/plain")
        text = (await self.connection.send(request)).body.decode()
        by_verb: Counter[str] = Counter()
        errors = 0
        for sample in _REQUEST_TOTAL.finditer(text):
            labels = dict(_LABEL.findall(sample["labels"]))
            count = int(float(sample["count"]))
            resource = "/".join(part for part in (labels["resource"], labels["subresource"]) if part)
            by_verb[f"{labels['verb']} {resource}"] += count
            errors += count if labels["code"].startswith("5") else 0
        return ApiCalls(by_verb, errors)


def is_ready(body: Mapping[str, Any]) -> bool:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


@asynccontextmanager
async def stage(servers: int, latency: float = LATENCY) -> AsyncIterator[Stage]:
    """A world for one measurement; everything in it ends with the block."""
    async with control_plane() as plane, outside_world(servers, latency) as outside:
        configuration = await login(kubeconfig=str(plane.kubeconfig_path))
        connection = KubeConnection(configuration, concurrency=64, timeout=60)
        api, watch = KubeApi(connection), ReadyWatch()
        await _install(api)
        watching = asyncio.create_task(_watch(api, watch), name="ready-watch")
        try:
            yield Stage(plane, configuration, api, connection, outside, watch)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            await clear(api)
            await connection.close()


async def _install(api: KubeApi) -> None:
    await apply_manifests(api, [*custom_resource_definitions(), *objects.namespaces()])
    for resource in (BUSINESS_TENANTS, PHONE_PROVIDERS, EVOLUTION_SERVERS):
        while True:
            try:
                await api.list(resource)
                break
            except (ApiNotFound, ApiUnavailable):
                await asyncio.sleep(0.1)


async def _watch(api: KubeApi, ready: ReadyWatch) -> None:
    version = (await api.list(BUSINESS_TENANTS, objects.NAMESPACE)).resource_version
    while True:
        events = api.watch(BUSINESS_TENANTS, version, objects.NAMESPACE, timeout_seconds=3600)
        try:
            async with aclosing(events):
                async for event in events:
                    version = event.resource_version
                    if event.type is not WatchEventType.BOOKMARK:
                        ready.see(event.body)
        except ApiUnavailable:
            await asyncio.sleep(0.1)
