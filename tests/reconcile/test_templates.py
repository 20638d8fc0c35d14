"""Records of message templates against what Meta lists, and what is done about them."""

from datetime import timedelta
from typing import Any

import pytest

from controller.api.business_tenant_status import TemplateRecord
from controller.api.conditions import Reason
from controller.providers.meta.protocol import Template, TemplateCategory, TemplateStatus
from controller.reconcile.change import CreateTemplate, EditTemplate, RemoveTemplate
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.observed import TemplatesObserved
from controller.reconcile.templates.plan import plan_templates
from controller.reconcile.templates.records import brought_up_to_date, has_work, state_of
from controller.reconcile.timestamps import stamp
from controller.reconcile.verdict import Verdict

from .builders import NOW, OWNER, POLICY, desired

META_NAME = f"{OWNER.template_prefix}menu"
CONNECTED = Verdict.good(Reason.CONNECTED, "Connected.")
BODY = {"type": "BODY", "text": "Menu"}


def wanting(*languages: str, components: tuple[dict[str, Any], ...] = (BODY,)) -> DesiredTenant:
    cloud_api = {
        "phoneNumberID": "1",
        "businessAccountID": "2",
        "accessTokenSecretRef": {"name": "m", "key": "t"},
    }
    templates = [
        {"name": "menu", "language": language, "category": "Utility", "components": list(components)}
        for language in languages
    ]
    return desired(whatsapp={"channel": "CloudAPI", "cloudAPI": cloud_api, "templates": templates})


def listed(status: TemplateStatus = TemplateStatus.APPROVED, **changes: Any) -> Template:
    values: dict[str, Any] = {
        "id": "1",
        "name": META_NAME,
        "language": "lv",
        "status": status,
        "category": TemplateCategory.UTILITY,
        "components": (BODY,),
        **changes,
    }
    return Template(**values)


def record(spec: DesiredTenant, **changes: Any) -> TemplateRecord:
    (template,) = spec.templates
    values: dict[str, Any] = {
        "name": "menu",
        "language": "lv",
        "meta_name": META_NAME,
        "id": "1",
        "state": "Approved",
        "applied_hash": template.fingerprint,
        "applied_at": stamp(NOW),
        **changes,
    }
    return TemplateRecord(**values)


def planned(spec: DesiredTenant, there: tuple[Template, ...], *records: TemplateRecord) -> FacetPlan:
    at_meta = {(t.name, t.language): t for t in there}
    fresh = brought_up_to_date(spec.templates, records, at_meta, OWNER.template_prefix, NOW)
    return plan_templates(spec, TemplatesObserved(fresh, at_meta), CONNECTED, POLICY, NOW)


def actions(plan: FacetPlan) -> list[type]:
    return [type(change.action) for change in plan.changes]


def test_what_is_missing_is_sent_and_what_is_left_over_goes() -> None:
    over = listed(language="en", id="2")
    plan = planned(wanting("lv", "et"), (listed(), over))
    assert actions(plan) == [CreateTemplate, RemoveTemplate]
    assert [change.irreversible for change in plan.changes] == [False, True]


@pytest.mark.parametrize(
    "there",
    [
        listed(),
        listed(components=({**BODY, "added_by_meta": True},)),
        listed(TemplateStatus.PENDING),
        listed(category=TemplateCategory.MARKETING),
    ],
    ids=["same", "with-more-fields", "under-review", "recategorised"],
)
def test_what_meta_has_already_is_not_sent_again(there: Template) -> None:
    spec = wanting("lv")
    assert planned(spec, (there,)).changes == ()
    (known,) = brought_up_to_date(spec.templates, (), {(META_NAME, "lv"): there}, OWNER.template_prefix, NOW)
    assert known.applied_hash == spec.templates[0].fingerprint


def test_what_somebody_words_anew_at_meta_is_not_noticed_by_its_text() -> None:
    """Meta changes components itself, so that only what was sent is compared."""
    spec = wanting("lv")
    assert (
        planned(spec, (listed(components=({"type": "BODY", "text": "Else"},)),), record(spec)).changes == ()
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (TemplateStatus.APPROVED, [EditTemplate]),
        (TemplateStatus.REJECTED, [EditTemplate]),
        (TemplateStatus.PAUSED, [EditTemplate]),
        (TemplateStatus.PENDING, []),
        (TemplateStatus.DISABLED, []),
    ],
)
def test_a_changed_template_is_edited_where_meta_allows_it(
    status: TemplateStatus, expected: list[type]
) -> None:
    spec = wanting("lv", components=({"type": "BODY", "text": "New"},))
    before = record(spec, applied_hash="other", state=state_of(status))
    assert actions(planned(spec, (listed(status),), before)) == expected


def test_an_approved_one_is_edited_once_a_day() -> None:
    spec = wanting("lv", components=({"type": "BODY", "text": "New"},))
    before = record(spec, applied_hash="other", edited_at=stamp(NOW - timedelta(hours=23)))
    plan = planned(spec, (listed(),), before)
    assert plan.changes == ()
    assert "once" not in plan.verdict.message
    assert stamp(NOW + timedelta(hours=1)) in plan.verdict.message
    assert not has_work(spec.templates, (before,), NOW)
    assert has_work(spec.templates, (before,), NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (TemplateStatus.APPROVED, Reason.AVAILABLE),
        (TemplateStatus.PENDING, Reason.WAITING_FOR_APPROVAL),
        (TemplateStatus.IN_APPEAL, Reason.WAITING_FOR_APPROVAL),
        (TemplateStatus.REJECTED, Reason.TEMPLATE_REJECTED),
        (TemplateStatus.PAUSED, Reason.TEMPLATE_REJECTED),
        (TemplateStatus.DISABLED, Reason.TEMPLATE_REJECTED),
        (TemplateStatus.LIMIT_EXCEEDED, Reason.TEMPLATE_REJECTED),
    ],
)
def test_what_is_said_of_each_state(status: TemplateStatus, reason: Reason) -> None:
    spec = wanting("lv")
    verdict = planned(spec, (listed(status),), record(spec)).verdict
    assert verdict.reason is reason
    assert verdict.ready == (reason is Reason.AVAILABLE)


def test_a_blocked_name_is_tried_once_a_day() -> None:
    spec = wanting("lv")
    blocked = record(spec, id=None, state="NameBlocked")
    plan = planned(spec, (), blocked)
    assert plan.changes == ()
    assert plan.verdict.reason is Reason.TEMPLATE_NAME_BLOCKED
    assert has_work(spec.templates, (blocked,), NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("hours", "expected"), [(23, []), (24, [EditTemplate])], ids=["same-day", "next-day"]
)
def test_a_refused_edit_is_tried_once_a_day(hours: int, expected: list[type]) -> None:
    spec = wanting("lv", components=({"type": "BODY", "text": "New"},))
    refused = record(spec, state="Refused", applied_at=stamp(NOW - timedelta(hours=hours)))
    assert has_work(spec.templates, (refused,), NOW) == bool(expected)
    assert actions(planned(spec, (listed(),), refused)) == expected


@pytest.mark.parametrize(
    "status", [TemplateStatus.DISABLED, TemplateStatus.PENDING_DELETION, TemplateStatus.DELETED]
)
def test_what_meta_would_not_delete_is_left(status: TemplateStatus) -> None:
    plan = planned(wanting(), (listed(status),))
    assert plan.changes == ()
    assert plan.verdict.reason is Reason.NOT_REQUESTED


def test_nothing_is_sent_before_the_number_is_connected() -> None:
    spec = wanting("lv")
    plan = plan_templates(
        spec, TemplatesObserved((), {}), Verdict.waiting(Reason.CONNECTING, "Not yet."), POLICY, NOW
    )
    assert [change.action for change in plan.changes] == [None]
    assert plan.verdict.reason is Reason.WAITING_FOR_CONNECTION
