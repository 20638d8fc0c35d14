"""What status keeps of message templates, beside what Meta tells of them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from controller.api.business_tenant_status import TemplateRecord
from controller.providers.meta.protocol import Component, Template, TemplateStatus
from controller.reconcile.cloud_api.desired import DesiredTemplate
from controller.reconcile.observed import TemplateKey
from controller.reconcile.timestamps import parse

REASON_LIMIT: Final = 256
# Meta lets an approved template be edited once a day, and keeps the name of a deleted one for about 30 days.
BETWEEN_EDITS: Final = timedelta(days=1)
BETWEEN_NAME_TRIES: Final = timedelta(days=1)


class OwnState(StrEnum):
    """States that Meta has no word for, because it did not take the template."""

    REFUSED = "Refused"
    NAME_BLOCKED = "NameBlocked"


def state_of(status: TemplateStatus) -> str:
    """`PENDING_DELETION` -> `PendingDeletion`."""
    return "".join(word.capitalize() for word in status.value.split("_"))


APPROVED: Final = state_of(TemplateStatus.APPROVED)
UNDER_REVIEW: Final = frozenset(state_of(s) for s in (TemplateStatus.PENDING, TemplateStatus.IN_APPEAL))
EDITABLE: Final = frozenset({TemplateStatus.APPROVED, TemplateStatus.REJECTED, TemplateStatus.PAUSED})
# Meta deletes neither what it disabled nor what goes already.
NOT_REMOVABLE: Final = frozenset(
    {TemplateStatus.DISABLED, TemplateStatus.PENDING_DELETION, TemplateStatus.DELETED}
)


def key_of(template: DesiredTemplate) -> TemplateKey:
    """Under which Meta lists it."""
    return (template.meta_name, template.language)


def record_of(template: DesiredTemplate, records: Sequence[TemplateRecord]) -> TemplateRecord | None:
    """Its record, if there is one."""
    return next((r for r in records if (r.meta_name, r.language) == key_of(template)), None)


def brought_up_to_date(
    wanted: Sequence[DesiredTemplate],
    records: Sequence[TemplateRecord],
    listed: Mapping[TemplateKey, Template],
    prefix: str,
    now: datetime,
) -> tuple[TemplateRecord, ...]:
    """Records of what is wanted as far as it is at Meta or was refused, then of what is there and to be removed."""
    fresh = []
    for template in wanted:
        before, there = record_of(template, records), listed.get(key_of(template))
        if there is not None:
            fresh.append(_fresh(template, before, there, now))
        elif before is not None and before.state in set(OwnState):
            fresh.append(before)
    keys = {key_of(template) for template in wanted}
    surplus = [t for key, t in listed.items() if key not in keys and t.status not in NOT_REMOVABLE]
    return (
        *fresh,
        *(
            TemplateRecord(
                name=t.name.removeprefix(prefix)[:200],
                language=t.language,
                meta_name=t.name,
                id=t.id,
                state=state_of(t.status),
            )
            for t in surplus
        ),
    )


def edit_waits_until(
    template: DesiredTemplate, record: TemplateRecord | None, now: datetime
) -> datetime | None:
    """When Meta takes the next edit of an approved template; None where it does now, or none is wanted."""
    if (
        record is None
        or record.state != APPROVED
        or record.applied_hash == template.fingerprint
        or record.edited_at is None
    ):
        return None
    until = parse(record.edited_at) + BETWEEN_EDITS
    return until if now < until else None


def may_be_sent(template: DesiredTemplate, record: TemplateRecord | None, now: datetime) -> bool:
    """Whether a template that Meta does not have is sent now, or again."""
    if record is None or record.applied_hash is None or record.applied_at is None:
        return True
    match record.state:
        case OwnState.REFUSED:
            return record.applied_hash != template.fingerprint or _edit_is_due_again(record, now)
        case OwnState.NAME_BLOCKED:
            return now - parse(record.applied_at) >= BETWEEN_NAME_TRIES
        case _:
            return True


def has_work(wanted: Sequence[DesiredTemplate], records: Sequence[TemplateRecord], now: datetime) -> bool:
    """Whether something is to be sent, edited or removed as far as the records tell, so that Meta is looked at now."""
    if len(records) > sum(record_of(template, records) is not None for template in wanted):
        return True
    for template in wanted:
        record = record_of(template, records)
        if record is None or record.state in set(OwnState):
            if may_be_sent(template, record, now):
                return True
        elif (
            record.applied_hash != template.fingerprint
            and record.state not in UNDER_REVIEW
            and record.state in {state_of(status) for status in EDITABLE}
            and edit_waits_until(template, record, now) is None
        ):
            return True
    return False


def _edit_is_due_again(record: TemplateRecord, now: datetime) -> bool:
    """A refused edit is tried once a day: somebody else may have used up the one that Meta allows."""
    if record.id is None or record.applied_at is None:
        return False
    return now - parse(record.applied_at) >= BETWEEN_EDITS


def _fresh(
    template: DesiredTemplate, before: TemplateRecord | None, there: Template, now: datetime
) -> TemplateRecord:
    same = before if before is not None and before.id == there.id else None
    if (
        same is not None
        and same.state == OwnState.REFUSED
        and same.applied_hash == template.fingerprint
        and not _edit_is_due_again(same, now)
    ):
        return same  # what Meta has is not what was refused
    applied = same.applied_hash if same is not None and same.state != OwnState.REFUSED else None
    if applied != template.fingerprint and _as_wanted(template, there):
        applied = template.fingerprint
    return TemplateRecord(
        name=template.name,
        language=template.language,
        meta_name=template.meta_name,
        id=there.id,
        state=state_of(there.status),
        reason=_reason(template, there),
        applied_hash=applied,
        applied_at=same.applied_at if same is not None else None,
        edited_at=same.edited_at if same is not None else None,
    )


def _as_wanted(template: DesiredTemplate, there: Template) -> bool:
    """Whether Meta has it already, as after a crash. An approved one's category cannot be edited, so it counts not."""
    same_category = there.category is template.category or there.status is TemplateStatus.APPROVED
    return same_category and _same_components(template.components, there.components)


def _same_components(wanted: Sequence[Component], there: Sequence[Component]) -> bool:
    """Meta adds fields of its own and changes no other."""
    return len(wanted) == len(there) and all(
        all(name in has and has[name] == value for name, value in wants.items())
        for wants, has in zip(wanted, there, strict=True)
    )


def _reason(template: DesiredTemplate, there: Template) -> str | None:
    if there.rejected_reason:
        return there.rejected_reason[:REASON_LIMIT]
    if there.category is not None and there.category is not template.category:
        return f"Meta has it in the category {there.category.value.capitalize()}."
    return None
