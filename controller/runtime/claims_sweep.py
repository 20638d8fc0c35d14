"""Claims left behind by a crash between the last status write and the release of the claim."""

from dataclasses import dataclass

import structlog

from controller.reconcile.tenant_object import Tenant, TenantKey
from controller.runtime.engine_ports import CLAIM_TENANT
from controller.runtime.leases import Claim, NumberClaims
from controller.runtime.tenant_cache import TenantCache

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: claims released, and claims nobody can resolve because their tenant is gone."""

    released: int
    unresolved: tuple[Claim, ...]


async def sweep_claims(claims: NumberClaims, tenants: TenantCache) -> Swept:
    """Release every claim whose tenant has no purchase under way any more; needs a warm cache.

    A claim whose tenant is gone stays: its purchase may have happened, and the claim is the only trace of it.
    """
    released, unresolved = 0, []
    for claim in await claims.all():
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
