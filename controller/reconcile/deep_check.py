"""When to look at what no list shows: seldom, and the tenants one after the other."""

from collections.abc import MutableMapping
from datetime import datetime

from controller.reconcile.context import Context
from controller.reconcile.fingerprint import fingerprint
from controller.reconcile.tenant_object import Tenant, TenantKey


def deep_check_due(checked_at: MutableMapping[TenantKey, datetime], tenant: Tenant, context: Context) -> bool:
    """Spread over the interval by tenant; a process that has not looked yet waits its turn like any other."""
    checked = checked_at.get(tenant.key)
    if checked is None:
        checked_at[tenant.key] = _first_turn(tenant, context)
        return False
    return context.clock.now() - checked >= context.policy.deep_check_interval


def _first_turn(tenant: Tenant, context: Context) -> datetime:
    share = int(fingerprint(tenant.uid)[:8], 16) / 0xFFFFFFFF
    return context.clock.now() - share * context.policy.deep_check_interval
