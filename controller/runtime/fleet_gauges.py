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
    _register_money(metrics, fleet)
    metrics.add_counter(
        "tenant_calls",
        "Calls to tenants' numbers since the operator started, where the provider lists calls.",
        lambda: _calls(fleet, tenants),
        labels=("namespace", "tenant"),
    )
    metrics.add_gauge("server_instances", "Instances on a server.", instances, labels=("server",))
    metrics.add_counter(
        "server_session_changes",
        "Sessions that opened or closed since the operator started.",
        lambda: {(s.name,): s.instances.changes for s in fleet.servers.values()},
        labels=("server",),
    )
    metrics.add_gauge(
        "server_orphans",
        "Instances named as ours are that no tenant has.",
        lambda: {(s.name,): s.orphans for s in fleet.servers.values() if s.instances.listed.proven},
        labels=("server",),
    )
    metrics.add_counter(
        "tenant_session_seconds",
        "How long a tenant's WhatsApp session was seen open since the operator started.",
        lambda: _open_seconds(fleet, tenants),
        labels=("namespace", "tenant"),
    )
    metrics.add_gauge("server_sessions_open", "Sessions that are open.", sessions_open, labels=("server",))
    metrics.add_gauge(
        "fleet_ready", "1 while an account or server can be used.", ready, labels=("kind", "name")
    )
    metrics.add_gauge("tenants", "Tenants in the cache.", lambda: {(): float(len(tenants))})


def _register_money(metrics: OperatorMetrics, fleet: Fleet) -> None:
    """What is ours in every account, what it costs, and what of it nobody needs."""

    def managed() -> Samples:
        samples: dict[tuple[str, ...], float] = {}
        for account in fleet.accounts.values():
            for holding in account.holdings:
                key = (account.name, holding.country)
                samples[key] = samples.get(key, 0) + holding.numbers
        return samples

    def monthly_cost() -> Samples:
        samples: dict[tuple[str, ...], float] = {}
        for account in fleet.accounts.values():
            for holding in account.holdings:
                if (cost := holding.monthly_cost) is not None:
                    key = (account.name, holding.country, cost.currency)
                    samples[key] = samples.get(key, 0.0) + float(cost.amount)
        return samples

    def unpriced() -> Samples:
        return {
            (a.name,): sum(h.numbers for h in a.holdings if h.price is None) for a in fleet.accounts.values()
        }

    def orphans() -> Samples:
        return {(a.name,): a.orphans for a in fleet.accounts.values() if a.listed.proven}

    metrics.add_gauge(
        "provider_numbers_managed",
        "Numbers of ours in an account.",
        managed,
        labels=("provider", "country"),
    )
    metrics.add_gauge(
        "provider_monthly_cost",
        "What the numbers of ours in an account cost a month.",
        monthly_cost,
        labels=("provider", "country", "currency"),
    )
    metrics.add_gauge(
        "provider_numbers_unpriced",
        "Numbers of ours whose price the provider does not tell.",
        unpriced,
        labels=("provider",),
    )
    metrics.add_gauge(
        "provider_orphans",
        "Numbers of ours that no tenant has, and undecided purchases.",
        orphans,
        labels=("provider",),
    )


def _calls(fleet: Fleet, tenants: TenantCache) -> Samples:
    samples: dict[tuple[str, ...], float] = {}
    for account in fleet.accounts.values():
        for number, count in account.calls.counts.items():
            key = tenants.holding_number(number)
            if key is not None:
                samples[key.namespace, key.name] = samples.get((key.namespace, key.name), 0) + count
    return samples


def _open_seconds(fleet: Fleet, tenants: TenantCache) -> Samples:
    samples: dict[tuple[str, ...], float] = {}
    for server in fleet.servers.values():
        for name, key in tenants.on_server(server.name).items():
            samples[key.namespace, key.name] = server.instances.open_seconds[name]
    return samples
