"""Who answers: the instance's webhook for messages, the number's URLs for calls and SMS.

The webhook is not shown by any bulk read. What was last verified is trusted until the wish changes, its Secret
changes, or a deep check is due; then it is read and compared.
"""

from collections.abc import Mapping
from dataclasses import replace

from controller.api.business_tenant import CallRoute
from controller.api.conditions import ConditionStatus, Reason
from controller.providers.errors import OutsideError, Retryable
from controller.providers.evolution.protocol import WebhookSettings
from controller.reconcile.change import Change, SetWebhook
from controller.reconcile.connection import wrong_number
from controller.reconcile.context import Context
from controller.reconcile.deep_check import deep_check_due
from controller.reconcile.desired import DesiredTenant, DesiredWebhook
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.instance.reach import reach
from controller.reconcile.observed import (
    InstanceObserved,
    NumberObserved,
    RoutingObserved,
    WebhookRead,
    WebhookTrusted,
)
from controller.reconcile.run import Run
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict

NO_ROUTE = "None"


async def observe_routing(
    tenant: Tenant,
    desired: DesiredTenant,
    number: NumberObserved,
    instance: InstanceObserved,
    context: Context,
) -> RoutingObserved:
    """The webhook as it is, where it must be looked at; else what was verified last."""
    wanted = desired.webhook
    if wanted is None and not _routed_before(tenant):
        return RoutingObserved()
    if instance.row is None or instance.server is None:
        return RoutingObserved(webhook=_instance_first(instance))
    server = context.fleet.servers[instance.server]
    url = (wanted.url or server.spec.default_webhook) if wanted is not None else None
    silenced = wanted is None or wrong_number(desired.instance, number, instance.row)
    if wanted is not None and url is None:
        return RoutingObserved(
            webhook=Verdict.waiting(
                Reason.NO_WEBHOOK_URL,
                f"Neither spec.ai.webhook.url nor spec.defaultWebhook of EvolutionServer {server.name} names a URL.",
            )
        )
    applied, missing = (None, None) if silenced else _fingerprint(tenant, wanted, url, context)
    if missing is not None:
        return RoutingObserved(webhook=missing)
    observed = RoutingObserved(target=url if not silenced else None, fingerprint=applied)
    if (
        applied is not None
        and applied == _verified(tenant, instance)
        and not deep_check_due(context.memory.deep_checked_at, tenant, context)
    ):
        return observed
    if instance.unreachable is not None or server.client is None:
        return replace(observed, webhook=instance.unreachable or _instance_first(instance))
    try:
        current = await server.client.webhook(instance.row.name)
        target = None if silenced else await _settings(tenant, wanted, url, context)
    except OutsideError as error:
        return replace(observed, webhook=Verdict.failed(error))
    context.memory.deep_checked_at[tenant.key] = context.clock.now()
    if isinstance(target, Verdict):
        return replace(observed, webhook=target)
    return replace(observed, webhook=WebhookRead(current, target))


def plan_routing(
    desired: DesiredTenant,
    number: NumberObserved,
    instance: InstanceObserved,
    observed: RoutingObserved,
    number_verdict: Verdict,
) -> FacetPlan:
    """At most one change: the webhook. Calls and SMS are settings of the number, verified with it. Pure."""
    calls_wanted = CallRoute.WEBHOOK in (desired.voice, desired.sms)
    changes = _webhook_changes(observed, instance)
    if changes:
        return FacetPlan(changes, Verdict.waiting(Reason.CONFIGURING, "Setting the webhook."))
    if isinstance(observed.webhook, Verdict):
        return FacetPlan(_webhook_to_come(desired, instance), observed.webhook)
    if desired.webhook is None and not calls_wanted:
        return FacetPlan.say(NOT_REQUESTED)
    if desired.webhook is not None and instance.row is None:
        return FacetPlan(_webhook_to_come(desired, instance), _instance_first(instance))
    if desired.webhook is not None and wrong_number(desired.instance, number, instance.row):
        return FacetPlan.say(
            Verdict.waiting(
                Reason.WRONG_NUMBER, "No routing while another number is paired; see WhatsAppConnected."
            )
        )
    if calls_wanted and not number_verdict.ready:
        return FacetPlan.say(
            Verdict.waiting(Reason.WAITING_FOR_NUMBER, "Calls and SMS are routed once the number is ready.")
        )
    return FacetPlan.say(Verdict.good(Reason.VERIFIED, _say_verified(desired, observed)))


async def apply_routing(webhook: WebhookSettings, instance: InstanceObserved, run: Run) -> RoutingObserved:
    """Write the webhook and read it back. Raises `OutsideError`."""
    assert instance.row is not None  # noqa: S101  # planned only where there is an instance
    server, client = reach(instance.server, run)
    name = instance.row.name
    await client.set_webhook(name, webhook)
    stored = await client.webhook(name)
    if not same_webhook(stored, webhook if webhook.enabled else None):
        raise Retryable(
            f"The webhook of {name} was set but reads back differently; trying again.",
            reason=Reason.CONFIGURING,
        )
    wanted = run.desired.webhook
    run.context.memory.deep_checked_at[run.tenant.key] = run.context.clock.now()
    if wanted is None or not webhook.enabled:
        return RoutingObserved()
    url = wanted.url or server.spec.default_webhook
    applied, _ = _fingerprint(run.tenant, wanted, url, run.context)
    return RoutingObserved(WebhookTrusted(), target=url, fingerprint=applied)


def same_webhook(current: WebhookSettings | None, wanted: WebhookSettings | None) -> bool:
    """Whether the webhook is as wanted; None wants it off."""
    if wanted is None:
        return current is None or not current.enabled
    return (
        current is not None
        and current.enabled
        and current.url == wanted.url
        and sorted(current.events) == sorted(wanted.events)
        and _plain(current.headers) == _plain(wanted.headers)
    )


def _webhook_changes(observed: RoutingObserved, instance: InstanceObserved) -> tuple[Change, ...]:
    read = observed.webhook
    if not isinstance(read, WebhookRead) or same_webhook(read.current, read.wanted) or instance.row is None:
        return ()
    name = instance.row.name
    if read.wanted is None:
        assert read.current is not None  # noqa: S101  # None is the same as off
        off = WebhookSettings(enabled=False, url=read.current.url, headers={})
        return (
            Change(Facet.ROUTING, f"turn off the webhook of {name}", "no route is wanted", SetWebhook(off)),
        )
    return (
        Change(
            Facet.ROUTING,
            f"set the webhook of {name}",
            "it is not as wanted" if read.current is not None else "it is not set",
            SetWebhook(read.wanted),
            before=read.current.url if read.current is not None and read.current.enabled else None,
            after=read.wanted.url,
            repairs="webhook",
        ),
    )


def _webhook_to_come(desired: DesiredTenant, instance: InstanceObserved) -> tuple[Change, ...]:
    if desired.webhook is None or instance.row is not None:
        return ()
    url = desired.webhook.url or "the server's default webhook"
    return (Change(Facet.ROUTING, "set the instance's webhook", "the instance is new", None, after=url),)


def _say_verified(desired: DesiredTenant, observed: RoutingObserved) -> str:
    parts = [f"messages go to {observed.target}"] if desired.webhook is not None else []
    if desired.voice is CallRoute.WEBHOOK:
        parts.append("calls to the voice URL")
    if desired.sms is CallRoute.WEBHOOK:
        parts.append("SMS to the SMS URL")
    return f"Verified: {', '.join(parts)}."


def _fingerprint(
    tenant: Tenant, wanted: DesiredWebhook | None, url: str | None, context: Context
) -> tuple[str | None, Verdict | None]:
    if wanted is None or url is None:
        return None, None
    if wanted.auth is None:
        return wanted.fingerprint(url, None), None
    version = context.secrets.version(tenant.key.namespace, wanted.auth.name)
    if version is None:
        return None, Verdict.waiting(
            Reason.SECRET_NOT_FOUND,
            f"spec.ai.webhook.authSecretRef names Secret {tenant.key.namespace}/{wanted.auth.name}, which does not"
            f" exist. Create it with the key {wanted.auth.key}.",
        )
    return wanted.fingerprint(url, version), None


async def _settings(
    tenant: Tenant, wanted: DesiredWebhook | None, url: str | None, context: Context
) -> WebhookSettings | Verdict | None:
    if wanted is None or url is None:
        return None
    headers = dict(wanted.headers)
    if wanted.auth is not None:
        values = await context.secrets.read(tenant.key.namespace, wanted.auth.name) or {}
        if wanted.auth.key not in values:
            return Verdict.waiting(
                Reason.SECRET_NOT_FOUND,
                f"Secret {tenant.key.namespace}/{wanted.auth.name} has no key {wanted.auth.key}. Add it.",
            )
        headers["authorization"] = values[wanted.auth.key]
    return WebhookSettings(enabled=True, url=url, events=wanted.events, headers=headers)


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _instance_first(instance: InstanceObserved) -> Verdict:
    return instance.unreachable or Verdict.waiting(
        Reason.WAITING_FOR_INSTANCE, "The route is set once there is an instance."
    )


def _routed_before(tenant: Tenant) -> bool:
    routing = tenant.status.routing
    return routing is not None and routing.applied_hash is not None


def _verified(tenant: Tenant, instance: InstanceObserved) -> str | None:
    """Fingerprint of what was last verified on this very instance; a re-created one has no webhook.

    While the condition is not True the webhook may be in any state, so nothing is trusted.
    """
    recorded, row = tenant.status.instance, instance.row
    if recorded is None or row is None or recorded.id != row.id:
        return None
    ready = next((c for c in tenant.status.conditions or [] if c.type == Facet.ROUTING.value), None)
    if ready is None or ready.status is not ConditionStatus.TRUE:
        return None
    return tenant.status.routing.applied_hash if tenant.status.routing else None
