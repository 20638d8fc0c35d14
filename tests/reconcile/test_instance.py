"""Where an instance goes, and what is planned for it."""

from typing import Any, cast

import pytest

from controller.api.conditions import Reason
from controller.providers.evolution.protocol import BehaviourSettings, Integration
from controller.reconcile.change import CreateInstance, RetainInstance, SaveToken, SetBehaviour
from controller.reconcile.desired import DesiredInstance
from controller.reconcile.fleet import Fleet, InstanceServer
from controller.reconcile.instance.placement import place
from controller.reconcile.instance.plan import plan_instance
from controller.reconcile.observed import InstanceObserved, NumberObserved
from controller.reconcile.verdict import Verdict

from .builders import OWNER, PHONE, WHATSAPP, desired, held, instance_status, recorded, row, server

WANTED = desired(**PHONE, **WHATSAPP)
WITH_NUMBER = NumberObserved(recorded=recorded(), held=held(OWNER.label()))
SILVER = {"from": "Selector", "selector": {"matchLabels": {"tier": "silver"}}}
DOWN = Verdict.waiting(Reason.SERVER_UNAVAILABLE, "It is down.")


def answering(name: str, **spec: Any) -> InstanceServer:
    made = server(name, **spec)
    made.client = cast("Any", object())
    return made


def placed(*servers: InstanceServer, **whatsapp: Any) -> str | Reason:
    wanted = desired(whatsapp={"channel": "Baileys", **whatsapp}).instance
    assert isinstance(wanted, DesiredInstance)
    answer = place(wanted, Fleet(servers={s.name: s for s in servers}), "tenants", {"tier": "gold"})
    return answer.reason if isinstance(answer, Verdict) else answer


def test_the_server_with_most_room_is_taken() -> None:
    assert placed(answering("a", maxInstances=5), answering("b", instances=3, maxInstances=9)) == "b"


@pytest.mark.parametrize(
    ("servers", "whatsapp", "expected"),
    [
        ([], {}, Reason.SERVER_NOT_FOUND),
        ([answering("a", region="us")], {"region": "eu"}, Reason.SERVER_NOT_FOUND),
        ([answering("a", allowedNamespaces=SILVER)], {}, Reason.NAMESPACE_NOT_ALLOWED),
        ([answering("a", allowedNamespaces=SILVER), answering("b")], {}, "b"),
        ([answering("a", region="us")], {"region": "us"}, "a"),
        ([answering("a"), answering("b")], {"serverRef": {"name": "a"}}, "a"),
        ([answering("a")], {"serverRef": {"name": "c"}}, Reason.SERVER_NOT_FOUND),
        ([answering("a", instances=2, maxInstances=2)], {}, Reason.NO_ROOM),
        ([answering("a", schedulable=False)], {}, Reason.NO_ROOM),
        ([server("a")], {}, Reason.WAITING_FOR_SERVER),
        ([server("a"), answering("b", instances=9)], {}, "b"),
    ],
)
def test_placement(servers: list[InstanceServer], whatsapp: dict[str, Any], expected: str | Reason) -> None:
    assert placed(*servers, **whatsapp) == expected


def test_what_is_being_created_takes_room() -> None:
    full = answering("a", maxInstances=1)
    full.placing.add("new")
    assert placed(full) is Reason.NO_ROOM


def test_a_server_that_goes_gets_nothing_new() -> None:
    going = answering("a")
    going.deleting = True
    assert placed(going) is Reason.NO_ROOM


@pytest.mark.parametrize(
    ("observed", "reason"),
    [
        (InstanceObserved(servers_not_listed=("evo",)), Reason.SEARCHING_EXISTING),
        (InstanceObserved(recorded=instance_status(), server="evo"), Reason.SEARCHING_EXISTING),
        (
            InstanceObserved(recorded=instance_status(), server="evo", unreachable=DOWN),
            Reason.SERVER_UNAVAILABLE,
        ),
        (
            InstanceObserved(recorded=instance_status(), server="evo", unreachable=DOWN, loss_proven=True),
            Reason.SERVER_UNAVAILABLE,
        ),
        (InstanceObserved(placement=DOWN), Reason.SERVER_UNAVAILABLE),
        (InstanceObserved(server="evo", row=row(integration=Integration.EVOLUTION.value)), Reason.NAME_TAKEN),
        (
            InstanceObserved(server="evo", row=row(), token_saved=False, unreachable=DOWN),
            Reason.SERVER_UNAVAILABLE,
        ),
    ],
)
def test_nothing_is_created_without_proof_that_there_is_none(
    observed: InstanceObserved, reason: Reason
) -> None:
    plan = plan_instance(WANTED, WITH_NUMBER, observed)
    assert plan.changes == ()
    assert plan.verdict.reason is reason


def test_a_new_instance_waits_for_the_number() -> None:
    (change,) = plan_instance(WANTED, NumberObserved(), InstanceObserved(placement="evo")).changes
    assert change.action is None
    (change,) = plan_instance(WANTED, WITH_NUMBER, InstanceObserved(placement="evo")).changes
    assert change.action == CreateInstance("evo")


def test_a_lost_instance_comes_back_where_it_was() -> None:
    observed = InstanceObserved(recorded=instance_status(), server="evo", loss_proven=True)
    (change,) = plan_instance(WANTED, WITH_NUMBER, observed).changes
    assert change.action == CreateInstance("evo")
    assert change.repairs == "instance"


def test_token_and_settings_are_brought_home() -> None:
    other = BehaviourSettings(reject_call=True)
    observed = InstanceObserved(recorded=instance_status(), server="evo", row=row(settings=other))
    actions = [change.action for change in plan_instance(WANTED, WITH_NUMBER, observed).changes]
    assert actions == [SaveToken(), SetBehaviour(BehaviourSettings())]


def test_a_removed_block_retains() -> None:
    observed = InstanceObserved(recorded=instance_status(), server="evo", row=row())
    (change,) = plan_instance(desired(), NumberObserved(), observed).changes
    assert change.action == RetainInstance()
    assert plan_instance(desired(), NumberObserved(), InstanceObserved(row=row())).changes == ()
