"""Tenants that went while no watch told of it: a watch that begins anew tells what there is, not what there was."""

from collections.abc import Iterable
from typing import Final

import structlog

from controller.clock import Clock
from controller.reconcile.tenant_object import TenantKey
from controller.runtime.cluster import KubeApi
from controller.runtime.engine import Engine
from controller.runtime.kube_errors import ApiError
from controller.runtime.kube_resources import BUSINESS_TENANTS
from controller.runtime.tenant_cache import TenantCache

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 600.0


async def keep_forgetting(
    api: KubeApi, tenants: TenantCache, engine: Engine, namespaces: Iterable[str], clock: Clock
) -> None:
    """Forget every ten minutes what is gone, until cancelled."""
    while True:
        await clock.sleep(LOOK_SECONDS)
        try:
            await forget_vanished(api, tenants, engine, namespaces)
        except ApiError as error:
            log.warning("tenants could not be listed; tried again later", problem=error.message)


async def forget_vanished(
    api: KubeApi, tenants: TenantCache, engine: Engine, namespaces: Iterable[str]
) -> None:
    """Tell the engine of tenants that the cache had before a list that lacks them."""
    known = set(tenants)
    scopes: list[str | None] = [*namespaces] or [None]
    for namespace in scopes:
        listing = await api.list(BUSINESS_TENANTS, namespace, metadata_only=True)
        known -= {TenantKey(i["metadata"]["namespace"], i["metadata"]["name"]) for i in listing.items}
    for key in known:
        log.info("a tenant went unseen", tenant=str(key))
        metadata = {"namespace": key.namespace, "name": key.name}
        engine.tenant_event({"metadata": metadata}, deleted=True, initial=False)
