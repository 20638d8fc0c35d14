"""Claims left behind: by a crash before their release, or by a tenant that went in the middle of a purchase."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from controller.clock import Clock
from controller.reconcile.fleet import Fleet, PhoneAccount, UnresolvedClaim
from controller.reconcile.ownership import Mark
from controller.reconcile.tenant_object import Tenant, TenantKey
from controller.runtime.engine_ports import CLAIM_ACCOUNT, CLAIM_NUMBER, CLAIM_TENANT
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


async def keep_sweeping(claims: NumberClaims, tenants: TenantCache, fleet: Fleet, clock: Clock) -> None:
    """Sweep now and every ten minutes until cancelled."""
    while True:
        try:
            await sweep_claims(claims, tenants, fleet, clock)
        except ApiError as error:
            log.warning("claims could not be swept; tried again later", problem=error.message)
        await clock.sleep(SWEEP_SECONDS)


async def sweep_claims(claims: NumberClaims, tenants: TenantCache, fleet: Fleet, clock: Clock) -> Swept:
    """Release every older claim that no purchase needs any more; needs a warm cache.

    Young claims are left: another process may have made one a moment before it writes its intent. Of a tenant that
    is gone the claim may be the only trace of a purchase: it goes once the account's list shows what became of it,
    and stands in the account's orphans until then.
    """
    released, unresolved = 0, []
    for claim in await claims.all():
        if clock.now() - claim.since < YOUNGEST_SWEPT:
            continue
        tenant = _holder(claim, tenants)
        if tenant is None and not _is_settled(claim, fleet):
            unresolved.append(claim)
        elif (
            tenant is None
            or tenant.status.phone_number is None
            or tenant.status.phone_number.purchase is None
        ):
            await claims.release(claim.name, claim.holder)
            released += 1
    for account in fleet.accounts.values():
        account.unresolved = tuple(_of_account(account, unresolved))
    return Swept(released, tuple(unresolved))


def _is_settled(claim: Claim, fleet: Fleet) -> bool:
    """Whether a list that began after all that could still be under way shows what became of the purchase.

    Not in the account: it was never made. With a mark of ours: the mark tells whose it is. Without one the claim is
    all that tells (Vonage marks a number only after its purchase).
    """
    account = fleet.accounts.get(claim.annotations.get(CLAIM_ACCOUNT, ""))
    began_at = account.listed.began_at if account is not None else None
    if account is None or began_at is None or began_at - claim.since < YOUNGEST_SWEPT:
        return False
    owned = account.listed.get(claim.annotations.get(CLAIM_NUMBER, ""))
    return owned is None or Mark.parse(owned.settings.label) is not None


def _of_account(account: PhoneAccount, claims: Iterable[Claim]) -> Iterable[UnresolvedClaim]:
    for claim in claims:
        if claim.annotations.get(CLAIM_ACCOUNT) == account.name:
            number, tenant = claim.annotations.get(CLAIM_NUMBER, ""), claim.annotations.get(CLAIM_TENANT, "")
            yield UnresolvedClaim(number, tenant, claim.since)


def _holder(claim: Claim, tenants: TenantCache) -> Tenant | None:
    namespace, _, name = claim.annotations.get(CLAIM_TENANT, "").partition("/")
    tenant = tenants.get(TenantKey(namespace, name))
    return tenant if isinstance(tenant, Tenant) and tenant.uid == claim.holder else None
