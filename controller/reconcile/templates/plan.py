"""What to do about a tenant's message templates, and what is to be said of them. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from controller.api.business_tenant_status import TemplateRecord
from controller.api.conditions import Reason
from controller.reconcile.change import Change, CreateTemplate, EditTemplate, RemoveTemplate
from controller.reconcile.cloud_api.desired import DesiredTemplate
from controller.reconcile.context import Policy
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.observed import TemplatesObserved
from controller.reconcile.templates.records import (
    APPROVED,
    EDITABLE,
    NOT_REMOVABLE,
    UNDER_REVIEW,
    OwnState,
    edit_waits_until,
    key_of,
    may_be_sent,
    record_of,
)
from controller.reconcile.timestamps import stamp
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict

# More templates than one pass sends: the next one comes soon.
NEXT_SENDING_SECONDS: Final = 1.0
CONNECTION_FIRST: Final = Verdict.waiting(
    Reason.WAITING_FOR_CONNECTION,
    "Message templates are sent once the tenant's number is connected through Meta; see WhatsAppConnected.",
)


def plan_templates(
    desired: DesiredTenant, observed: TemplatesObserved, connection: Verdict, policy: Policy, now: datetime
) -> FacetPlan:
    """What is new first, then what changed, then what goes; nothing where Meta's list was not read."""
    if not desired.templates and not observed.records:
        return FacetPlan.say(NOT_REQUESTED)
    if observed.problem is not None:
        return FacetPlan.say(observed.problem)
    changes = (
        *_creations(desired, observed, now),
        *_edits(desired, observed, now),
        *(_removals(desired, observed) if observed.held_back is None else ()),
    )
    if changes and not connection.ready:
        # Whoever deletes the tenant finds its templates by the instance that it has.
        return FacetPlan(tuple(replace(change, action=None) for change in changes), CONNECTION_FIRST)
    if changes:
        verdict = Verdict.waiting(
            Reason.CONFIGURING, f"{len(changes)} changes of templates at Meta.", after=NEXT_SENDING_SECONDS
        )
        return FacetPlan(changes, verdict)
    return FacetPlan.say(_say(desired.templates, observed, policy, now))


def _creations(desired: DesiredTenant, observed: TemplatesObserved, now: datetime) -> list[Change]:
    listed = observed.listed
    if listed is None:
        return []
    return [
        Change(
            Facet.TEMPLATES,
            f"send template {template} to Meta's review as {template.meta_name}",
            "Meta does not have it",
            CreateTemplate(template),
            after=template.category.value.capitalize(),
        )
        for template in desired.templates
        if key_of(template) not in listed
        and may_be_sent(template, record_of(template, observed.records), now)
    ]


def _edits(desired: DesiredTenant, observed: TemplatesObserved, now: datetime) -> list[Change]:
    changes = []
    for template in desired.templates:
        there = (observed.listed or {}).get(key_of(template))
        record = record_of(template, observed.records)
        if (
            there is None
            or record is None
            or record.applied_hash == template.fingerprint
            or there.status not in EDITABLE
            or edit_waits_until(template, record, now) is not None
        ):
            continue
        changes.append(
            Change(
                Facet.TEMPLATES,
                f"edit template {template}",
                "the spec changed; Meta reviews it again",
                EditTemplate(template, there),
            )
        )
    return changes


def _removals(desired: DesiredTenant, observed: TemplatesObserved) -> list[Change]:
    wanted = {key_of(template) for template in desired.templates}
    return [
        Change(
            Facet.TEMPLATES,
            f"delete template {there.name} ({there.language}) at Meta",
            "the spec no longer has it; Meta keeps its name for about 30 days",
            RemoveTemplate(there),
            irreversible=True,
        )
        for key, there in (observed.listed or {}).items()
        if key not in wanted and there.status not in NOT_REMOVABLE
    ]


def _say(
    wanted: Sequence[DesiredTemplate], observed: TemplatesObserved, policy: Policy, now: datetime
) -> Verdict:
    told = [(template, record_of(template, observed.records)) for template in wanted]
    failed = [(t, r) for t, r in told if r is not None and _is_bad(r)]
    blocked = [str(t) for t, r in told if r is not None and r.state == OwnState.NAME_BLOCKED]
    later = {str(t): until for t, r in told if (until := edit_waits_until(t, r, now)) is not None}
    reviewed = [str(t) for t, r in told if r is not None and r.state in UNDER_REVIEW]
    # Reviews are followed whatever is said first; what waits for a day finds its time among the deep checks.
    after = policy.template_review_interval.total_seconds() if reviewed else None
    if failed:
        words = " ".join(_say_bad(template, record) for template, record in failed)
        return Verdict.waiting(Reason.TEMPLATE_REJECTED, words, after=after)
    if blocked:
        return Verdict.waiting(
            Reason.TEMPLATE_NAME_BLOCKED,
            f"Meta keeps the name of a deleted template for about 30 days: {', '.join(blocked)}. It is tried again once"
            " a day; another name works at once.",
            after=after,
        )
    if observed.held_back is not None:
        return observed.held_back
    if later:
        return Verdict.waiting(
            Reason.CONFIGURING,
            f"Meta takes one edit of an approved template a day: {', '.join(later)} from"
            f" {stamp(min(later.values()))} on.",
            after=after,
        )
    if reviewed:
        return Verdict.waiting(
            Reason.WAITING_FOR_APPROVAL, f"Meta reviews {', '.join(reviewed)}.", after=after
        )
    what = "1 template" if len(wanted) == 1 else f"{len(wanted)} templates"
    return Verdict.good(Reason.AVAILABLE, f"Meta has approved {what}.")


def _is_bad(record: TemplateRecord) -> bool:
    return record.state not in {APPROVED, OwnState.NAME_BLOCKED, *UNDER_REVIEW}


def _say_bad(template: DesiredTemplate, record: TemplateRecord) -> str:
    reason = (record.reason or "no reason given").rstrip(".")
    return f"{template} is {record.state} at Meta: {reason}."
