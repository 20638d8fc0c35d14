"""Tenant objects in the API server; our own answers go into the cache at once."""

from collections.abc import Mapping
from typing import Any

import structlog

from controller.api.group import TENANT_FINALIZER
from controller.reconcile.ports import ObjectChangedError
from controller.reconcile.tenant_object import InvalidTenant, Tenant, TenantKey
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiConflict, ApiInvalid, ApiNotFound
from controller.runtime.kube_resources import BUSINESS_TENANTS
from controller.runtime.kube_wire import JsonObject
from controller.runtime.tenant_cache import TenantCache

log = structlog.get_logger(__name__)


class KubeTenants:
    """Implements `Tenants`."""

    def __init__(self, api: KubeApi, cache: TenantCache) -> None:
        self._api = api
        self._cache = cache

    async def read(self, key: TenantKey) -> Tenant | None:
        body = await self._api.get(BUSINESS_TENANTS, key.name, key.namespace)
        if body is None:
            self._cache.remove(key)
            return None
        self._cache.put(body)
        tenant = Tenant.from_body(body)
        return tenant if isinstance(tenant, Tenant) else None

    async def add_finalizer(self, tenant: Tenant) -> Tenant:
        return await self._patch(tenant, _finalizers(tenant, (*tenant.finalizers, TENANT_FINALIZER)))

    async def remove_finalizer(self, tenant: Tenant) -> None:
        rest = tuple(f for f in tenant.finalizers if f != TENANT_FINALIZER)
        try:
            await self._api.merge_patch(
                BUSINESS_TENANTS, tenant.key.name, _finalizers(tenant, rest), tenant.key.namespace
            )
        except ApiNotFound:
            return  # gone already
        except ApiConflict as error:
            raise await self._changed(tenant.key, error) from error

    async def patch_status(self, tenant: Tenant, patch: Mapping[str, Any]) -> Tenant:
        body = {"metadata": {"resourceVersion": tenant.resource_version}, "status": dict(patch)}
        return await self._patch(tenant, body, subresource="status")

    async def patch_invalid_status(self, tenant: InvalidTenant, patch: Mapping[str, Any]) -> None:
        body = {"metadata": {"resourceVersion": tenant.resource_version}, "status": dict(patch)}
        key = tenant.key
        try:
            answer = await self._api.merge_patch(
                BUSINESS_TENANTS, key.name, body, key.namespace, subresource="status"
            )
        except (ApiConflict, ApiNotFound):
            return  # the next version brings it back
        except ApiInvalid as error:
            # The schema's rules refuse the whole object, so nothing can be said on it until it is corrected.
            log.warning("the status of an invalid tenant was refused", tenant=str(key), error=error.message)
            return
        self._cache.put(answer)

    async def _patch(self, tenant: Tenant, body: JsonObject, *, subresource: str | None = None) -> Tenant:
        key = tenant.key
        try:
            answer = await self._api.merge_patch(
                BUSINESS_TENANTS, key.name, body, key.namespace, subresource=subresource
            )
        except (ApiConflict, ApiNotFound) as error:
            raise await self._changed(key, error) from error
        self._cache.put(answer)
        written = Tenant.from_body(answer, tenant)
        if isinstance(written, InvalidTenant):
            raise ObjectChangedError(f"{key} no longer parses: {written.complaint}")
        return written

    async def _changed(self, key: TenantKey, error: Exception) -> ObjectChangedError:
        """Have the newest version in the cache before the tenant is looked at again."""
        await self.read(key)
        return ObjectChangedError(str(error))


def _finalizers(tenant: Tenant, finalizers: tuple[str, ...]) -> JsonObject:
    return {"metadata": {"resourceVersion": tenant.resource_version, "finalizers": list(finalizers)}}
