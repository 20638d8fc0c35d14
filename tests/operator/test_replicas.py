"""Several operator processes share the tenants: each is worked on by one of them at any time, whatever happens."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from controller.api.group import API_VERSION
from controller.runtime.kube_resources import BUSINESS_TENANTS, EVOLUTION_SERVERS
from tests.operator import objects
from tests.operator.eventually import eventually
from tests.operator.operators import OperatorProcess
from tests.operator.outside import Evolution
from tests.operator.stage import Stage, condition

REPLICAS = 3
# So many a server, so that its log holds every request about them.
PER_SERVER = 500
RATE = 200
LEASE = timedelta(seconds=6)
CREATED = ("/instance/create", 201)


@dataclass(frozen=True, slots=True)
class Work:
    """One request about one instance."""

    instance: str
    agent: str
    method: str
    template: str
    status: int
    started: float
    finished: float


def business(stage: Stage, number: int) -> dict[str, Any]:
    name = f"shop-{number:04d}"
    spec = {
        "business": {"name": name},
        "whatsapp": {"channel": "Evolution", "settings": {"ignoreGroups": False}},
    }
    metadata = {"name": name, "namespace": stage.namespace}
    return {"apiVersion": API_VERSION, "kind": "BusinessTenant", "metadata": metadata, "spec": spec}


async def start_replicas(stage: Stage, tenants: int) -> tuple[list[OperatorProcess], list[Evolution]]:
    await stage.api.delete(EVOLUTION_SERVERS, objects.SERVER)
    servers = [await stage.start_evolution() for _ in range(-(-tenants // PER_SERVER))]
    limits = {"requestsPerSecond": RATE, "concurrent": 30}
    await stage.apply(
        *(
            objects.evolution_server(
                server.url, name=f"pool-{n}", maxInstances=PER_SERVER, limits=limits, pollInterval="5s"
            )
            for n, server in enumerate(servers)
        )
    )
    stage.settings = replace(stage.settings, lease_duration=LEASE)
    names = [f"replica-{n}" for n in range(REPLICAS)]
    replicas = await asyncio.gather(*(stage.start_operator_process(name) for name in names))
    return [replica for replica in replicas if isinstance(replica, OperatorProcess)], servers


async def apply_all(stage: Stage, numbers: Iterable[int]) -> None:
    await stage.apply_many(business(stage, number) for number in numbers)


async def until_ready(stage: Stage, count: int, *, within: float = 200) -> None:
    """Return once so many tenants are Ready at their newest generation."""
    seen = 0

    async def ready() -> bool:
        nonlocal seen
        bodies = (await stage.api.list(BUSINESS_TENANTS, stage.namespace)).items
        seen = sum(
            condition(body, "Ready").get("status") == "True"
            and body["status"].get("observedGeneration") == body["metadata"]["generation"]
            for body in bodies
        )
        await asyncio.sleep(0.5)
        return seen == count

    await eventually(ready, within=within, told=lambda: f"{seen} of {count} are Ready")


async def work_of(servers: Iterable[Evolution]) -> dict[str, list[Work]]:
    """Requests about each instance, in the order in which they began."""
    found: dict[str, list[Work]] = {}
    for server in servers:
        for request in await server.control("GET", "requests?detail=1"):
            instance = str(request["fields"].get("instanceName") or "")
            if "{" in request["template"]:
                instance = request["path"].rpartition("/")[2]
            if instance:
                found.setdefault(instance, []).append(
                    Work(
                        instance,
                        request["agent"],
                        request["method"],
                        request["template"],
                        request["status"],
                        request["started"],
                        request["finished"],
                    )
                )
    return {name: sorted(work, key=lambda one: one.started) for name, work in found.items()}


def assert_one_at_a_time(work: dict[str, list[Work]]) -> None:
    """Whenever another process goes on with a tenant, the last request of the one before is over."""
    for requests in work.values():
        for before, after in pairwise(requests):
            assert before.agent == after.agent or before.finished <= after.started, (before, after)


async def assert_within_budget(servers: Iterable[Evolution]) -> None:
    """All processes together never asked a server more than it may be asked."""
    seconds = 5.0
    for server in servers:
        log = await server.control("GET", "requests?detail=1")
        times = sorted(request["started"] for request in log)
        first = 0
        for last, moment in enumerate(times):
            while times[first] < moment - seconds:
                first += 1
            # Each replica may save up one second's worth of its own part.
            assert last - first + 1 <= RATE * (seconds + 1)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("tenants", [60, pytest.param(3000, marks=pytest.mark.scale)])
async def test_replicas_share_the_tenants_and_one_dies_and_one_sleeps(stage: Stage, tenants: int) -> None:
    replicas, servers = await start_replicas(stage, tenants)
    half = tenants // 2
    await apply_all(stage, range(half))
    await until_ready(stage, half)
    work = await work_of(servers)
    agents = {one.agent for requests in work.values() for one in requests}
    assert len(work) == half
    assert len(agents) == REPLICAS, "every process has its part"
    assert_one_at_a_time(work)

    # One is stopped in the middle of the other half, and another killed: what is left takes over what they had.
    applying = asyncio.create_task(apply_all(stage, range(half, tenants)))
    await asyncio.sleep(0.5)
    replicas[0].pause()
    await asyncio.sleep(LEASE.total_seconds() / 2)
    loop = asyncio.get_running_loop()
    killed_at = loop.time()
    await replicas[1].kill()
    await applying
    await until_ready(stage, tenants, within=200 if tenants > half * 4 else 60 + tenants / 20)
    taken_over_in = loop.time() - killed_at
    replicas[0].resume()
    await asyncio.sleep(LEASE.total_seconds())
    work = await work_of(servers)
    assert len(work) == tenants
    assert_one_at_a_time(work)
    # A creation that died with its process may have to be repeated; none is made twice.
    made = {
        name: [one for one in requests if (one.template, one.status) == CREATED]
        for name, requests in work.items()
    }
    assert [(creations, work[name]) for name, creations in made.items() if len(creations) != 1] == []
    assert sum([len(await server.instances()) for server in servers]) == tenants
    await assert_within_budget(servers)
    if tenants <= PER_SERVER:
        assert taken_over_in < 20 + LEASE.total_seconds()


@pytest.mark.timeout(120)
async def test_a_rolling_update_leaves_no_gap(stage: Stage) -> None:
    """One comes, one goes, again and again: an edit is seen outside at once."""
    replicas, _ = await start_replicas(stage, 20)
    await apply_all(stage, range(20))
    await until_ready(stage, 20)
    for generation, leaving in enumerate(replicas):
        await stage.start_operator_process(f"successor-{generation}")
        loop = asyncio.get_running_loop()
        stopping = asyncio.create_task(leaving.stop())
        began = loop.time()
        flag = generation % 2 == 0
        for number in range(20):
            await stage.patch(f"shop-{number:04d}", {"whatsapp": {"settings": {"ignoreGroups": flag}}})
        await until_ready(stage, 20, within=LEASE.total_seconds())
        assert loop.time() - began < LEASE.total_seconds(), "nobody waited for a Lease to run out"
        await stopping
