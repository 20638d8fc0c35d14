"""More businesses than a pool of servers has room for: those that fit are placed, the others wait for a server."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from controller.api.group import API_VERSION
from controller.runtime.kube_resources import BUSINESS_TENANTS, EVOLUTION_SERVERS
from tests.operator import objects
from tests.operator.eventually import eventually
from tests.operator.stage import Stage, condition

SERVERS = 3


def business(stage: Stage, number: int) -> dict[str, Any]:
    name = f"shop-{number:04d}"
    spec = {"business": {"name": name}, "whatsapp": {"channel": "Evolution"}}
    metadata = {"name": name, "namespace": stage.namespace}
    return {"apiVersion": API_VERSION, "kind": "BusinessTenant", "metadata": metadata, "spec": spec}


async def until_counted(stage: Stage, *, ready: int, no_room: int) -> None:
    counted: Counter[str] = Counter()

    async def settled() -> bool:
        counted.clear()
        for body in (await stage.api.list(BUSINESS_TENANTS, stage.namespace)).items:
            found = condition(body, "InstanceReady")
            counted[
                found.get("reason", "") if found.get("status") == "False" else found.get("status", "")
            ] += 1
        await asyncio.sleep(1)
        return (counted["True"], counted["NoRoom"]) == (ready, no_room)

    await eventually(settled, within=200, told=lambda: str(counted))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("capacity", "tenants"), [(50, 180), pytest.param(500, 1800, marks=pytest.mark.scale)]
)
async def test_a_pool_that_is_too_small_and_one_more_server(
    stage: Stage, capacity: int, tenants: int
) -> None:
    await stage.api.delete(EVOLUTION_SERVERS, objects.SERVER)
    servers = [await stage.start_evolution() for _ in range(SERVERS + 1)]
    limits = {"requestsPerSecond": 1000, "concurrent": 32}
    pool = [
        objects.evolution_server(server.url, name=f"pool-{n}", maxInstances=capacity, limits=limits)
        for n, server in enumerate(servers)
    ]
    await stage.apply(*pool[:SERVERS])
    await stage.start_operator()
    await stage.apply_many(business(stage, n) for n in range(tenants))
    room, too_many = SERVERS * capacity, tenants - SERVERS * capacity
    await until_counted(stage, ready=room, no_room=too_many)
    assert [len(await server.instances()) for server in servers] == [*[capacity] * SERVERS, 0]

    await stage.apply(pool[SERVERS])
    await until_counted(stage, ready=tenants, no_room=0)
    instances = [await server.instances() for server in servers]
    assert [len(one) for one in instances] == [*[capacity] * SERVERS, too_many]
    assert len({name for one in instances for name in one}) == tenants, "no instance twice"
