"""What every step of the engine works with: the fleet, the ports and the policy."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.clock import Clock
from controller.reconcile.fleet import Fleet
from controller.reconcile.ports import (
    Claims,
    ClientFactory,
    ConfigMaps,
    Events,
    FleetObjects,
    Ledger,
    Namespaces,
    Secrets,
    Shards,
    SpendingLedger,
    TenantIndex,
    Tenants,
    Wake,
)
from controller.reconcile.tenant_object import TenantKey
from controller.reconcile.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Policy:
    """Numbers that bound what the engine does; each is a setting of the operator."""

    cluster_id: str
    operator_namespace: str = "tenant-system"
    number_poll_interval: timedelta = timedelta(minutes=5)
    instance_poll_interval: timedelta = timedelta(seconds=30)
    deep_check_interval: timedelta = timedelta(minutes=30)
    retain_timeout: timedelta = timedelta(minutes=10)
    irreversible_per_hour: int = 5
    repairs_per_hour: int = 3
    sale_check_interval: timedelta = timedelta(minutes=10)
    connect_interval: timedelta = timedelta(seconds=60)
    template_review_interval: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class RefusedPurchase:
    """A provider refused to sell to a tenant as its spec stands: asking again would be refused again.

    It holds for this generation of the spec and while the account is the same (`turns` of the account).
    """

    account: str
    turns: int
    generation: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class OpenedFor:
    """An instance's socket was opened for a pairing code of this E.164 number."""

    number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CreationBegun:
    """A server was asked for a tenant's instance, and what became of it is not known. `at`: when it was given up."""

    server: str
    at: datetime


@dataclass(slots=True)
class Memory:
    """What one process remembers of tenants; losing it costs a few extra reads, never money."""

    deep_checked_at: dict[TenantKey, datetime] = field(default_factory=dict)
    connected_at: dict[TenantKey, datetime] = field(default_factory=dict)
    # When a person last asked for a code to pair with.
    looked_at: dict[TenantKey, datetime] = field(default_factory=dict)
    opened_for: dict[TenantKey, OpenedFor] = field(default_factory=dict)
    creations: dict[TenantKey, CreationBegun] = field(default_factory=dict)
    claims_held: dict[TenantKey, tuple[str, str]] = field(default_factory=dict)
    # Account and number of claims whose answer is awaited.
    being_claimed: set[tuple[str, str]] = field(default_factory=set)
    refused_purchases: dict[TenantKey, RefusedPurchase] = field(default_factory=dict)
    meta_checked_at: dict[TenantKey, datetime] = field(default_factory=dict)
    templates_listed_at: dict[TenantKey, datetime] = field(default_factory=dict)

    def forget(self, key: TenantKey) -> None:
        """The tenant is gone."""
        self.deep_checked_at.pop(key, None)
        self.connected_at.pop(key, None)
        self.looked_at.pop(key, None)
        self.opened_for.pop(key, None)
        self.creations.pop(key, None)
        self.claims_held.pop(key, None)
        self.refused_purchases.pop(key, None)
        self.meta_checked_at.pop(key, None)
        self.templates_listed_at.pop(key, None)


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to every step."""

    policy: Policy
    fleet: Fleet
    tenants: Tenants
    secrets: Secrets
    config_maps: ConfigMaps
    namespaces: Namespaces
    claims: Claims
    ledger: Ledger
    spending_ledger: SpendingLedger
    events: Events
    fleet_objects: FleetObjects
    tenant_index: TenantIndex
    wake: Wake
    shards: Shards
    clients: ClientFactory
    clock: Clock
    memory: Memory = field(default_factory=Memory)
