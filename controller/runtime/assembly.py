"""All parts of one operator process, put together."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from kubernetes.aio.client.configuration import Configuration
from prometheus_client import CollectorRegistry

from controller.clock import Clock, SystemClock
from controller.providers.transport import trusted_authorities
from controller.reconcile.context import Context, Policy
from controller.reconcile.fleet import Fleet
from controller.runtime.access import Access
from controller.runtime.claims_sweep import keep_sweeping
from controller.runtime.cluster import KubeApi
from controller.runtime.engine import Engine, Key, Wakers
from controller.runtime.engine_ports import Clients, KubeClaims, KubeConfigMaps, KubeEvents, KubeSecrets
from controller.runtime.events import EventRecorder
from controller.runtime.first_lists import FirstLists
from controller.runtime.fleet_gauges import register_fleet_gauges
from controller.runtime.fleet_objects import RESOURCES, FleetCache, KubeFleetObjects
from controller.runtime.kube_connection import KubeConnection
from controller.runtime.kube_resources import BUSINESS_TENANTS
from controller.runtime.leases import NumberClaims
from controller.runtime.metadata_watch import MetadataWatch
from controller.runtime.metrics import OperatorMetrics
from controller.runtime.namespace_labels import NamespaceLabels
from controller.runtime.pairing import PairingApi
from controller.runtime.queue import Fairness, WorkQueue
from controller.runtime.settings import Settings
from controller.runtime.shard_leases import ShardLeases
from controller.runtime.sharding import EveryShard, LeaseShards, Sharding, UntilWatching
from controller.runtime.tenant_cache import TenantCache
from controller.runtime.tenant_objects import KubeTenants
from controller.runtime.vanished_tenants import keep_forgetting
from controller.runtime.workers import run_workers

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Process:
    """The parts that `operator.py` starts and stops."""

    settings: Settings
    configuration: Configuration
    registry: CollectorRegistry
    api: KubeApi
    claims: NumberClaims
    engine: Engine
    queue: WorkQueue[Key]
    tenants: TenantCache
    fleet: Fleet
    secret_versions: MetadataWatch
    namespace_labels: NamespaceLabels
    recorder: EventRecorder
    pairing: PairingApi
    shards: Sharding
    clock: Clock

    async def warm_up(self) -> Mapping[str | None, str]:
        """Know the whole fleet, every tenant and every Secret's version before the first pass.

        Whoever decides on half a cache takes tenants for missing: orphans, counts and proofs would be wrong. Returns
        the version that a watch of tenants goes on from, for each namespace (None: all of them).
        """
        versions: dict[str | None, str] = {}
        for kind, resource in RESOURCES.items():
            self.engine.seed_fleet(kind, (await self.api.list(resource)).items)
        for namespace in self.settings.namespaces or (None,):
            async for page in self.api.pages(BUSINESS_TENANTS, namespace):
                self.engine.seed_tenants(page.items)
                # The oldest one: where a list had to begin anew, what went meanwhile is told by the watch.
                versions.setdefault(namespace, page.resource_version)
        await self.secret_versions.wait_synced()
        await self.namespace_labels.wait_tried()
        # Left to the first request it would hold up everything just when tenants are taken over.
        await asyncio.to_thread(trusted_authorities)
        self.engine.begin()
        log.info("caches are warm", tenants=len(self.tenants))
        return versions

    async def share_out(self, until_watching: UntilWatching) -> None:
        """Take part in sharing out the tenants, until cancelled; only with warm caches."""
        await self.shards.run(self.engine.acquired, until_watching)

    async def hand_over(self) -> None:
        """Give all tenants to the other replicas at once, each as soon as nothing is under way for it."""
        # The other half is for the workers: both together must fit into the pod's grace period.
        await self.shards.leave(self.settings.drain_timeout.total_seconds() / 2)

    async def sweep(self) -> None:
        """Tidy up after crashes and broken watches until cancelled: claims left behind, tenants that went unseen."""
        namespaces = self.settings.namespaces
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_sweeping(self.claims, self.tenants, self.fleet, self.clock))
            tasks.create_task(keep_forgetting(self.api, self.tenants, self.engine, namespaces, self.clock))

    async def work(self) -> None:
        """Handle keys until cancelled; what runs then gets the drain time to finish."""
        drain = self.settings.drain_timeout.total_seconds() / 2
        await run_workers(self.queue, self.engine.handle, self.settings.workers, drain)


@asynccontextmanager
async def assemble(
    settings: Settings, configuration: Configuration, clock: Clock | None = None
) -> AsyncIterator[Process]:
    """Make the parts; on leaving, close the connections."""
    clock = clock or SystemClock()
    registry = CollectorRegistry()
    metrics = OperatorMetrics(registry)
    connection = KubeConnection(
        configuration, concurrency=settings.api_concurrency, clock=clock, observer=metrics.api_call
    )
    api = KubeApi(connection)
    tenants, fleet_cache, fleet = TenantCache(settings.cluster_id), FleetCache(), Fleet()
    queue: WorkQueue[Key] = WorkQueue(
        clock=clock, fairness=_fairness(settings, tenants), observer=metrics.queue_observer("tenants")
    )
    metrics.watch_queues({"tenants": queue})
    clients = Clients(
        metrics.outside_request,
        clock,
        meta_base_url=settings.meta_base_url,
        meta_version=settings.meta_api_version,
    )
    shards = _shards(settings, api, clock, clients)
    first_lists = FirstLists(queue, fleet, shards, tenants.needs)
    wakers = Wakers(queue, tenants, fleet_cache, shards, first_lists, settings.operator_namespace)
    versions = MetadataWatch(
        api, wakers.referent_changed, namespaces=_secret_namespaces(settings), clock=clock
    )
    namespaces = NamespaceLabels(api, wakers.namespace_changed, clock=clock)
    claims = NumberClaims(api, settings.operator_namespace, clock=clock)
    recorder = EventRecorder(api, instance=_instance_name(), clock=clock, on_dropped=metrics.event_dropped)
    fleet_objects = KubeFleetObjects(api, fleet_cache)
    context = Context(
        policy=_policy(settings),
        fleet=fleet,
        tenants=KubeTenants(api, tenants),
        secrets=KubeSecrets(api, versions),
        config_maps=KubeConfigMaps(api, versions),
        namespaces=namespaces,
        claims=KubeClaims(claims),
        ledger=fleet_objects,
        spending_ledger=fleet_objects,
        events=KubeEvents(recorder),
        fleet_objects=fleet_objects,
        tenant_index=tenants,
        wake=wakers,
        shards=shards,
        clients=clients,
        clock=clock,
    )
    register_fleet_gauges(metrics, fleet, tenants)
    metrics.add_gauge(
        "shards_held_ratio", "Part of all shards that this process works on.", lambda: {(): shards.share}
    )
    engine = Engine(
        context, queue, tenants, fleet_cache, shards, first_lists, metrics, jitter=settings.resync_jitter
    )
    try:
        yield Process(
            settings=settings,
            configuration=configuration,
            registry=registry,
            api=api,
            claims=claims,
            engine=engine,
            queue=queue,
            tenants=tenants,
            fleet=fleet,
            secret_versions=versions,
            namespace_labels=namespaces,
            recorder=recorder,
            shards=shards,
            pairing=PairingApi(context, tenants, Access(api)),
            clock=clock,
        )
    finally:
        await _close_clients(fleet)
        await clients.close()
        await connection.close()


def _policy(settings: Settings) -> Policy:
    return Policy(
        cluster_id=settings.cluster_id,
        operator_namespace=settings.operator_namespace,
        number_poll_interval=settings.number_poll_interval,
        instance_poll_interval=settings.instance_poll_interval,
        deep_check_interval=settings.deep_check_interval,
        sale_check_interval=settings.sale_check_interval,
        retain_timeout=settings.retain_timeout,
        irreversible_per_hour=settings.irreversible_per_hour,
        repairs_per_hour=settings.repairs_per_hour,
    )


def _shards(settings: Settings, api: KubeApi, clock: Clock, clients: Clients) -> Sharding:
    if settings.shards == 0:
        return EveryShard()
    # A process that is started again under the same name is another one: the Leases of the last one are not its own.
    identity = f"{_instance_name()}-{uuid.uuid4().hex[:8]}"
    return LeaseShards(
        ShardLeases(api, settings.operator_namespace, identity, clock),
        identity,
        shards=settings.shards,
        duration=settings.lease_duration.total_seconds(),
        clock=clock,
        on_share=clients.divide,
    )


def _fairness(settings: Settings, tenants: TenantCache) -> Fairness[Key]:
    def lane_of(key: Key) -> str | None:
        return tenants.lane(key)

    return Fairness(
        lane_of=lane_of,
        workers=settings.workers,
        share=settings.workers_per_account,
        reserve=settings.workers_reserved,
    )


def _secret_namespaces(settings: Settings) -> tuple[str, ...]:
    """With a list of namespaces the operator's own comes too: providers' Secrets are there."""
    if not settings.namespaces:
        return ()
    return tuple({*settings.namespaces, settings.operator_namespace})


def _instance_name() -> str:
    return os.environ.get("POD_NAME") or socket.gethostname()


async def _close_clients(fleet: Fleet) -> None:
    accounts = [a.client.close() for a in fleet.accounts.values() if a.client is not None]
    servers = [s.client.close() for s in fleet.servers.values() if s.client is not None]
    await asyncio.gather(*accounts, *servers, return_exceptions=True)
