"""The WhatsApp profile, written when connected and only when it differs.

Baileys: name and about line. They cannot all be read back, so the hash of what was applied stands in. The picture is
never touched: setting it opens a second session that replaces the first for ever (measured). Cloud API: the business
profile at Meta, read and compared when the wish changes and at every deep check.
"""

from controller.api.business_tenant import Channel
from controller.api.conditions import Reason
from controller.providers.meta.protocol import BusinessProfile
from controller.reconcile.change import Change, SetProfile
from controller.reconcile.cloud_api.credentials import meta_account
from controller.reconcile.cloud_api.desired import DesiredBusinessProfile
from controller.reconcile.desired import DesiredProfile, DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.instance.reach import reach
from controller.reconcile.observed import InstanceObserved
from controller.reconcile.run import Run
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict


def plan_profile(
    desired: DesiredTenant,
    applied: str | None,
    current: BusinessProfile | Verdict | None,
    connection: Verdict,
) -> FacetPlan:
    """At most one change. `current`: the business profile, why it cannot be read, or None where it was not. Pure."""
    wanted = desired.profile
    if wanted is None or desired.instance is None:
        return FacetPlan.say(NOT_REQUESTED)
    if desired.instance.channel is Channel.EVOLUTION:
        return FacetPlan.say(
            Verdict.good(Reason.UNSUPPORTED_CHANNEL, "The test channel has no WhatsApp profile.")
        )
    if isinstance(current, Verdict) and connection.ready:
        return FacetPlan.say(current)
    if isinstance(wanted, DesiredBusinessProfile) and isinstance(current, BusinessProfile):
        as_wanted = wanted.profile.is_met_by(current)
    else:
        as_wanted = wanted.fingerprint == applied
    if as_wanted:
        return FacetPlan.say(Verdict.good(Reason.SYNCED, f"{_parts(wanted)} as the spec says."))
    change = Change(
        Facet.PROFILE,
        _what(wanted),
        "they differ from what was applied last",
        SetProfile() if connection.ready else None,
        after=_after(wanted),
        repairs="profile" if isinstance(wanted, DesiredBusinessProfile) else None,
    )
    if not connection.ready:
        return FacetPlan(
            (change,),
            Verdict.waiting(
                Reason.WAITING_FOR_CONNECTION, "The profile is written once WhatsApp is connected."
            ),
        )
    return FacetPlan((change,), Verdict.waiting(Reason.CONFIGURING, "Writing the profile."))


def applied_profile(
    desired: DesiredTenant, recorded: str | None, current: BusinessProfile | Verdict | None
) -> str | None:
    """Hash of what is applied: a profile that is as wanted already counts as applied. Pure."""
    wanted = desired.profile
    if isinstance(wanted, DesiredBusinessProfile) and isinstance(current, BusinessProfile):
        return wanted.fingerprint if wanted.profile.is_met_by(current) else recorded
    return recorded


async def apply_profile(instance: InstanceObserved, run: Run) -> str:
    """Write it; answers the fingerprint of what is applied now. Raises `OutsideError`."""
    wanted = run.desired.profile
    assert wanted is not None  # noqa: S101
    assert instance.row is not None  # noqa: S101  # planned only where connected
    if isinstance(wanted, DesiredBusinessProfile):
        cloud_api = run.desired.instance.cloud_api if run.desired.instance else None
        assert cloud_api is not None  # noqa: S101  # such a profile is wanted on the Cloud API only
        async with meta_account(run.tenant.key, cloud_api, run.context) as account:
            await account.set_profile(wanted.profile)
        return wanted.fingerprint
    _, client = reach(instance.server, run)
    await client.set_profile_name(instance.row.name, wanted.name)
    if wanted.about is not None:
        await client.set_profile_about(instance.row.name, wanted.about)
    return wanted.fingerprint


def _parts(wanted: DesiredProfile | DesiredBusinessProfile) -> str:
    if isinstance(wanted, DesiredBusinessProfile):
        return "The business profile is"
    return "Name and about line are"


def _what(wanted: DesiredProfile | DesiredBusinessProfile) -> str:
    if isinstance(wanted, DesiredBusinessProfile):
        return "set the business profile at Meta"
    return "set the WhatsApp name and about line"


def _after(wanted: DesiredProfile | DesiredBusinessProfile) -> str | None:
    if isinstance(wanted, DesiredBusinessProfile):
        return wanted.profile.about
    return wanted.name if wanted.about is None else f"{wanted.name}: {wanted.about}"
