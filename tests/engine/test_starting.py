"""A process starts over tenants that are Ready: one look at each, and nothing is changed."""

from collections import Counter

import pytest

from controller.reconcile.deep_check import deep_check_due, seconds_to_deep_check
from tests.reconcile import builders

from .process import OperatorProcess
from .tenants import tenant
from .world import NAMESPACE, World

NAMES = ("bakery", "cafe", "shop")
ACCOUNTS_AND_SERVERS = 2


async def _restarted(world: World) -> OperatorProcess:
    await world.ready(*map(tenant, NAMES))
    return await world.start_operator()


async def test_every_tenant_is_passed_over_once(world: World) -> None:
    operator = await _restarted(world)

    await operator.until_quiet(within=0.5)

    assert _passes(operator) == len(NAMES) + ACCOUNTS_AND_SERVERS


async def test_a_version_that_is_told_again_is_not_looked_at_again(world: World) -> None:
    operator = await _restarted(world)
    await operator.until_quiet(within=0.5)
    before = _passes(operator)

    for name in NAMES:
        operator.process.engine.tenant_event(await world.tenant(name), deleted=False, initial=True)
    operator.process.engine.acquired(lambda _: False)
    await operator.until_quiet(within=0.5)

    assert _passes(operator) == before + ACCOUNTS_AND_SERVERS


async def test_an_edit_is_acted_on_in_the_middle_of_a_start(world: World) -> None:
    operator = await _restarted(world)

    await world.edit({"paused": True})
    await operator.catch_up()
    await operator.pass_over("cafe", NAMESPACE)

    assert (await world.condition("Paused"))["status"] == "True"


async def test_a_start_while_the_provider_is_down_is_no_different(world: World) -> None:
    await world.ready(*map(tenant, NAMES))
    await world.phone.go_down()
    operator = await world.start_operator()

    await operator.until_quiet(within=0.5)

    assert _passes(operator) == len(NAMES) + ACCOUNTS_AND_SERVERS


async def test_first_deep_checks_are_spread_over_the_whole_interval(world: World) -> None:
    operator = await world.start_operator()
    context = operator.process.engine._context
    interval = world.settings.deep_check_interval.total_seconds()
    tenants = [builders.tenant(name=f"shop-{n}", uid=f"uid-{n}") for n in range(1000)]

    due = [deep_check_due(context.memory.deep_checked_at, tenant, context) for tenant in tenants]
    tenths = Counter(int(10 * seconds_to_deep_check(tenant.key, context) / interval) for tenant in tenants)

    assert not any(due)
    assert all(60 <= tenths[tenth] <= 140 for tenth in range(10)), tenths


async def test_every_tenant_is_checked_once_an_interval(world: World) -> None:
    operator = await _restarted(world)
    interval = world.settings.deep_check_interval.total_seconds()
    await operator.until_quiet(within=0.5)

    for _ in range(2):
        world.wire.outside_reads.clear()
        # The jitter of a tenth makes each turn longer by that at most.
        await operator.until_quiet(within=1.15 * interval)
        checks = world.wire.outside_reads.count("GET /webhook/find/{name}")
        assert len(NAMES) <= checks <= 2 * len(NAMES)


def _passes(operator: OperatorProcess) -> float:
    """Passes that were made over tenants, accounts and servers."""
    name = "tenant_operator_reconcile_seconds_count"
    return operator.process.registry.get_sample_value(name, {"result": "done"}) or 0.0


@pytest.fixture
async def just_acquired(world: World, monkeypatch: pytest.MonkeyPatch) -> OperatorProcess:
    """A process to which every tenant came a moment ago, from another that may have changed things since its lists."""
    await world.ready(*map(tenant, NAMES))
    operator = await world.start_operator()
    await operator.until_quiet(within=0.5)
    await world.clock.advance(1)
    now = world.clock.now()
    monkeypatch.setattr(operator.process.shards, "held_since", lambda _: now)
    monkeypatch.setattr(operator.process.shards, "newest_acquisition", lambda: now)
    return operator


async def test_an_edit_does_not_wait_for_the_lists_of_a_take_over(
    world: World, just_acquired: OperatorProcess
) -> None:
    world.evolution.requests.clear()
    before = len(world.wire.outside_changes)
    await world.edit({"ai": {"features": ["menu"]}})
    await just_acquired.catch_up()

    await just_acquired.pass_over("cafe", NAMESPACE)

    assert world.wire.outside_changes[before:] == ["POST /webhook/set/{name}"]
    assert (await world.status())["observedGeneration"] == 2
    log = world.evolution.requests.details()
    assert [f"{one['method']} {one['template']}" for one in log] == [
        "GET /instance/fetchInstances",
        "GET /webhook/find/{name}",
        "POST /webhook/set/{name}",
        "GET /webhook/find/{name}",
    ]


async def test_without_an_edit_a_taken_over_tenant_waits_for_the_lists(
    world: World, just_acquired: OperatorProcess
) -> None:
    world.evolution.requests.clear()

    await just_acquired.pass_over("cafe", NAMESPACE)

    assert world.evolution.requests.details() == []


@pytest.mark.parametrize("gone", ["number", "instance"])
async def test_what_is_not_found_by_itself_is_left_to_the_lists(
    world: World, just_acquired: OperatorProcess, gone: str
) -> None:
    if gone == "number":
        await world.phone.lose((await world.status())["phoneNumber"]["number"])
    else:
        world.instances.clear()
    before, status = len(world.wire.outside_changes), await world.status()
    await world.edit({"ai": {"features": ["menu"]}})
    await just_acquired.catch_up()

    await just_acquired.pass_over("cafe", NAMESPACE)

    assert world.wire.outside_changes[before:] == []
    assert await world.status() == status
