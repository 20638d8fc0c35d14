"""Claims left behind by a crash between the last status write and the release of the claim."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from controller.clock import Clock
from controller.reconcile.tenant_object import Tenant, TenantKey
from controller.runtime.engine_ports import CLAIM_TENANT
from controller.runtime.kube_errors import ApiError
from controller.runtime.leases import Claim, NumberClaims
from controller.runtime.tenant_cache import TenantCache

log = structlog.get_logger(__name__)

# Between claim and intent a purchase leaves no other trace; no pass takes as long as this.
YOUNGEST_SWEPT: Final = timedelta(minutes=10)
SWEEP_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: claims released, and claims nobody can resolve because their tenant is gone."""

    released: int
    unresolved: tuple[Claim, ...]


async def keep_sweeping(claims: NumberClaims, tenants: TenantCache, clock: Clock) -> None:
    """Sweep now and every ten minutes until cancelled."""
    while True:
        try:
            await sweep_claims(claims, tenants, clock)
        except ApiError as error:
            log.warning("claims could not be swept; tried again later", problem=error.message)
        await clock.sleep(SWEEP_SECONDS)


async def sweep_claims(claims: NumberClaims, tenants: TenantCache, clock: Clock) -> Swept:
    """Release every older claim whose tenant has no purchase under way any more; needs a warm cache.

    Young claims are left: another process may have made one a moment before it writes its intent.
    A claim whose tenant is gone stays: its purchase may have happened, and the claim is the only trace of it.
    """
    released, unresolved = 0, []
    for claim in await claims.all():
        if clock.now() - claim.since < YOUNGEST_SWEPT:
            continue
        tenant = _holder(claim, tenants)
        if tenant is None:
            unresolved.append(claim)
            log.warning("a claim's tenant is gone", claim=claim.name, annotations=dict(claim.annotations))
        elif tenant.status.phone_number is None or tenant.status.phone_number.purchase is None:
            await claims.release(claim.name, claim.holder)
            released += 1
    return Swept(released, tuple(unresolved))


def _holder(claim: Claim, tenants: TenantCache) -> Tenant | None:
    namespace, _, name = claim.annotations.get(CLAIM_TENANT, "").partition("/")
    tenant = tenants.get(TenantKey(namespace, name))
    return tenant if isinstance(tenant, Tenant) and tenant.uid == claim.holder else None
