"""Not fighting: a field that somebody else keeps changing back is repaired three times an hour, then left. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from controller.api.business_tenant_status import Repair
from controller.reconcile.context import Policy
from controller.reconcile.timestamps import parse, stamp

WINDOW: Final = timedelta(hours=1)


def contended(field: str, repairs: Sequence[Repair], now: datetime, policy: Policy) -> bool:
    """Whether the field was repaired as often as is allowed within the last hour."""
    recent = [r for r in within_window(repairs, now) if r.field == field]
    return len(recent) >= policy.repairs_per_hour


def record_repair(field: str, repairs: Sequence[Repair], now: datetime) -> list[Repair]:
    """The record with one more repair, and without those older than an hour."""
    return [*within_window(repairs, now), Repair(field=field, at=stamp(now))][-32:]


def within_window(repairs: Sequence[Repair], now: datetime) -> list[Repair]:
    """Repairs of the last hour."""
    return [repair for repair in repairs if now - parse(repair.at) < WINDOW]
