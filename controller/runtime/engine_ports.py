"""The engine's remaining ports on Kubernetes: Secrets, claims, Events, and clients made of specs."""

import base64
import binascii
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from controller.api.common_fields import SecretKeyReference
from controller.api.conditions import Reason
from controller.api.evolution_server import EvolutionServerSpec
from controller.api.group import API_VERSION, Kind
from controller.api.phone_provider import PhoneProviderSpec
from controller.clock import Clock
from controller.providers import factory
from controller.providers.clock import Clock as ProvidersClock
from controller.providers.errors import NeedsHuman, Terminal
from controller.providers.evolution.protocol import EvolutionServerClient
from controller.providers.limits import Limiter
from controller.providers.meta.protocol import MetaAccount
from controller.providers.telephony.protocol import TelephonyAccount
from controller.providers.transport import Observer
from controller.reconcile.ports import Announcement, ClaimResult, EventType, MissingSecretKeyError
from controller.reconcile.tenant_object import Tenant
from controller.runtime.cluster import KubeApi
from controller.runtime.events import EventRecorder, EventSubject
from controller.runtime.kube_errors import ApiAlreadyExists, ApiForbidden
from controller.runtime.kube_resources import BUSINESS_TENANTS, CONFIG_MAPS, SECRETS
from controller.runtime.kube_wire import JsonObject
from controller.runtime.leases import AlreadyMine, Claimed, HeldBy, NumberClaims, claim_name
from controller.runtime.meta_clients import MetaClients
from controller.runtime.metadata_watch import MetadataWatch

CLAIM_ACCOUNT = "x-sevenai.com/account"
CLAIM_NUMBER = "x-sevenai.com/number"
CLAIM_TENANT = "x-sevenai.com/tenant"


class KubeSecrets:
    """Implements `Secrets`: versions from the metadata watch, values read by name when needed."""

    def __init__(self, api: KubeApi, versions: MetadataWatch) -> None:
        self._api = api
        self._versions = versions

    def version(self, namespace: str, name: str) -> str | None:
        return self._versions.version(SECRETS.kind, namespace, name)

    async def read(self, namespace: str, name: str) -> Mapping[str, str] | None:
        body = await self._api.get(SECRETS, name, namespace)
        if body is None:
            return None
        return {key: _decoded(value) for key, value in (body.get("data") or {}).items()}

    async def create_owned(self, tenant: Tenant, name: str, values: Mapping[str, str]) -> bool:
        try:
            await self._api.create(SECRETS, _owned_secret(tenant, name, values), tenant.key.namespace)
        except ApiAlreadyExists:
            return False
        except ApiForbidden as error:
            raise _may_not_write(tenant) from error
        return True

    async def write_owned(self, tenant: Tenant, name: str, values: Mapping[str, str]) -> None:
        if await self.create_owned(tenant, name, values):
            return
        body = _owned_secret(tenant, name, values)
        try:
            await self._api.merge_patch(SECRETS, name, body, tenant.key.namespace)
        except ApiForbidden as error:
            raise _may_not_write(tenant) from error


class KubeConfigMaps:
    """Implements `ConfigMaps` likewise."""

    def __init__(self, api: KubeApi, versions: MetadataWatch) -> None:
        self._api = api
        self._versions = versions

    def version(self, namespace: str, name: str) -> str | None:
        return self._versions.version(CONFIG_MAPS.kind, namespace, name)

    async def read(self, namespace: str, name: str) -> Mapping[str, str] | None:
        body = await self._api.get(CONFIG_MAPS, name, namespace)
        return None if body is None else dict(body.get("data") or {})


class KubeClaims:
    """Implements `Claims` with Leases."""

    def __init__(self, claims: NumberClaims) -> None:
        self._claims = claims

    async def claim(self, account: str, number: str, tenant: Tenant) -> ClaimResult:
        annotations = {CLAIM_ACCOUNT: account, CLAIM_NUMBER: number, CLAIM_TENANT: str(tenant.key)}
        result = await self._claims.claim(claim_name(account, number), tenant.uid, annotations)
        match result:
            case Claimed():
                return ClaimResult.NEW
            case AlreadyMine():
                return ClaimResult.OURS
            case HeldBy():
                return ClaimResult.TAKEN

    async def release(self, account: str, number: str, tenant: Tenant) -> None:
        await self._claims.release(claim_name(account, number), tenant.uid)


class KubeEvents:
    """Implements `Events`."""

    def __init__(self, recorder: EventRecorder) -> None:
        self._recorder = recorder

    def record(self, tenant: Tenant, announcement: Announcement) -> None:
        subject = EventSubject(BUSINESS_TENANTS, tenant.key.namespace, tenant.key.name, tenant.uid)
        tell = self._recorder.normal if announcement.type is EventType.NORMAL else self._recorder.warning
        tell(subject, announcement.reason, announcement.message)


class Clients:
    """Implements `ClientFactory`. Limits live as long as the process: a new client must not forget
    failures. `meta_base_url` and `meta_version` lead elsewhere than to Meta's current API.
    """

    def __init__(
        self, observer: Observer, clock: Clock, *, meta_base_url: str = "", meta_version: str = ""
    ) -> None:
        self._observer = observer
        self._clock = ProvidersClock(monotonic=clock.monotonic, sleep=clock.sleep)
        self._limiters: dict[str, tuple[object, Limiter]] = {}
        self._share = 1.0
        self._meta = MetaClients(observer, self._clock, base_url=meta_base_url, version=meta_version)

    def telephony(self, name: str, spec: PhoneProviderSpec, secret: Mapping[str, str]) -> TelephonyAccount:
        limiter = self._limiter(
            f"provider/{name}", spec.limits, lambda: factory.telephony_limiter(name, spec, clock=self._clock)
        )
        try:
            return factory.telephony_account(
                spec, secret, limiter=limiter, observer=self._observer, clock=self._clock
            )
        except Terminal as error:
            raise MissingSecretKeyError(error.message) from error

    def evolution(
        self, name: str, spec: EvolutionServerSpec, api_key: str, metrics_secret: Mapping[str, str] | None
    ) -> EvolutionServerClient:
        limiter = self._limiter(
            f"server/{name}", spec.limits, lambda: factory.evolution_limiter(name, spec, clock=self._clock)
        )
        try:
            return factory.evolution_client(
                spec,
                api_key,
                limiter=limiter,
                metrics_secret=metrics_secret,
                observer=self._observer,
                clock=self._clock,
            )
        except Terminal as error:
            raise MissingSecretKeyError(error.message) from error

    def divide(self, share: float) -> None:
        """Use so much of every budget from now on; the other replicas have the rest."""
        self._share = share
        for _, limiter in self._limiters.values():
            limiter.share = share

    def meta(
        self,
        reference: SecretKeyReference,
        secret: Mapping[str, str],
        *,
        phone_number_id: str,
        business_account_id: str,
    ) -> AbstractAsyncContextManager[MetaAccount]:
        return self._meta.account(
            reference, secret, phone_number_id=phone_number_id, business_account_id=business_account_id
        )

    async def close(self) -> None:
        """Close the clients of Meta; those of accounts and servers belong to the fleet."""
        await self._meta.close()

    def _limiter(self, name: str, limits: object, make: Callable[[], Limiter]) -> Limiter:
        known = self._limiters.get(name)
        if known is not None and known[0] == limits:
            return known[1]
        limiter = make()
        limiter.share = self._share
        self._limiters[name] = (limits, limiter)
        return limiter


def _owned_secret(tenant: Tenant, name: str, values: Mapping[str, str]) -> JsonObject:
    owner = {
        "apiVersion": API_VERSION,
        "kind": Kind.BUSINESS_TENANT.value,
        "name": tenant.key.name,
        "uid": tenant.uid,
    }
    return {
        "apiVersion": SECRETS.api_version,
        "kind": SECRETS.kind,
        "metadata": {"name": name, "namespace": tenant.key.namespace, "ownerReferences": [owner]},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def _may_not_write(tenant: Tenant) -> NeedsHuman:
    return NeedsHuman(
        f"The operator may not write Secrets in namespace {tenant.key.namespace}, where the instance's token"
        " belongs. Bind the ClusterRole tenant-operator-tokens to it there with a RoleBinding.",
        reason=Reason.FORBIDDEN,
    )


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""  # not text: none of the credentials we use
