"""Carrying out the changes of message templates. One that Meta does not take must not hold back the others."""

from dataclasses import replace

from controller.api.business_tenant_status import TemplateRecord
from controller.api.conditions import Reason
from controller.api.group import Kind
from controller.providers.errors import Conflict, Retryable, Terminal
from controller.providers.meta.protocol import NewTemplate, Template, TemplateStatus
from controller.reconcile.brake import pass_brake
from controller.reconcile.change import CreateTemplate, EditTemplate, RemoveTemplate
from controller.reconcile.cloud_api.credentials import meta_account
from controller.reconcile.cloud_api.desired import DesiredCloudAPI, DesiredTemplate
from controller.reconcile.observed import InstanceObserved, TemplatesObserved
from controller.reconcile.run import Run
from controller.reconcile.still_wanted import assert_still_wanted
from controller.reconcile.templates.records import REASON_LIMIT, OwnState, key_of, record_of, state_of
from controller.reconcile.timestamps import stamp

TemplateAction = CreateTemplate | EditTemplate | RemoveTemplate


async def apply_template(
    action: TemplateAction, observed: TemplatesObserved, instance: InstanceObserved, run: Run
) -> TemplatesObserved:
    """Do it; answers what the templates look like afterwards. Raises `OutsideError`."""
    cloud_api = run.desired.instance.cloud_api if run.desired.instance is not None else None
    assert cloud_api is not None and observed.listed is not None  # noqa: S101, PT018  # planned only there
    match action:
        case CreateTemplate(template=template):
            return await _create(template, observed, cloud_api, run)
        case EditTemplate(template=template, existing=existing):
            return await _edit(template, existing, observed, cloud_api, run)
        case RemoveTemplate(existing=existing):
            return await _remove(existing, observed, cloud_api, instance, run)


async def _create(
    template: DesiredTemplate, observed: TemplatesObserved, cloud_api: DesiredCloudAPI, run: Run
) -> TemplatesObserved:
    new = NewTemplate(template.meta_name, template.language, template.category, template.components)
    try:
        async with meta_account(run.tenant.key, cloud_api, run.context) as account:
            created = await account.create_template(new)
    except Terminal as error:
        return _refused(template, OwnState.REFUSED, error.message, observed, run)
    except Conflict as error:
        # It came to be since the list was read: look again, it may be ours.
        raise Retryable(error.message, reason=Reason.CONFIGURING) from error
    except Retryable as error:
        if error.reason is not Reason.TEMPLATE_NAME_BLOCKED:
            raise
        return _refused(template, OwnState.NAME_BLOCKED, error.message, observed, run)
    return _sent(template, created, observed, run)


async def _edit(
    template: DesiredTemplate,
    existing: Template,
    observed: TemplatesObserved,
    cloud_api: DesiredCloudAPI,
    run: Run,
) -> TemplatesObserved:
    approved = existing.status is TemplateStatus.APPROVED
    category = None if approved or existing.category is template.category else template.category
    try:
        async with meta_account(run.tenant.key, cloud_api, run.context) as account:
            await account.edit_template(existing.id, components=template.components, category=category)
    except Terminal as error:
        return _refused(template, OwnState.REFUSED, error.message, observed, run, existing.id)
    edited = replace(
        existing,
        status=TemplateStatus.PENDING,
        components=template.components,
        category=category or existing.category,
        rejected_reason="",
    )
    return _sent(template, edited, observed, run, edited_approved=approved)


async def _remove(
    existing: Template,
    observed: TemplatesObserved,
    cloud_api: DesiredCloudAPI,
    instance: InstanceObserved,
    run: Run,
) -> TemplatesObserved:
    target = f"{existing.name}/{existing.language}"
    held_back = await pass_brake(Kind.EVOLUTION_SERVER, instance.server or "", "DeleteTemplate", target, run)
    if held_back is not None:
        return replace(observed, held_back=held_back)
    await assert_still_wanted(run)
    async with meta_account(run.tenant.key, cloud_api, run.context) as account:
        await account.delete_template(existing.name, existing.id)
    listed = {key: t for key, t in (observed.listed or {}).items() if t.id != existing.id}
    records = tuple(record for record in observed.records if record.id != existing.id)
    return replace(observed, records=records, listed=listed)


def _sent(
    template: DesiredTemplate,
    there: Template,
    observed: TemplatesObserved,
    run: Run,
    *,
    edited_approved: bool = False,
) -> TemplatesObserved:
    now, before = stamp(run.context.clock.now()), record_of(template, observed.records)
    record = TemplateRecord(
        name=template.name,
        language=template.language,
        meta_name=template.meta_name,
        id=there.id,
        state=state_of(there.status),
        applied_hash=template.fingerprint,
        applied_at=now,
        edited_at=now if edited_approved else (before.edited_at if before is not None else None),
    )
    listed = {**(observed.listed or {}), key_of(template): there}
    return replace(observed, records=_with(record, observed, run), listed=listed)


def _refused(
    template: DesiredTemplate,
    state: OwnState,
    words: str,
    observed: TemplatesObserved,
    run: Run,
    id_: str | None = None,
) -> TemplatesObserved:
    """What Meta does not take is remembered with what was sent: the same is not sent again."""
    before = record_of(template, observed.records)
    record = TemplateRecord(
        name=template.name,
        language=template.language,
        meta_name=template.meta_name,
        id=id_,
        state=state,
        reason=words[:REASON_LIMIT],
        applied_hash=template.fingerprint,
        applied_at=stamp(run.context.clock.now()),
        edited_at=before.edited_at if before is not None else None,
    )
    return replace(observed, records=_with(record, observed, run))


def _with(record: TemplateRecord, observed: TemplatesObserved, run: Run) -> tuple[TemplateRecord, ...]:
    """The records with this one, those of the spec in its order, then those to be removed."""
    order = [key_of(template) for template in run.desired.templates]
    by_key = {(r.meta_name, r.language): r for r in (*observed.records, record)}
    ordered = [by_key.pop(key) for key in order if key in by_key]
    return (*ordered, *by_key.values())
