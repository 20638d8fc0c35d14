"""The webhook that a new instance is created with: the one that would be set on it as soon as it is there."""

from controller.providers.evolution.protocol import WebhookSettings
from controller.reconcile.change import Change, SetWebhook
from controller.reconcile.number.plan import plan_number
from controller.reconcile.observed import InstanceObserved, NumberObserved, RoutingObserved
from controller.reconcile.routing import observe_routing, plan_routing
from controller.reconcile.run import Run


async def webhook_along(
    number: NumberObserved, instance: InstanceObserved, run: Run
) -> tuple[WebhookSettings, RoutingObserved] | None:
    """The webhook, and what it was decided from. `instance` is how it will be.

    None where something else is to answer or stands in the way, and where a repair is to be counted: that is decided
    once there is an instance.
    """
    if run.desired.webhook is None:
        return None
    routing = await observe_routing(run.tenant, run.desired, number, instance, run.context)
    number_verdict = plan_number(run.desired, number).verdict
    match plan_routing(run.desired, number, instance, routing, number_verdict).changes:
        case (Change(action=SetWebhook(webhook=webhook), repairs=None),) if webhook.enabled:
            return webhook, routing
        case _:
            return None
