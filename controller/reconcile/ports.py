"""What the engine needs of Kubernetes, as small protocols; `runtime` implements them."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from controller.api.common_fields import SecretKeyReference
from controller.api.evolution_server import EvolutionServerSpec
from controller.api.group import Kind
from controller.api.phone_provider import IrreversibleAct, PhoneProviderSpec, Spending
from controller.providers.evolution.protocol import EvolutionServerClient
from controller.providers.meta.protocol import MetaAccount
from controller.providers.telephony.protocol import TelephonyAccount
from controller.reconcile.fleet_object import FleetKey
from controller.reconcile.tenant_object import InvalidTenant, Tenant, TenantKey


class ObjectChangedError(Exception):
    """A write carried a resourceVersion that is no longer the newest: read again and decide again."""


class Tenants(Protocol):
    """Tenant objects in the API server. Writes raise `ObjectChangedError` when the object moved on or is gone."""

    async def read(self, key: TenantKey) -> Tenant | None:
        """A quorum read: what the API server has now, not what a watch brought last."""

    async def add_finalizer(self, tenant: Tenant) -> Tenant: ...

    async def remove_finalizer(self, tenant: Tenant) -> None: ...

    async def patch_status(self, tenant: Tenant, patch: Mapping[str, Any]) -> Tenant:
        """One merge patch to /status that carries the tenant's resourceVersion."""

    async def patch_invalid_status(self, tenant: InvalidTenant, patch: Mapping[str, Any]) -> None:
        """The same for a tenant whose spec does not parse."""


class Secrets(Protocol):
    """Secrets by name; versions come from a metadata watch, values from a read when they are needed."""

    def version(self, namespace: str, name: str) -> str | None:
        """ResourceVersion of the Secret; None when there is none."""

    async def read(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Values of the Secret; None when there is none."""

    async def create_owned(self, tenant: Tenant, name: str, values: Mapping[str, str]) -> bool:
        """Create a Secret in the tenant's namespace that goes when the tenant goes; False where there is one."""

    async def write_owned(self, tenant: Tenant, name: str, values: Mapping[str, str]) -> None:
        """The same, and overwrite the one there is."""


class ConfigMaps(Protocol):
    """ConfigMaps by name, likewise."""

    def version(self, namespace: str, name: str) -> str | None:
        """ResourceVersion of the ConfigMap; None when there is none."""

    async def read(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Texts of the ConfigMap; None when there is none."""


class Namespaces(Protocol):
    """Namespaces as far as `spec.allowedNamespaces` needs them."""

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        """Labels of the namespace; None when they are not known."""


class ClaimResult(StrEnum):
    NEW = "new"  # free until now: nothing was begun under it
    OURS = "ours"  # this tenant's already: a purchase may be under way
    TAKEN = "taken"  # another tenant's


class Claims(Protocol):
    """Exclusion of every other worker and replica from one number; outlives a crash."""

    async def claim(self, account: str, number: str, tenant: Tenant) -> ClaimResult: ...

    async def release(self, account: str, number: str, tenant: Tenant) -> None: ...


class Ledger(Protocol):
    """Irreversible acts recorded in a provider's or server's status."""

    async def acts(self, kind: Kind, name: str) -> tuple[str, tuple[IrreversibleAct, ...]] | None:
        """ResourceVersion and recorded acts of the object, read now; None when the object is gone."""

    async def append(
        self, kind: Kind, name: str, resource_version: str, acts: tuple[IrreversibleAct, ...]
    ) -> None:
        """Replace the record; raises `ObjectChangedError` when somebody else wrote meanwhile."""


class SpendingLedger(Protocol):
    """What a provider's budget is held against, recorded in its status so that all replicas count as one."""

    async def spending(self, provider: str) -> tuple[str, Spending | None] | None:
        """ResourceVersion and record of the provider, read now; None when the provider is gone."""

    async def record_spending(self, provider: str, resource_version: str, spending: Spending) -> None:
        """Replace the record; raises `ObjectChangedError` when somebody else wrote meanwhile."""


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A sentence for `kubectl describe`."""

    type: EventType
    reason: str
    message: str


class Events(Protocol):
    def record(self, tenant: Tenant, announcement: Announcement) -> None:
        """Hand over a sentence; never raises, never waits."""


class FleetObjects(Protocol):
    """PhoneProvider and EvolutionServer objects in the API server."""

    async def patch_status(self, key: FleetKey, resource_version: str, patch: Mapping[str, Any]) -> str:
        """One merge patch to /status; answers the new resourceVersion. Raises `ObjectChangedError`."""

    async def add_finalizer(
        self, key: FleetKey, resource_version: str, finalizers: tuple[str, ...]
    ) -> str: ...

    async def remove_finalizer(
        self, key: FleetKey, resource_version: str, finalizers: tuple[str, ...]
    ) -> None: ...


class TenantIndex(Protocol):
    """Tenants by what they hold outside, from the cache."""

    def on_account(self, account: str) -> Collection[TenantKey]:
        """Tenants whose status names the account."""

    def on_server(self, server: str) -> Mapping[str, TenantKey]:
        """Instance name to tenant, for tenants whose status names the server."""

    def holding_number(self, number: str) -> TenantKey | None: ...

    def first_naming_number(self, number: str) -> TenantKey | None:
        """The oldest tenant whose spec names the number to take over."""

    def first_naming_instance(self, name: str) -> TenantKey | None:
        """The oldest tenant whose spec names the instance to take over."""

    def by_hash(self, tenant_hash: str) -> TenantKey | None:
        """The tenant whose namespace and name have this hash."""

    def by_instance_name(self, name: str) -> TenantKey | None:
        """The tenant whose derived or recorded instance name this is."""

    def unsettled(self) -> Collection[TenantKey]:
        """Tenants that lack a number or an instance that they ask for."""


class Wake(Protocol):
    """Bringing tenants back to the engine."""

    def wake(self, keys: Iterable[TenantKey], *, first_lists: bool = False) -> None:
        """Look at these tenants soon; `first_lists`: a start-up wave that must not delay fresh edits."""


class Shards(Protocol):
    """What of the fleet and the tenants this process works on."""

    def holds(self, key: object) -> bool:
        """Whether work on a tenant, provider or server may begin now."""

    def held_since(self, key: object) -> datetime:
        """Since when; what was listed before may be out of date."""

    def newest_acquisition(self) -> datetime:
        """When this process last got anything to work on."""


class MissingSecretKeyError(Exception):
    """A Secret lacks a key; the message names both."""


class ClientFactory(Protocol):
    """Clients of the outside world by spec and credentials."""

    def telephony(self, name: str, spec: PhoneProviderSpec, secret: Mapping[str, str]) -> TelephonyAccount:
        """Raises `MissingSecretKeyError`."""

    def evolution(
        self, name: str, spec: EvolutionServerSpec, api_key: str, metrics_secret: Mapping[str, str] | None
    ) -> EvolutionServerClient: ...

    def meta(
        self,
        reference: SecretKeyReference,
        secret: Mapping[str, str],
        *,
        phone_number_id: str,
        business_account_id: str,
    ) -> AbstractAsyncContextManager[MetaAccount]:
        """A number at Meta for as long as it is used. Entering raises `Terminal` where the Secret lacks the key."""
