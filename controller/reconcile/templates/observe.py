"""What is known of a tenant's message templates: one list of the business account where there is a cause to look."""

from dataclasses import replace

from controller.providers.errors import OutsideError, Retryable
from controller.reconcile.cloud_api.credentials import meta_account
from controller.reconcile.cloud_api.plan import stands_in_the_way
from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.observed import InstanceObserved, NumberObserved, TemplatesObserved
from controller.reconcile.templates.plan import CONNECTION_FIRST
from controller.reconcile.templates.records import UNDER_REVIEW, brought_up_to_date, has_work
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import Verdict

# A look is moved by jitter; one that comes a little early must not wait for a whole turn.
_EARLY_ENOUGH = 0.8


async def observe_templates(
    tenant: Tenant,
    desired: DesiredTenant,
    number: NumberObserved,
    instance: InstanceObserved,
    context: Context,
) -> TemplatesObserved:
    """The records, and Meta's list after changes, while a review is under way, and at every deep check."""
    cloud_api = desired.instance.cloud_api if desired.instance is not None else None
    observed = TemplatesObserved(tuple(tenant.status.templates or ()))
    if cloud_api is None or not (desired.templates or observed.records):
        return TemplatesObserved()
    meta = instance.meta
    if meta is None or meta.number is None or stands_in_the_way(desired, number, instance):
        return replace(observed, problem=CONNECTION_FIRST)
    if not (meta.asked or _look_is_due(tenant, desired, observed, context)):
        return observed
    try:
        async with meta_account(tenant.key, cloud_api, context) as account:
            listed = await account.templates()
    except OutsideError as error:
        idle = not has_work(desired.templates, observed.records, context.clock.now())
        if idle and isinstance(error, Retryable):
            return observed  # looked at again in its turn; what is known holds
        return replace(observed, problem=Verdict.failed(error))
    context.memory.templates_listed_at[tenant.key] = context.clock.now()
    prefix = desired.owner.template_prefix
    own = {(t.name, t.language): t for t in listed if t.name.startswith(prefix)}
    return TemplatesObserved(
        brought_up_to_date(desired.templates, observed.records, own, prefix, context.clock.now()), own
    )


def _look_is_due(
    tenant: Tenant, desired: DesiredTenant, observed: TemplatesObserved, context: Context
) -> bool:
    now = context.clock.now()
    if has_work(desired.templates, observed.records, now):
        return True
    if not any(record.state in UNDER_REVIEW for record in observed.records):
        return False
    listed_at = context.memory.templates_listed_at.get(tenant.key)
    interval = context.policy.template_review_interval
    return listed_at is None or now - listed_at >= _EARLY_ENOUGH * interval
