"""How much a tenant is used, as far as bulk reads tell. Pure.

Figures by the minute are metrics. Status follows with another change, or when it is hours old: counting must not make
ten thousand tenants write.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from controller.api.business_tenant_status import BusinessTenantStatus, UsageStatus
from controller.api.conditions import ConditionType
from controller.reconcile.fleet import Fleet
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.timestamps import parse, stamp

OLDEST: Final = timedelta(hours=6)
# Tenants that became Ready together must not be written together.
SPREAD: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Usage:
    """`messages` the instance has stored in all, `calls` that began since the figures in status and by `until`.

    None where nobody tells.
    """

    until: datetime
    messages: int | None = None
    calls: int | None = None


def observe_usage(tenant: Tenant, fleet: Fleet, now: datetime) -> Usage | None:
    """What the snapshots tell of the tenant; None while a part of it is not known yet."""
    number, instance, before = tenant.status.phone_number, tenant.status.instance, tenant.status.usage
    server = fleet.servers.get(instance.server) if instance is not None else None
    row = server.instances.listed.get(instance.name) if server is not None and instance is not None else None
    messages = row.messages if row is not None else None
    account = fleet.accounts.get(number.provider or "") if number is not None else None
    if account is None or number is None or number.number is None or not account.calls.told:
        return Usage(now, messages)
    until = account.calls.complete_until
    if until is None:
        return None
    after = parse(before.updated_at) if before is not None else tenant.created_at
    return Usage(until, messages, account.calls.handled(number.number, after, until))


def with_usage(
    status: BusinessTenantStatus, tenant: Tenant, usage: Usage | None, now: datetime
) -> BusinessTenantStatus:
    """The status with the newest figures, where it is written anyway or its figures are old; else as it is."""
    before = tenant.status.usage
    fresh = _refreshed(before, tenant, usage) if usage is not None else before
    if fresh is None or fresh == before:
        return status
    written = status != tenant.status
    return status.model_copy(update={"usage": fresh}) if written or _is_old(tenant, now) else status


def _refreshed(before: UsageStatus | None, tenant: Tenant, usage: Usage) -> UsageStatus | None:
    """The figures of now; those of before when nothing was added, so that an unused tenant writes nothing."""
    calls_before = before.calls_handled if before is not None else None
    messages = usage.messages if usage.messages is not None else (before.messages if before else None)
    calls = calls_before if usage.calls is None else (calls_before or 0) + usage.calls
    if before is not None and (messages, calls) == (before.messages, calls_before):
        return before
    if not (messages or calls):
        return None
    return UsageStatus(
        messages=messages,
        calls_handled=calls,
        since=before.since if before is not None else stamp(tenant.created_at),
        updated_at=stamp(usage.until),
    )


def _is_old(tenant: Tenant, now: datetime) -> bool:
    ready = next((c for c in tenant.status.conditions or () if c.type == ConditionType.READY.value), None)
    before = tenant.status.usage
    last = before.updated_at if before is not None else (ready.last_transition_time if ready else None)
    return last is not None and now - parse(last) >= OLDEST + SPREAD * _share(tenant.uid)


def _share(uid: str) -> float:
    """The same fraction of one for the same tenant."""
    return hashlib.blake2b(uid.encode(), digest_size=1).digest()[0] / 256
