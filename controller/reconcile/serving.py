"""What providers and servers have in common: they go only when nobody is served any more, and are polled."""

from datetime import timedelta

from controller.api.common_fields import ApiModel, parse_duration
from controller.reconcile.fleet_object import FleetObject
from controller.reconcile.next_look import BackOff
from controller.reconcile.ports import FleetObjects, ObjectChangedError
from controller.reconcile.verdict import Again, Verdict


async def goes_now(member: FleetObject[ApiModel], objects: FleetObjects, *, serving: bool) -> bool:
    """Hold the finalizer; True once the object is being deleted and serves nobody.

    Deleted, it goes on serving its tenants and gets no new ones. Raises `ObjectChangedError` after a write, so
    that the pass goes on with what was written.
    """
    if member.deleted_at is None and not member.has_finalizer:
        await objects.add_finalizer(member.key, member.resource_version, member.finalizers)
        raise ObjectChangedError(f"{member.key} got its finalizer")
    if member.deleted_at is not None and member.has_finalizer and not serving:
        await objects.remove_finalizer(member.key, member.resource_version, member.finalizers)
        return True
    return False


def poll_interval(given: str | None, default: timedelta) -> timedelta:
    """What the object's spec says, else what the operator's settings say."""
    return parse_duration(given) if given is not None else default


def poll_delay(member: FleetObject[ApiModel], verdict: Verdict, poll: timedelta, back_off: BackOff) -> float:
    """Seconds until the next poll; after a failure the back-off, but never rarer than the poll itself."""
    if verdict.again is Again.BACK_OFF:
        delay = back_off.delay_after_failure(member.key, at_least=verdict.after)
        return min(delay, max(poll.total_seconds(), verdict.after or 0.0))
    back_off.forget(member.key)
    return poll.total_seconds()
