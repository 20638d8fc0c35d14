"""The WhatsApp profile: name and about line, written when connected and only when they differ from what was applied.

They cannot all be read back, so the hash of what was applied stands in. The picture is never touched: setting it
opens a second session that replaces the first for ever (measured).
"""

from controller.api.business_tenant import Channel
from controller.api.conditions import Reason
from controller.reconcile.change import Change, SetProfile
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.instance.apply import reach
from controller.reconcile.observed import InstanceObserved
from controller.reconcile.run import Run
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict


def plan_profile(desired: DesiredTenant, applied: str | None, connection: Verdict) -> FacetPlan:
    """At most one change. Pure."""
    wanted = desired.profile
    if wanted is None or desired.instance is None:
        return FacetPlan.say(NOT_REQUESTED)
    if desired.instance.channel is not Channel.BAILEYS:
        return FacetPlan.say(
            Verdict.good(Reason.UNSUPPORTED_CHANNEL, "The test channel has no WhatsApp profile.")
        )
    if wanted.fingerprint == applied:
        return FacetPlan.say(Verdict.good(Reason.SYNCED, "Name and about line are as the spec says."))
    change = Change(
        Facet.PROFILE,
        "set the WhatsApp name and about line",
        "they differ from what was applied last",
        SetProfile() if connection.ready else None,
        after=wanted.name if wanted.about is None else f"{wanted.name}: {wanted.about}",
    )
    if not connection.ready:
        return FacetPlan(
            (change,),
            Verdict.waiting(
                Reason.WAITING_FOR_CONNECTION, "The profile is written once WhatsApp is connected."
            ),
        )
    return FacetPlan((change,), Verdict.waiting(Reason.CONFIGURING, "Writing the profile."))


async def apply_profile(instance: InstanceObserved, run: Run) -> str:
    """Write it; answers the fingerprint of what is applied now. Raises `OutsideError`."""
    wanted = run.desired.profile
    assert wanted is not None  # noqa: S101
    assert instance.row is not None  # noqa: S101  # planned only where connected
    _, client = reach(instance.server, run)
    await client.set_profile_name(instance.row.name, wanted.name)
    if wanted.about is not None:
        await client.set_profile_about(instance.row.name, wanted.about)
    return wanted.fingerprint
