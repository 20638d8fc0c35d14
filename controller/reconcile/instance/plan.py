"""What to do about a tenant's instance. Pure."""

from dataclasses import fields

from controller.api.conditions import Reason
from controller.providers.evolution.protocol import BehaviourSettings
from controller.reconcile.change import Change, CreateInstance, RetainInstance, SaveToken, SetBehaviour
from controller.reconcile.cloud_api.plan import replacement, stands_in_the_way
from controller.reconcile.desired import DesiredInstance, DesiredTenant
from controller.reconcile.facet_plan import FacetPlan
from controller.reconcile.instance.observe import wanted_name
from controller.reconcile.observed import InstanceObserved, NumberObserved
from controller.reconcile.verdict import NOT_REQUESTED, Facet, Verdict


def plan_instance(desired: DesiredTenant, number: NumberObserved, observed: InstanceObserved) -> FacetPlan:
    """Changes of the instance in order, and what is to be said when none is left."""
    wanted = desired.instance
    if wanted is None:
        return _let_go(observed)
    if observed.row is not None:
        return _keep(wanted, observed, stands_in_the_way(desired, number, observed))
    if observed.recorded is not None and not observed.loss_proven:
        return FacetPlan.say(
            observed.unreachable
            or Verdict.waiting(
                Reason.SEARCHING_EXISTING,
                f"{observed.recorded.name} is not in a complete list of {observed.server} yet; looking again.",
            )
        )
    if observed.unreachable is not None:
        return FacetPlan.say(observed.unreachable)
    if observed.servers_not_listed:
        names = ", ".join(observed.servers_not_listed)
        return FacetPlan.say(
            Verdict.waiting(
                Reason.SEARCHING_EXISTING,
                f"Looking for an instance of this tenant first; no complete list yet of: {names}.",
            )
        )
    return _create(desired, wanted, number, observed)


def _create(
    desired: DesiredTenant, wanted: DesiredInstance, number: NumberObserved, observed: InstanceObserved
) -> FacetPlan:
    server = observed.server if observed.recorded is not None else observed.placement
    if isinstance(server, Verdict):
        return FacetPlan.say(server)
    if server is None:
        return FacetPlan.say(Verdict.waiting(Reason.SEARCHING_EXISTING, "Looking for a server."))
    name = wanted_name(wanted, observed)
    waits_for_number = desired.number is not None and number.held is None
    in_the_way = stands_in_the_way(desired, number, observed)
    change = Change(
        Facet.INSTANCE,
        f"create instance {name} on {server}",
        "it was deleted outside" if observed.recorded is not None else "the tenant has no instance",
        None if waits_for_number or in_the_way else CreateInstance(server),
        after=f"{wanted.channel.value} instance {name}",
        repairs="instance" if observed.recorded is not None else None,
    )
    if waits_for_number:
        return FacetPlan(
            (change,),
            Verdict.waiting(Reason.WAITING_FOR_NUMBER, "The instance is created with the tenant's number."),
        )
    if in_the_way is not None:
        return FacetPlan((change,), in_the_way)
    return FacetPlan((change,), Verdict.waiting(Reason.CREATING, f"Creating {name} on {server}."))


def _keep(wanted: DesiredInstance, observed: InstanceObserved, in_the_way: Verdict | None) -> FacetPlan:
    row = observed.row
    assert row is not None  # noqa: S101
    if row.integration != wanted.integration.value:
        return FacetPlan.say(
            Verdict.waiting(
                Reason.NAME_TAKEN,
                f"{row.name} on {observed.server} is a {row.integration} instance, not {wanted.integration.value}."
                " Nothing is changed on it; delete it on the server or use another tenant name.",
            )
        )
    changes = []
    if not observed.token_saved and wanted.cloud_api is None:
        changes.append(
            Change(
                Facet.INSTANCE,
                "save the instance's token in the tenant's Secret",
                "it is missing",
                SaveToken(),
            )
        )
    differing = behaviour_differences(row.settings, wanted.behaviour)
    if differing:
        changes.append(
            Change(
                Facet.INSTANCE,
                f"set {', '.join(differing)} of {row.name}",
                "the instance is not set as wanted",
                SetBehaviour(wanted.behaviour),
                repairs="settings",
            )
        )
    anew = replacement(observed) if in_the_way is None else None
    if isinstance(anew, Change):
        changes = [anew]  # it is created with its settings
    if observed.unreachable is not None and changes:
        return FacetPlan.say(observed.unreachable)
    if changes:
        return FacetPlan(tuple(changes), Verdict.waiting(Reason.CONFIGURING, f"Setting up {row.name}."))
    if in_the_way is not None:
        return FacetPlan.say(in_the_way)
    if isinstance(anew, Verdict):
        return FacetPlan.say(anew)
    if wanted.named and row.name != wanted.name:
        return FacetPlan.say(
            Verdict.good(
                Reason.NOT_AS_REQUESTED,
                f"{row.name} works, but spec.whatsapp.instanceName names {wanted.name}. Instances are never exchanged"
                " by themselves.",
            )
        )
    return FacetPlan.say(Verdict.good(Reason.AVAILABLE, f"{row.name} on {observed.server} is set as wanted."))


def _let_go(observed: InstanceObserved) -> FacetPlan:
    if observed.recorded is None or observed.row is None:
        return FacetPlan.say(NOT_REQUESTED)
    if observed.unreachable is not None:
        return FacetPlan.say(observed.unreachable)
    change = Change(
        Facet.INSTANCE,
        f"silence {observed.row.name} on {observed.server}",
        "spec.whatsapp was removed, which always means Retain",
        RetainInstance(),
    )
    return FacetPlan((change,), NOT_REQUESTED)


def behaviour_differences(current: BehaviourSettings | None, wanted: BehaviourSettings) -> list[str]:
    """Names of the settings that are not as wanted."""
    have = current or BehaviourSettings()
    return [
        field.name.replace("_", " ")
        for field in (fields(BehaviourSettings) if have != wanted else ())
        if getattr(have, field.name) != getattr(wanted, field.name)
    ]
