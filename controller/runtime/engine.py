"""The way from a watch event to a pass of the engine: caches, one queue, and what wakes whom."""

import random
import time
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

import structlog

from controller.api.evolution_server import EvolutionServerSpec
from controller.api.group import Kind
from controller.api.phone_provider import PhoneProviderSpec
from controller.providers.errors import Retryable
from controller.providers.permit import NotPermittedError, permitted_while
from controller.reconcile.context import Context
from controller.reconcile.deep_check import seconds_to_deep_check
from controller.reconcile.evolution_server import forget_evolution_server, reconcile_evolution_server
from controller.reconcile.fleet import InstanceServer, PhoneAccount
from controller.reconcile.fleet_object import FleetKey, parse_fleet_object, ready_conditions
from controller.reconcile.next_look import AT_ONCE, ON_CHANGE, NextLook
from controller.reconcile.phone_provider import forget_phone_provider, reconcile_phone_provider
from controller.reconcile.ports import ObjectChangedError
from controller.reconcile.status import status_patch
from controller.reconcile.tenant import reconcile_tenant
from controller.reconcile.tenant_object import TenantKey
from controller.reconcile.verdict import Verdict
from controller.runtime.first_lists import FirstLists
from controller.runtime.fleet_objects import FleetCache
from controller.runtime.kube_errors import ApiConflict, ApiError, ApiUnavailable
from controller.runtime.kube_resources import CONFIG_MAPS
from controller.runtime.metrics import OperatorMetrics
from controller.runtime.queue import Priority, WorkQueue
from controller.runtime.sharding import Sharding
from controller.runtime.tenant_cache import TenantCache
from controller.runtime.workers import Failed, Requeue, Scheduled

log = structlog.get_logger(__name__)

Key = TenantKey | FleetKey
JITTER: Final = 0.1
SOON: Final = 1.0


class Wakers:
    """Implements `Wake`, and knows whom a changed Secret or ConfigMap concerns."""

    def __init__(
        self,
        queue: WorkQueue[Key],
        tenants: TenantCache,
        fleet: FleetCache,
        shards: Sharding,
        first_lists: FirstLists,
        operator_namespace: str,
    ) -> None:
        self._queue = queue
        self._shards = shards
        self._tenants = tenants
        self._fleet = fleet
        self._first_lists = first_lists
        self._operator_namespace = operator_namespace

    def wake(self, keys: Iterable[TenantKey], *, first_lists: bool = False) -> None:
        ours = [key for key in keys if self._shards.holds(key)]
        if first_lists:
            self._first_lists.add(ours)
            return
        for key in ours:
            self._queue.add(key, priority=Priority.RESYNC)

    def referent_changed(self, kind: str, namespace: str, name: str) -> None:
        """A Secret or ConfigMap appeared, changed or went. Our own token Secrets change nothing for their tenants."""
        if kind == CONFIG_MAPS.kind:
            for key in list(self._tenants.referring_to_config_map(namespace, name)):
                self._queue.add(key)
            return
        for key in list(self._tenants.referring_to_secret(namespace, name)):
            if name != f"{key.name}-evolution" and self._shards.holds(key):
                self._queue.add(key)
        if namespace == self._operator_namespace:
            for fleet_key in self._fleet.naming_secret(name):
                self._queue.add(fleet_key)

    def namespace_changed(self, namespace: str) -> None:
        """Its labels changed: tenants that lack something may be let in now, or no longer."""
        self.wake(key for key in self._tenants.unsettled() if key.namespace == namespace)


class QueueBackOff:
    """Implements `BackOff` with the queue's own count of failures; a failing key is put back by it."""

    def __init__(self, queue: WorkQueue[Key]) -> None:
        self._queue = queue

    def delay_after_failure(self, key: Hashable, *, at_least: float | None) -> float:
        assert isinstance(key, TenantKey | FleetKey)  # noqa: S101  # the engine has no other keys
        return self._queue.add_after_failure(key, at_least=at_least)

    def forget(self, key: Hashable) -> None:
        assert isinstance(key, TenantKey | FleetKey)  # noqa: S101
        self._queue.forget(key)


class Engine:
    """Feeds the caches, and handles keys. `context` is what every pass works with."""

    def __init__(
        self,
        context: Context,
        queue: WorkQueue[Key],
        tenants: TenantCache,
        fleet: FleetCache,
        shards: Sharding,
        first_lists: FirstLists,
        metrics: OperatorMetrics,
        *,
        jitter: float = JITTER,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self._context = context
        self._queue = queue
        self._tenants = tenants
        self._fleet = fleet
        self._shards = shards
        self._first_lists = first_lists
        self._metrics = metrics
        self._jitter = jitter
        self._random_unit = random_unit
        self._back_off = QueueBackOff(queue)

    def tenant_event(self, body: dict[str, Any], *, deleted: bool, initial: bool) -> None:
        """A version of a tenant from the watch; enqueues only what the engine would act on."""
        metadata = body["metadata"]
        key = TenantKey(metadata["namespace"], metadata["name"])
        named = self._tenants.named(key)
        if deleted:
            self._tenants.remove(key)
            self._queue.add(key)
        elif self._tenants.put(body) and self._shards.holds(key):
            if initial and not self._tenants.is_edited(key):
                self._first_lists.add([key])
            else:
                self._queue.add(key, priority=Priority.FRESH)
        if named != self._tenants.named(key):
            self._wake_next_naming(*named)

    def _wake_next_naming(self, number: str | None, instance: str | None) -> None:
        """A tenant no longer names what it wanted to take over: the next oldest that does may have it."""
        following = (
            self._tenants.first_naming_number(number) if number is not None else None,
            self._tenants.first_naming_instance(instance) if instance is not None else None,
        )
        for key in following:
            if key is not None:
                self._queue.add(key, priority=Priority.RESYNC)

    def fleet_event(self, kind: Kind, body: dict[str, Any], *, deleted: bool) -> None:
        """A version of a provider or server from the watch."""
        key = FleetKey(kind, body["metadata"]["name"])
        if deleted:
            self._fleet.remove(key)
            self._unreadable(kind).discard(key.name)
            self._queue.add(key)
        elif self._fleet.put(key, body):
            self._announce_to_fleet(key, body)
            self._queue.add(key)

    def seed_fleet(self, kind: Kind, bodies: Iterable[dict[str, Any]]) -> None:
        """All providers or servers, before any tenant is looked at: absence is proven against the whole fleet."""
        for body in bodies:
            key = FleetKey(kind, body["metadata"]["name"])
            self._fleet.put(key, body)
            self._announce_to_fleet(key, body)

    def seed_tenants(self, bodies: Iterable[dict[str, Any]]) -> None:
        """Some of all tenants there are; none is looked at before `begin`."""
        for body in bodies:
            self._tenants.put(body)

    def begin(self) -> None:
        """All there is has been seeded: look at what is ours."""
        self.acquired(self._shards.holds)

    async def handle(self, key: Key) -> Requeue:
        """One pass over one key."""
        began = time.perf_counter()
        if not self._is_ours(key):
            self._queue.forget(key)
            return Scheduled()
        try:
            look = await (self._tenant(key) if isinstance(key, TenantKey) else self._fleet_member(key))
        except NotPermittedError:
            self._metrics.reconciled("handed_over", time.perf_counter() - began)
            log.info("the pass ends here: another replica goes on with it", key=str(key))
            return Scheduled()
        except ApiError as error:
            self._metrics.reconciled("api_error", time.perf_counter() - began)
            log.warning("kubernetes refused", key=str(key), error=error.message)
            if isinstance(error, ApiConflict):
                return Failed(None)
            return Failed(error.after if isinstance(error, ApiUnavailable) else None)
        except Retryable as error:
            # Raised outside a facet's own handling; nothing is known to be wrong with the tenant.
            self._metrics.reconciled("retry", time.perf_counter() - began)
            log.warning("pass ended early", key=str(key), error=error.message)
            return Failed(error.after)
        self._metrics.reconciled("done", time.perf_counter() - began)
        if look is not None:
            self._schedule(key, look)
        return Scheduled()

    def acquired(self, is_among: Callable[[object], bool]) -> None:
        """Shards are ours now: look at all that is in them, and at every account and server anew.

        At those tenants first that somebody edited and waits for.
        """
        ours = [key for key in self._tenants if is_among(key)]
        for key in ours:
            if self._tenants.is_edited(key):
                self._queue.add(key)
        for member in self._fleet:
            self._queue.add(member)
        self._first_lists.begin(key for key in ours if not self._tenants.is_edited(key))

    def _is_ours(self, key: Key) -> bool:
        """Tenants are worked on by whoever has their shard. Accounts and servers are looked at by everybody who has
        any: each decides on lists of its own.
        """
        if isinstance(key, TenantKey):
            return key not in self._tenants or self._shards.holds(key)
        return self._shards.share > 0

    async def _tenant(self, key: TenantKey) -> NextLook | None:
        tenant = self._tenants.get(key)
        if tenant is None:
            self._context.memory.forget(key)
            self._queue.forget(key)
            return None
        with self._shards.working(key), permitted_while(lambda: self._shards.may_go_on(key)):
            return await reconcile_tenant(tenant, self._context, self._back_off)

    async def _fleet_member(self, key: FleetKey) -> NextLook | None:
        try:
            return await self._look_at(key)
        finally:
            self._first_lists.looked_at(key)

    async def _look_at(self, key: FleetKey) -> NextLook | None:
        body = self._fleet.get(key)
        if body is None:
            self._queue.forget(key)
            if key.kind is Kind.PHONE_PROVIDER:
                forget_phone_provider(key.name, self._context)
            else:
                forget_evolution_server(key.name, self._context)
            return None
        if key.kind is Kind.PHONE_PROVIDER:
            provider = parse_fleet_object(key.kind, body, PhoneProviderSpec)
            if isinstance(provider, Verdict):
                return await self._unparsable(key, body, provider)
            return await reconcile_phone_provider(provider, self._context, self._back_off)
        server = parse_fleet_object(key.kind, body, EvolutionServerSpec)
        if isinstance(server, Verdict):
            return await self._unparsable(key, body, server)
        return await reconcile_evolution_server(server, self._context, self._back_off)

    async def _unparsable(self, key: FleetKey, body: dict[str, Any], verdict: Verdict) -> NextLook:
        """Say on the object what is wrong with it; nothing else can be done with it."""
        log.error("object does not parse", key=str(key), problem=verdict.message)
        metadata, status = body["metadata"], body.get("status") or {}
        generation, now = metadata.get("generation", 0), self._context.clock.now()
        conditions = ready_conditions(verdict, generation, status.get("conditions") or (), now)
        said = {**status, "conditions": conditions, "observedGeneration": generation}
        patch = status_patch(status, said)
        try:
            if patch:
                await self._context.fleet_objects.patch_status(key, metadata["resourceVersion"], patch)
        except ObjectChangedError:
            return AT_ONCE
        return ON_CHANGE

    def _schedule(self, key: Key, look: NextLook) -> None:
        if look.after is None:
            if isinstance(key, TenantKey):
                # Moved to later only: a deep check that comes early is not due yet.
                spread = 1.0 + self._jitter * self._random_unit()
                delay = seconds_to_deep_check(key, self._context) * spread
                self._queue.add(key, delay=delay, priority=Priority.RESYNC)
            return
        delay = look.after
        if delay <= SOON:
            self._queue.add(key, delay=delay)  # in the middle of something that people wait for
            return
        spread = 1.0 + self._jitter * (2.0 * self._random_unit() - 1.0)
        self._queue.add(key, delay=delay * spread, priority=Priority.RESYNC)

    def _announce_to_fleet(self, key: FleetKey, body: dict[str, Any]) -> None:
        """Make the member known before its first pass: nothing is proven absent without having asked it."""
        fleet, unreadable = self._context.fleet, self._unreadable(key.kind)
        unreadable.discard(key.name)
        if key.kind is Kind.PHONE_PROVIDER:
            provider = parse_fleet_object(key.kind, body, PhoneProviderSpec)
            if not isinstance(provider, Verdict):
                fleet.accounts.setdefault(key.name, PhoneAccount(key.name, provider.spec))
            elif key.name not in fleet.accounts:
                unreadable.add(key.name)
            return
        server = parse_fleet_object(key.kind, body, EvolutionServerSpec)
        if not isinstance(server, Verdict):
            fleet.servers.setdefault(key.name, InstanceServer(key.name, server.spec))
        elif key.name not in fleet.servers:
            unreadable.add(key.name)

    def _unreadable(self, kind: Kind) -> set[str]:
        fleet = self._context.fleet
        return fleet.unreadable_accounts if kind is Kind.PHONE_PROVIDER else fleet.unreadable_servers
