"""Two processes work on the same tenants at once, as during an upgrade: still one number, one instance."""

import asyncio

import pytest

from .process import OperatorProcess
from .tenants import number_only, tenant
from .world import NAMESPACE, World


async def _at_once(world: World, operators: list[OperatorProcess], *names: str) -> None:
    """The same passes in both, at the same moment, each with what its own caches hold."""
    for _ in range(6):
        await asyncio.gather(
            *(operator.pass_over(name, NAMESPACE) for operator in operators for name in names)
        )


@pytest.mark.parametrize("latency", [0.0, 0.01])
async def test_one_tenant_in_two_processes(world: World, latency: float) -> None:
    operators = [await world.start_operator() for _ in range(2)]
    for operator in operators:
        await operator.until_quiet()
    await world.apply(tenant())
    for operator in operators:
        await operator.catch_up()
    world.twilio.latency = world.evolution.latency = latency
    await _at_once(world, operators, "cafe")
    for operator in operators * 2:
        await operator.until_quiet(within=120)
        await operator.poll(2)
    assert await world.is_ready(), await world.status()
    assert len(world.charges) == len(world.numbers) == len(world.instances) == 1
    assert await world.claims() == []
    await world.assert_still(operators[0])


async def test_many_tenants_race_for_few_numbers(world: World) -> None:
    for_sale = [f"+3712000000{n}" for n in range(3)]
    await world.twilio_console("inventory", {"LV": {"mobile": {"candidates": for_sale}}})
    names = [f"cafe-{n}" for n in range(4)]
    operators = [await world.start_operator() for _ in range(2)]
    for operator in operators:
        await operator.until_quiet()
    await world.apply(*map(number_only, names))
    for operator in operators:
        await operator.catch_up()
    await _at_once(world, operators, *names)
    for operator in operators * 2:
        await operator.until_quiet(within=120)
        await operator.poll()  # each has yet to see what the other one bought
    ready = [name for name in names if await world.is_ready(name)]
    told = {name: (await world.condition("Ready", name))["message"] for name in names}
    held = [(await world.status(name))["phoneNumber"]["number"] for name in ready]
    assert sorted(held) == sorted(world.charges) == for_sale, told
    assert await world.claims() == []
    marks = {str(number.fields["friendly_name"]) for number in world.numbers.values()}
    assert len(marks) == len(for_sale)
