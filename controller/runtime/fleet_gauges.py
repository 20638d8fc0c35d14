"""Gauges of accounts, servers and tenants, read from memory when they are scraped."""

from controller.providers.evolution.protocol import SessionState
from controller.reconcile.fleet import Fleet
from controller.runtime.metrics import OperatorMetrics, Samples
from controller.runtime.tenant_cache import TenantCache


def register_fleet_gauges(metrics: OperatorMetrics, fleet: Fleet, tenants: TenantCache) -> None:
    """Numbers owned, instances and sessions, by the name of the provider or server."""

    def numbers() -> Samples:
        return {(a.name,): len(a.listed.rows) for a in fleet.accounts.values() if a.listed.proven}

    def instances() -> Samples:
        return {(s.name,): len(s.instances.listed.rows) for s in fleet.servers.values()}

    def sessions_open() -> Samples:
        return {
            (s.name,): sum(s.instances.live_state(n) is SessionState.OPEN for n in s.instances.listed.rows)
            for s in fleet.servers.values()
        }

    def ready() -> Samples:
        samples: dict[tuple[str, ...], float] = {}
        for account in fleet.accounts.values():
            samples["PhoneProvider", account.name] = float(account.problem is None)
        for server in fleet.servers.values():
            samples["EvolutionServer", server.name] = float(server.problem is None)
        return samples

    metrics.add_gauge("provider_numbers", "Numbers in an account.", numbers, labels=("provider",))
    metrics.add_gauge("server_instances", "Instances on a server.", instances, labels=("server",))
    metrics.add_gauge("server_sessions_open", "Sessions that are open.", sessions_open, labels=("server",))
    metrics.add_gauge(
        "fleet_ready", "1 while an account or server can be used.", ready, labels=("kind", "name")
    )
    metrics.add_gauge("tenants", "Tenants in the cache.", lambda: {(): float(len(tenants))})
