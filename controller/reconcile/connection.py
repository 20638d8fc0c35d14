"""Is WhatsApp connected, on the right number, and whose turn is it if not. Pure."""

from datetime import datetime, timedelta
from typing import Final

from controller.api.business_tenant import Channel
from controller.api.conditions import Reason
from controller.providers.evolution.protocol import InstanceRow, SessionState
from controller.providers.whatsapp_numbers import same_whatsapp_number
from controller.reconcile.change import Change, StartPairing
from controller.reconcile.cloud_api.plan import stands_in_the_way
from controller.reconcile.context import Policy
from controller.reconcile.desired import DesiredInstance, DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.observed import InstanceObserved, NumberObserved
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict

# Only these codes end a pairing; every other close is healed by Evolution itself (measured).
TERMINAL_DISCONNECTS: Final = frozenset({401, 402, 403, 406})


def plan_connection(
    desired: DesiredTenant,
    number: NumberObserved,
    observed: InstanceObserved,
    policy: Policy,
    now: datetime,
) -> FacetPlan:
    """At most one change: offering a code to pair with."""
    wanted, row = desired.instance, observed.row
    if wanted is None:
        return FacetPlan.say(NOT_REQUESTED)
    if observed.unreachable is not None:
        return FacetPlan.say(observed.unreachable)
    in_the_way = stands_in_the_way(desired, number, observed)
    if in_the_way is not None:
        return FacetPlan.say(in_the_way)
    if row is None:
        return FacetPlan.say(Verdict.waiting(Reason.WAITING_FOR_INSTANCE, "There is no instance yet."))
    if observed.state is SessionState.OPEN:
        return FacetPlan.say(_say_open(wanted, number, row))
    if observed.state is None:
        return FacetPlan.say(
            Verdict.waiting(Reason.CONNECTING, f"{observed.server} has not loaded {row.name} yet.")
        )
    if wanted.channel is not Channel.BAILEYS:
        return FacetPlan.say(
            Verdict.waiting(
                Reason.CONNECTING,
                f"{row.name} was logged out; an instance of this channel opens again when its server restarts.",
            )
        )
    if not needs_pairing(row):
        return FacetPlan.say(
            Verdict.waiting(
                Reason.CONNECTING,
                f"{row.name} is paired and reconnects by itself; nobody needs to do anything.",
            )
        )
    return _pair(number, observed, policy, now)


def _say_open(wanted: DesiredInstance, number: NumberObserved, row: InstanceRow) -> Verdict:
    if wanted.channel is Channel.EVOLUTION:
        return Verdict.good(Reason.CONNECTED, "The test channel is open.")
    if wanted.channel is Channel.CLOUD_API:
        return Verdict.good(Reason.CONNECTED, f"WhatsApp is connected on {row.owner_number} through Meta.")
    tenants_number = number.recorded.number if number.recorded else None
    if wrong_number(wanted, number, row):
        return Verdict.waiting(
            Reason.WRONG_NUMBER,
            f"The instance is paired with {row.owner_number}, but the tenant's number is {tenants_number}. It gets no"
            " routing. Unlink the device on that phone and pair the right one, or set whatsapp.number: Any.",
        )
    if wanted.paired_number_is_tenants and row.owner_number is None:
        # Routing must not begin on a number that is not known yet.
        return Verdict.waiting(
            Reason.CONNECTING, "Connected; which number is paired is being read.", after=2.0
        )
    return Verdict.good(Reason.CONNECTED, f"WhatsApp is connected on {row.owner_number or 'its number'}.")


def wrong_number(wanted: DesiredInstance | None, number: NumberObserved, row: InstanceRow | None) -> bool:
    """Whether the instance is paired with a number that is known not to be the tenant's."""
    return (
        wanted is not None
        and wanted.channel is not Channel.EVOLUTION
        and wanted.paired_number_is_tenants
        and number.recorded is not None
        and row is not None
        and row.owner_number is not None
        and not same_whatsapp_number(row.owner_number, number.recorded.number or "")
    )


def needs_pairing(row: InstanceRow) -> bool:
    """Whether nobody is paired, or no longer.

    The row stays `open` through every outage and leaves it only at a terminal disconnect (measured).
    The owner stays in the row after an unlink, so it alone says nothing.
    """
    if row.owner_number is None:
        return True
    if row.disconnection_code in TERMINAL_DISCONNECTS:
        return row.stored_state is not SessionState.OPEN
    return False


def pairing_expired(
    since: datetime | None, looked_at: datetime | None, timeout: timedelta, now: datetime
) -> bool:
    """Whether codes were offered for so long, and nobody has looked for so long."""
    return since is not None and now - max(since, looked_at or since) >= timeout


def _pair(number: NumberObserved, observed: InstanceObserved, policy: Policy, now: datetime) -> FacetPlan:
    row = observed.row
    assert row is not None  # noqa: S101
    timeout = timedelta(seconds=observed.session_timeout_seconds)
    if pairing_expired(observed.pairing_since, observed.looked_at, timeout, now):
        return FacetPlan.say(
            Verdict.waiting(
                Reason.PAIRING_TIMED_OUT,
                f"Nobody paired {row.name} within {int(timeout.total_seconds() // 60)} minutes. Ask for a code"
                " again (docs/pairing.md): that starts a new pairing.",
            )
        )
    phone = number.recorded.number if number.recorded else "the business's number"
    verdict = Verdict.waiting(
        Reason.WAITING_FOR_PAIRING,
        f"Pair WhatsApp of {phone}: ask the operator for a code (docs/pairing.md), then on the phone open Linked"
        " devices, Link a device.",
        after=policy.connect_interval.total_seconds(),
    )
    tried = observed.connect_tried_at
    # A repeated connect starts parallel reconnect loops (measured): only on a closed one, and rarely.
    if observed.state is not SessionState.CLOSE or (tried and now - tried < policy.connect_interval):
        return FacetPlan.say(verdict)
    change = Change(
        Facet.CONNECTION, f"offer a pairing code of {row.name}", "it is not paired", StartPairing()
    )
    return FacetPlan((change,), verdict)
