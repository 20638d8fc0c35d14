"""Who answers: one webhook or one bot of the instance for messages, the number's URLs for calls and SMS.

No bulk read shows webhooks or bots. What was last verified is trusted until the wish changes, a Secret or ConfigMap
that it names changes, or a deep check is due; then everything that could answer is read and compared.
"""

from dataclasses import replace
from typing import Final

from controller.api.business_tenant import SmsRoute, VoiceRoute
from controller.api.conditions import ConditionStatus, Reason
from controller.providers.errors import OutsideError, Retryable
from controller.reconcile.ai.actions import BotAction
from controller.reconcile.ai.apply import apply_to_bots
from controller.reconcile.ai.desired_bot import ContextWay, bot_mark
from controller.reconcile.ai.observe import Extent, read_routes
from controller.reconcile.ai.plan import keeper_of, plan_routes, same_webhook
from controller.reconcile.ai.routes import NOBODY, RoutesRead
from controller.reconcile.ai.wish import Referents, read_wish, wish_fingerprint
from controller.reconcile.change import Change, SetWebhook
from controller.reconcile.connection import wrong_number
from controller.reconcile.context import Context
from controller.reconcile.deep_check import deep_check_due
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.instance.reach import reach
from controller.reconcile.observed import InstanceObserved, NumberObserved, RoutesTrusted, RoutingObserved
from controller.reconcile.run import Run
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict

# Nobody tells us when somebody removes a bot of theirs.
OTHERS_LOOKED_AT: Final = 60.0


async def observe_routing(
    tenant: Tenant,
    desired: DesiredTenant,
    number: NumberObserved,
    instance: InstanceObserved,
    context: Context,
) -> RoutingObserved:
    """What answers now, where it must be looked at; else what was verified last."""
    if instance.made_with is not None:
        return await _read_back(instance, instance.made_with, context)
    if not _is_wanted(desired) and not _routed_before(tenant, desired):
        return RoutingObserved()
    if instance.row is None or instance.server is None:
        return RoutingObserved(routes=_instance_first(instance))
    server = context.fleet.servers[instance.server]
    url = (desired.webhook.url or server.spec.default_webhook) if desired.webhook is not None else None
    if desired.webhook is not None and url is None:
        return RoutingObserved(
            routes=Verdict.waiting(
                Reason.NO_WEBHOOK_URL,
                f"Neither spec.ai.webhook.url nor spec.defaultWebhook of EvolutionServer {server.name} names a URL.",
            )
        )
    observed = RoutingObserved(recorded_bot=tenant.status.routing.bot_id if tenant.status.routing else None)
    silenced = not _is_wanted(desired) or wrong_number(desired.instance, number, instance.row)
    referents = Referents(tenant.key.namespace, context)
    if not silenced:
        wish = wish_fingerprint(desired, url, referents)
        if isinstance(wish, Verdict):
            return replace(observed, routes=wish)
        target = url if desired.bot is None else desired.bot.target
        same = wish == _verified(tenant, instance)
        recorded = tenant.status.routing.applied_hash if tenant.status.routing else None
        observed = replace(observed, target=target, fingerprint=wish, changed_by_others=wish == recorded)
        if same and not deep_check_due(context.memory.deep_checked_at, tenant, context):
            return replace(observed, context_hash=_recorded_context(tenant))
    return await _read(tenant, desired, instance, context, observed, url, silenced=silenced)


def plan_routing(
    desired: DesiredTenant,
    number: NumberObserved,
    instance: InstanceObserved,
    observed: RoutingObserved,
    number_verdict: Verdict,
) -> FacetPlan:
    """From what answers to what should. Calls and SMS are settings of the number, verified with it. Pure."""
    calls_wanted = desired.voice is not VoiceRoute.NONE or desired.sms is not SmsRoute.NONE
    if isinstance(observed.routes, RoutesRead) and instance.row is not None:
        others = observed.routes.answering_others()
        if others and observed.wanted.answers:
            return FacetPlan.say(_say_others(observed.routes))
        changes = plan_routes(
            observed.routes,
            observed.wanted,
            recorded=observed.recorded_bot,
            fought=observed.changed_by_others,
        )
        if changes:
            return FacetPlan(
                tuple(changes), Verdict.waiting(Reason.CONFIGURING, "Setting who answers messages.")
            )
    if isinstance(observed.routes, Verdict):
        return FacetPlan(_to_come(desired, instance), observed.routes)
    wanted = _is_wanted(desired)
    if not wanted and not calls_wanted:
        return FacetPlan.say(NOT_REQUESTED)
    if wanted and instance.row is None:
        return FacetPlan(_to_come(desired, instance), _instance_first(instance))
    if wanted and wrong_number(desired.instance, number, instance.row):
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


async def apply_routing(
    action: SetWebhook | BotAction, instance: InstanceObserved, observed: RoutingObserved, run: Run
) -> RoutingObserved:
    """Carry out one change and read back what it touched. Raises `OutsideError`."""
    read = observed.routes
    assert isinstance(read, RoutesRead)  # noqa: S101  # planned only from what was read
    _, client = reach(instance.server, run)
    if not isinstance(action, SetWebhook):
        mark = bot_mark(run.desired.owner)
        done = await apply_to_bots(action, client, read, mark=mark, recorded=observed.recorded_bot)
        return replace(observed, routes=done)
    await client.set_webhook(read.instance, action.webhook)
    stored = await client.webhook(read.instance)
    if not same_webhook(stored, action.webhook if action.webhook.enabled else None):
        raise Retryable(
            f"The webhook of {read.instance} was set but reads back differently; trying again.",
            reason=Reason.CONFIGURING,
        )
    return replace(observed, routes=replace(read, webhook=stored))


def answering_bot(observed: RoutingObserved) -> str | None:
    """Id of the bot that answers, once everything is verified."""
    if observed.wanted.bot is None or not isinstance(observed.routes, RoutesRead):
        return observed.recorded_bot if isinstance(observed.routes, RoutesTrusted) else None
    keeper = keeper_of(observed.routes, observed.wanted.bot.kind, observed.recorded_bot)
    return keeper.id if keeper is not None else None


async def _read_back(
    instance: InstanceObserved, made_with: RoutingObserved, context: Context
) -> RoutingObserved:
    """The webhook that went along with the creation, as the server keeps it."""
    assert instance.row is not None  # noqa: S101  # it was just made
    server = context.fleet.servers[instance.server or ""]
    if server.client is None:
        return replace(made_with, routes=_instance_first(instance))
    try:
        stored = await server.client.webhook(instance.row.name)
    except OutsideError as error:
        return replace(made_with, routes=Verdict.failed(error))
    return replace(made_with, routes=RoutesRead(instance.row.name, webhook=stored))


async def _read(
    tenant: Tenant,
    desired: DesiredTenant,
    instance: InstanceObserved,
    context: Context,
    observed: RoutingObserved,
    url: str | None,
    *,
    silenced: bool,
) -> RoutingObserved:
    assert instance.row is not None  # noqa: S101
    assert instance.server is not None  # noqa: S101
    client = context.fleet.servers[instance.server].client
    if instance.unreachable is not None or client is None:
        return replace(observed, routes=instance.unreachable or _instance_first(instance))
    extent = _extent(tenant, instance, context, silenced=silenced)
    try:
        wanted = (
            NOBODY if silenced else await read_wish(desired, url, Referents(tenant.key.namespace, context))
        )
        if isinstance(wanted, Verdict):
            return replace(observed, routes=wanted)
        read = await read_routes(
            client,
            instance.row.name,
            wanted,
            mark=bot_mark(desired.owner),
            recorded=observed.recorded_bot,
            extent=extent,
        )
    except OutsideError as error:
        return replace(observed, routes=Verdict.failed(error))
    if extent is not Extent.OWN:
        context.memory.deep_checked_at[tenant.key] = context.clock.now()
    return replace(observed, routes=read, wanted=wanted, context_hash=wanted.context_hash)


def _extent(tenant: Tenant, instance: InstanceObserved, context: Context, *, silenced: bool) -> Extent:
    """A verified route that stays: only its own part can have changed by an edit. Between deep checks that is read,
    so that a context which many share reaches all of them soon.
    """
    if instance.is_new:
        return Extent.NOTHING
    before, ai = tenant.status.routing, tenant.spec.ai
    stays = before is not None and ai is not None and before.route == ai.route.value
    if (
        silenced
        or not stays
        or _verified(tenant, instance) is None
        or deep_check_due(context.memory.deep_checked_at, tenant, context)
    ):
        return Extent.ALL
    return Extent.OWN


def _is_wanted(desired: DesiredTenant) -> bool:
    return desired.webhook is not None or desired.bot is not None


def _to_come(desired: DesiredTenant, instance: InstanceObserved) -> tuple[Change, ...]:
    if instance.row is not None or not _is_wanted(desired):
        return ()
    if desired.bot is not None:
        what = f"create a bot of kind {desired.bot.kind}"
        return (Change(Facet.ROUTING, what, "the instance is new", None, after=desired.bot.target),)
    url = (desired.webhook.url if desired.webhook is not None else None) or "the server's default webhook"
    return (Change(Facet.ROUTING, "set the instance's webhook", "the instance is new", None, after=url),)


def _say_others(read: RoutesRead) -> Verdict:
    bots = ", ".join(sorted(f"{bot.kind} bot {bot.id}" for bot in read.answering_others()))
    return Verdict.waiting(
        Reason.OTHER_BOT_ANSWERS,
        f"{bots} on {read.instance} was not made by the operator and answers every message, so that customers would"
        " be answered twice. Disable or delete it; nothing is switched until then.",
        after=OTHERS_LOOKED_AT,
    )


def _say_verified(desired: DesiredTenant, observed: RoutingObserved) -> str:
    parts = []
    if desired.bot is not None:
        parts.append(f"messages are answered by {desired.bot.route.value} ({observed.target})")
    elif desired.webhook is not None:
        parts.append(f"messages go to {observed.target}")
    if desired.voice is VoiceRoute.WEBHOOK:
        parts.append("calls to the voice URL")
    if desired.voice is VoiceRoute.FORWARD:
        parts.append("calls are forwarded")
    if desired.sms is SmsRoute.WEBHOOK:
        parts.append("SMS to the SMS URL")
    said = f"Verified: {', '.join(parts)}."
    if desired.bot is not None and desired.bot.context is ContextWay.OWN and desired.context.is_given:
        said += " The context is not sent on this route: the app has its own instructions."
    return said


def _instance_first(instance: InstanceObserved) -> Verdict:
    return instance.unreachable or Verdict.waiting(
        Reason.WAITING_FOR_INSTANCE, "The route is set once there is an instance."
    )


def _routed_before(tenant: Tenant, desired: DesiredTenant) -> bool:
    """Whether anything of ours may answer: also when a pass that set it up ended before it could say so.

    An instance of our own name may have come with a webhook from a creation whose answer was lost.
    """
    routing = tenant.status.routing
    if routing is not None and routing.applied_hash is not None:
        return True
    condition = next((c for c in tenant.status.conditions or [] if c.type == Facet.ROUTING), None)
    begun = condition is not None and condition.status is not ConditionStatus.TRUE
    made_by_us = desired.instance is not None and not desired.instance.named
    return begun and (made_by_us or tenant.status.instance is not None)


def _recorded_context(tenant: Tenant) -> str | None:
    return tenant.status.routing.context_hash if tenant.status.routing else None


def _verified(tenant: Tenant, instance: InstanceObserved) -> str | None:
    """Fingerprint of what was last verified on this very instance; a re-created one answers nobody.

    While the condition is not True anything may answer, so nothing is trusted.
    """
    recorded, row = tenant.status.instance, instance.row
    if recorded is None or row is None or recorded.id != row.id:
        return None
    ready = next((c for c in tenant.status.conditions or [] if c.type == Facet.ROUTING), None)
    if ready is None or ready.status is not ConditionStatus.TRUE:
        return None
    return tenant.status.routing.applied_hash if tenant.status.routing else None
