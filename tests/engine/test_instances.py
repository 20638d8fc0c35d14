"""Instances in a pool of servers: taken over by name, never created beside others', healed by themselves."""

import asyncio
from typing import Any

import pytest

from controller.api.group import API_VERSION
from controller.reconcile.ownership import Owner
from controller.reconcile.tenant_object import TenantKey
from controller.runtime.kube_resources import NAMESPACES
from controller.runtime.vanished_tenants import forget_vanished

from .conftest import StartWorld
from .tenants import number_only, releasing, tenant
from .world import API_KEY, CLUSTER_ID, NAMESPACE, SERVER, World

LEGACY = "legacy-42"
DERIVED = Owner(CLUSTER_ID, NAMESPACE, "cafe").instance_name


def whatsapp_only(name: str = "cafe", **whatsapp: Any) -> dict[str, Any]:
    """A tenant of the test channel: an instance, and nothing else."""
    spec = {"business": {"name": name}, "whatsapp": {"channel": "Evolution", **whatsapp}}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": API_VERSION, "kind": "BusinessTenant", "metadata": metadata, "spec": spec}


async def somebody_creates(world: World, name: str, integration: str = "EVOLUTION") -> None:
    body = {"instanceName": name, "integration": integration, "token": "made-by-hand"}
    answer = await world.http.post(
        f"{world.evolution.base_url}/instance/create", json=body, headers={"apikey": API_KEY}
    )
    assert answer.status_code == 201, answer.text


async def server_condition(world: World, type_: str = "Ready") -> dict[str, Any]:
    conditions = {c["type"]: c for c in (await world.server())["status"]["conditions"]}
    found: dict[str, Any] = conditions[type_]
    return found


async def test_an_existing_instance_is_taken_over_with_its_token(world: World) -> None:
    await somebody_creates(world, LEGACY)
    operator = await world.ready(whatsapp_only(instanceName=LEGACY, settings={"ignoreGroups": True}))
    assert await world.is_ready(), await world.status()
    assert list(world.instances) == [LEGACY]
    assert world.instance().token == "made-by-hand"
    assert (await world.status())["instance"]["name"] == LEGACY
    assert await world.secret("cafe-evolution") is not None
    await world.assert_still(operator)


async def test_taking_over_creates_nothing(world: World) -> None:
    operator = await world.ready(whatsapp_only(instanceName=LEGACY))
    assert (await world.condition("InstanceReady"))["reason"] == "InstanceNotFound"
    assert world.instances == {}
    await somebody_creates(world, LEGACY)
    await operator.poll(2)
    assert await world.is_ready(), await world.status()


async def test_of_two_that_name_one_instance_the_older_has_it_and_then_the_other(world: World) -> None:
    await somebody_creates(world, LEGACY)
    operator = await world.ready(whatsapp_only("older", instanceName=LEGACY))
    await world.apply(whatsapp_only("younger", instanceName=LEGACY))
    await operator.until_quiet()
    condition = await world.condition("InstanceReady", "younger")
    assert (condition["reason"], NAMESPACE in condition["message"]) == ("NameTaken", True)
    await world.delete("older")
    await operator.until_quiet()
    assert await world.is_ready("younger"), await world.status("younger")
    assert list(world.instances) == [LEGACY]


async def test_another_name_later_exchanges_nothing(world: World) -> None:
    await somebody_creates(world, LEGACY)
    operator = await world.ready(whatsapp_only())
    await world.edit({"whatsapp": {"instanceName": LEGACY}})
    await operator.until_quiet()
    assert (await world.condition("InstanceReady"))["reason"] == "NotAsRequested"
    assert (await world.status())["instance"]["name"] == DERIVED


async def test_a_foreign_instance_with_the_wanted_name_is_left_alone(world: World) -> None:
    await somebody_creates(world, DERIVED, "WHATSAPP-BAILEYS")
    before = dict(world.instances)
    await world.ready(whatsapp_only())
    assert (await world.condition("InstanceReady"))["reason"] == "NameTaken"
    assert world.instances == before


async def test_the_token_is_kept_before_there_is_an_instance(world: World) -> None:
    await world.apply(whatsapp_only())
    await world.crash_after("create secrets tenants")
    assert world.instances == {}
    kept = await world.secret("cafe-evolution")
    operator = await world.start_operator()
    await operator.until_quiet()
    assert await world.is_ready()
    assert await world.secret("cafe-evolution") == kept


async def test_instances_without_a_tenant_are_reported_and_kept(world: World) -> None:
    await somebody_creates(world, "shop-floor")  # not named as ours are
    operator = await world.ready(whatsapp_only("kept"), whatsapp_only("live"))
    await world.delete("kept")
    await operator.until_quiet()
    await operator.poll()
    orphan = Owner(CLUSTER_ID, NAMESPACE, "kept").instance_name
    assert [one["name"] for one in (await world.server())["status"]["orphans"]] == [orphan]
    await operator.poll(3)
    assert orphan in world.instances
    await world.apply(whatsapp_only("kept"))
    await operator.until_quiet()
    await operator.poll()
    assert "orphans" not in (await world.server())["status"]


async def test_a_server_serves_only_the_namespaces_it_lets_in(world: World) -> None:
    await world.edit_server(
        {"allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"a": "b"}}}}
    )
    operator = await world.ready(whatsapp_only())
    assert (await world.condition("InstanceReady"))["reason"] == "NamespaceNotAllowed"
    await world.api.merge_patch(NAMESPACES, NAMESPACE, {"metadata": {"labels": {"a": "b"}}})
    await operator.until_quiet()
    assert await world.is_ready()


async def test_an_unreachable_whatsapp_floods_nobody(start_world: StartWorld) -> None:
    names = [f"cafe-{n}" for n in range(6)]
    async with start_world() as world:
        operator = await world.ready(*(tenant(name) for name in names))
        await world.evolution_console("whatsapp", {"reachable": False, "flapping": True})
        await operator.poll(4)
        condition = await server_condition(world)
        assert (condition["status"], condition["reason"]) == ("False", "WhatsAppUnreachable")
        assert "6 of 6" in condition["message"]
        for name in names:
            assert (await world.condition("WhatsAppConnected", name))["reason"] == "Connecting"
        await world.assert_still(operator)  # however often the sessions flap meanwhile
        await world.evolution_console("whatsapp", {"reachable": True, "flapping": False})
        await operator.poll(2)
        assert (await server_condition(world))["status"] == "True"
        assert all([await world.is_ready(name) for name in names])
        await world.assert_still(operator)


async def test_a_server_restarted_in_the_middle_of_onboarding(world: World) -> None:
    names = [f"cafe-{n}" for n in range(4)]
    operator = await world.ready(tenant(names[0]), tenant(names[1]))
    await world.apply(tenant(names[2]), tenant(names[3]))
    await operator.pass_over(names[2], NAMESPACE)
    await world.evolution_console("restart", {"seconds": 0.2})
    for _ in range(60):
        await operator.until_quiet(within=60)
        await operator.poll()
        if all([await world.is_ready(name) for name in names]):
            break
        await asyncio.sleep(0.05)  # the server loads its instances by a clock of its own
    assert all([await world.is_ready(name) for name in names]), [await world.status(n) for n in names]
    await operator.poll(2)
    assert len(world.instances) == len(names)
    await world.assert_still(operator)


async def test_a_server_that_asks_for_a_licence_is_named_and_waited_for(world: World) -> None:
    await world.evolution_console("server", {"licensed": False})
    operator = await world.ready(whatsapp_only(), number_only("unconcerned"))
    assert (await server_condition(world))["reason"] == "LicenseRequired"
    assert await world.is_ready("unconcerned")
    assert not await world.is_ready()
    await world.evolution_console("server", {"licensed": True})
    await operator.poll()
    assert await world.is_ready(), await world.status()


async def test_a_deletion_does_not_wait_for_a_receiver_that_is_down(world: World) -> None:
    operator = await world.ready(releasing())
    webhook = {
        "enabled": True,
        "url": "http://127.0.0.1:9/nobody",
        "events": ["REMOVE_INSTANCE"],
        "headers": {},
    }
    await world.evolution_console(f"instances/{world.instance().name}/webhook", webhook)
    await world.delete()
    await operator.until_quiet(within=60)
    assert not await world.exists()
    assert world.instances == {}


@pytest.mark.parametrize(
    "spec", [{"url": "http://127.0.0.1:9"}, {"apiKeySecretRef": {"name": "hook", "key": "x"}}]
)
async def test_a_server_that_cannot_be_asked_holds_up_its_own_tenants_only(
    world: World, spec: dict[str, Any]
) -> None:
    await world.edit_server(spec)
    await world.ready(whatsapp_only(), number_only("unconcerned"))
    assert await world.is_ready("unconcerned")
    assert SERVER in (await world.condition("InstanceReady"))["message"]


async def test_a_server_that_lost_its_instances_gets_no_new_ones(world: World) -> None:
    names = [f"cafe-{n}" for n in range(4)]
    operator = await world.ready(*map(whatsapp_only, names))
    for name in list(world.instances):
        await world.evolution_console(f"instances/{name}")
    await operator.poll(2)
    assert (await server_condition(world))["reason"] == "MassDisappearance"
    await world.apply(whatsapp_only("late"))
    await operator.until_quiet()
    assert world.instances == {}
    assert (await world.condition("InstanceReady", "late"))["reason"] == "MassDisappearance"


async def test_states_come_from_the_database_when_metrics_are_turned_off(world: World) -> None:
    operator = await world.ready(tenant())
    await world.evolution_console(f"instances/{world.instance().name}/close", {"code": 401})
    await world.edit_server({"metrics": {"mode": "Off"}})
    await operator.poll(2)
    assert (await world.condition("WhatsAppConnected"))["reason"] in ("WaitingForPairing", "Connected")
    assert "no /metrics" in (await server_condition(world))["message"]


async def test_a_tenant_that_went_unseen_is_forgotten(world: World) -> None:
    operator = await world.ready(whatsapp_only("seen"), whatsapp_only("unseen"))
    process = operator.process
    ghost = TenantKey(NAMESPACE, "ghost")
    process.tenants.put(
        {**whatsapp_only("ghost"), "metadata": {**_METADATA, "name": "ghost", "namespace": NAMESPACE}}
    )
    assert ghost in process.tenants
    await forget_vanished(process.api, process.tenants, process.engine, ())
    assert ghost not in process.tenants
    assert TenantKey(NAMESPACE, "seen") in process.tenants


_METADATA = {
    "uid": "gone",
    "generation": 1,
    "resourceVersion": "1",
    "creationTimestamp": "2026-01-01T00:00:00Z",
}
