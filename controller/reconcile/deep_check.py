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


def seconds_to_deep_check(key: TenantKey, context: Context) -> float:
    """How long until a tenant's next one is due; a whole interval where it has none, or one that is overdue could not
    be made: what keeps it from being made brings the tenant back, or the next turn does.
    """
    interval = context.policy.deep_check_interval
    turns = (context.memory.deep_checked_at.get(key), context.memory.meta_checked_at.get(key))
    checked = min((turn for turn in turns if turn is not None), default=None)
    left = interval - (context.clock.now() - checked) if checked is not None else interval
    return (left if left.total_seconds() > 0 else interval).total_seconds()


def _first_turn(tenant: Tenant, context: Context) -> datetime:
    share = int(fingerprint(tenant.uid)[:8], 16) / 0xFFFFFFFF
    return context.clock.now() - share * context.policy.deep_check_interval
