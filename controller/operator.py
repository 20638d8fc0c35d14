"""The kopf wiring: login, watches, cleanup. kopf watches and hands over; it schedules nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

import kopf
import structlog
from kubernetes.aio.client.configuration import Configuration

from controller.api.group import GROUP, VERSION, Kind
from controller.clock import Clock
from controller.kopf_connection import TenantWatch, kopf_session
from controller.kopf_storage import NoDiffBase, NoProgress
from controller.left_generators import closing_generators
from controller.runtime.assembly import Process, assemble
from controller.runtime.http_server import serve
from controller.runtime.probes import probes_application
from controller.runtime.settings import Settings

log = structlog.get_logger(__name__)

# Measured at 10,000 objects: lists in pages and short-lived per-object tasks halve kopf's CPU and memory.
LIST_PAGE: Final = 500
IDLE_SECONDS: Final = 0.5


async def run_operator(
    settings: Settings,
    configuration: Configuration,
    *,
    stop: asyncio.Event,
    clock: Clock | None = None,
    on_ready: Callable[[int], None] = lambda _: None,
    prepare: Callable[[Process], Awaitable[None]] | None = None,
) -> None:
    """Run until `stop` is set. `on_ready` gets the port of the probes once the caches are warm."""
    async with assemble(settings, configuration, clock) as process:
        state = _State()
        application = probes_application(process.registry, healthy=state.healthy, ready=state.ready)
        async with AsyncExitStack() as servers:
            port = await servers.enter_async_context(
                serve(application, settings.probe_port, host=settings.probe_address)
            )
            background: list[asyncio.Task[Any]] = [
                asyncio.create_task(process.secret_versions.run(), name="secret-versions"),
                asyncio.create_task(process.namespace_labels.run(), name="namespace-labels"),
                asyncio.create_task(process.recorder.run(), name="event-recorder"),
            ]
            try:
                warm_up = asyncio.create_task(_warm_up(process, prepare), name="warm-up")
                background.append(warm_up)
                if not await _ended_or_stopped(warm_up, stop, background):
                    return
                background.remove(warm_up)
                watch = TenantWatch(warm_up.result())
                background.append(asyncio.create_task(_watch(process, watch, stop), name="kopf"))
                background.append(asyncio.create_task(process.sweep(), name="claims-sweep"))
                background.append(asyncio.create_task(process.share_out(watch.begun), name="shards"))
                background.append(asyncio.create_task(process.work(), name="workers"))
                if settings.pairing_port:
                    pairing = serve(
                        process.pairing.application(), settings.pairing_port, host=settings.pairing_address
                    )
                    await servers.enter_async_context(pairing)
                state.warm, state.tasks = True, background
                on_ready(port)
                if not await _ended_or_stopped(None, stop, background):
                    await process.hand_over()
            finally:
                await _end(background)


class _State:
    """What the probes tell."""

    def __init__(self) -> None:
        self.warm = False
        self.tasks: list[asyncio.Task[Any]] = []

    def healthy(self) -> str | None:
        ended = [task.get_name() for task in self.tasks if task.done()]
        return f"These parts have ended: {', '.join(ended)}." if ended else None

    def ready(self) -> str | None:
        return None if self.warm else "The caches are not filled yet."


def kopf_registry(process: Process, watch: TenantWatch) -> kopf.OperatorRegistry:
    """One event handler a kind, which only hands over; no handler that would make kopf write to an object."""
    registry = kopf.OperatorRegistry()
    engine = process.engine

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return await kopf_session(process.configuration, watch)

    @kopf.on.event(GROUP, VERSION, Kind.BUSINESS_TENANT.plural, registry=registry)
    async def tenant(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002 - kopf's name
        engine.tenant_event(dict(body), deleted=type == "DELETED", initial=type is None)

    @kopf.on.event(GROUP, VERSION, Kind.PHONE_PROVIDER.plural, registry=registry)
    async def provider(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002
        engine.fleet_event(Kind.PHONE_PROVIDER, dict(body), deleted=type == "DELETED")

    @kopf.on.event(GROUP, VERSION, Kind.EVOLUTION_SERVER.plural, registry=registry)
    async def server(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002
        engine.fleet_event(Kind.EVOLUTION_SERVER, dict(body), deleted=type == "DELETED")

    return registry


def kopf_settings() -> kopf.OperatorSettings:
    """Kopf as a watcher and nothing else."""
    settings = kopf.OperatorSettings()
    settings.watching.chunk_size = LIST_PAGE
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.posting.enabled = False
    return settings


async def _warm_up(
    process: Process, prepare: Callable[[Process], Awaitable[None]] | None
) -> Mapping[str | None, str]:
    if prepare is not None:
        await prepare(process)
    return await process.warm_up()


async def _watch(process: Process, watch: TenantWatch, stop: asyncio.Event) -> None:
    """Run kopf's tasks until cancelled or told to stop.

    Not by `kopf.operator`: when that ends it cancels every task of the loop that is younger than itself, the
    workers and their half-made changes among them.
    """
    namespaces = process.settings.namespaces
    async with closing_generators(kopf.__name__):
        tasks = await kopf.spawn_tasks(
            registry=kopf_registry(process, watch),
            settings=kopf_settings(),
            standalone=True,
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=stop,
        )
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            # kopf takes SIGINT and SIGTERM for itself and ends without an error when one comes: it is meant for all
            # of us.
            stop.set()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _ended_or_stopped(
    awaited: asyncio.Task[Any] | None, stop: asyncio.Event, parts: list[asyncio.Task[Any]]
) -> bool:
    """Return True when the awaited part has ended, False when told to stop.

    Raises what another part raised, or that it ended at all, so that the process is restarted.
    """
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        ended, _ = await asyncio.wait([stopping, *parts], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    for part in ended - {stopping}:
        part.result()
    if stop.is_set():
        return False
    if awaited is not None and awaited in ended:
        return True
    names = ", ".join(part.get_name() for part in ended)
    raise RuntimeError(f"The part {names} ended although nobody stopped it.")


async def _end(parts: list[asyncio.Task[Any]]) -> None:
    """Workers first, so that nothing new is begun; then what they write through."""
    for part in reversed(parts):
        part.cancel()
        with suppress(asyncio.CancelledError):
            await part
