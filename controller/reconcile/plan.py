"""What to do about a tenant: the plan that `Observe` shows, the audit log records, and apply carries out. Pure."""

from controller.reconcile.connection import plan_connection
from controller.reconcile.context import Policy
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.instance.plan import plan_instance
from controller.reconcile.number.plan import plan_number
from controller.reconcile.observed import TenantObserved
from controller.reconcile.profile import plan_profile
from controller.reconcile.routing import plan_routing
from controller.reconcile.templates.plan import plan_templates
from controller.reconcile.verdict import Facet


def plan_tenant(desired: DesiredTenant, observed: TenantObserved, policy: Policy) -> dict[Facet, FacetPlan]:
    """The plan of every facet, in the order in which changes are made.

    Routing comes before pairing, so that the first message after the scan finds its way.
    """
    number = plan_number(desired, observed.number)
    instance = plan_instance(desired, observed.number, observed.instance)
    routing = plan_routing(desired, observed.number, observed.instance, observed.routing, number.verdict)
    connection = plan_connection(desired, observed.number, observed.instance, policy, observed.now)
    profile = plan_profile(desired, observed.applied_profile, observed.business_profile, connection.verdict)
    return {
        Facet.NUMBER: number,
        Facet.INSTANCE: instance,
        Facet.ROUTING: routing,
        Facet.CONNECTION: connection,
        Facet.PROFILE: profile,
        Facet.TEMPLATES: plan_templates(
            desired, observed.templates, connection.verdict, policy, observed.now
        ),
    }
