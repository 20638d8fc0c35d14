"""What an account may come to is bounded: by numbers, by monthly cost, by purchases within the hour."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from controller.api.common_fields import Money
from controller.reconcile.number.budget import UNDER_WAY
from tests.crash_summary import CRASHES

from .conftest import RecordProperty, StartWorld
from .crash_matrix import Scenario, survive_every_crash
from .phone_accounts import PROVIDERS, PhoneAccount
from .tenants import number_only
from .wire import Death
from .world import NAMESPACE, SECOND_PROVIDER, World, second_account


def cost_of(numbers: int, phone: type[PhoneAccount], less: str = "0") -> list[dict[str, Any]]:
    amount, currency = phone.price
    total = (
        Money(amount=amount, currency=currency).decimal * numbers
        - Money(amount=less, currency=currency).decimal
    )
    return [Money.of(total, currency).to_wire()]


async def waiting(world: World, *names: str) -> list[str]:
    """Those that wait for a budget; every other one is Ready."""
    conditions = {name: await world.condition("NumberReady", name) for name in names}
    left = [name for name, condition in conditions.items() if condition["status"] != "True"]
    assert {conditions[name]["reason"] for name in left} <= {"BudgetReached"}, conditions
    return left


@pytest.mark.parametrize("phone", PROVIDERS)
@pytest.mark.parametrize("bound", ["maxNumbers", "maxMonthlyCost", "maxPurchasesPerHour"])
async def test_no_more_is_bought_than_the_budget_allows(
    start_world: StartWorld, phone: type[PhoneAccount], bound: str
) -> None:
    budgets = {
        "maxNumbers": (3, 4),
        "maxPurchasesPerHour": (3, 4),
        "maxMonthlyCost": (cost_of(4, phone, less="0.01"), cost_of(4, phone)),
    }
    names = [f"cafe-{n}" for n in range(5)]
    async with start_world(phone=phone) as world:
        await world.edit_provider({"budget": {bound: budgets[bound][0]}})
        operator = await world.ready(*map(number_only, names))
        assert len(world.charges) == 3
        assert len(await waiting(world, *names)) == 2
        message = (await world.condition("NumberReady", (await waiting(world, *names))[0]))["message"]
        assert f"spec.budget.{bound}" in message
        assert await world.claims() == []
        await operator.poll(2)
        await world.assert_still(operator)

        await world.edit_provider({"budget": {bound: budgets[bound][1]}})
        await operator.until_quiet()
        assert len(world.charges) == 4
        assert len(await waiting(world, *names)) == 1


async def test_purchases_go_on_when_the_hour_has_passed(world: World) -> None:
    names = [f"cafe-{n}" for n in range(5)]
    await world.edit_provider({"budget": {"maxPurchasesPerHour": 2}})
    operator = await world.ready(*map(number_only, names))
    assert len(world.charges) == 2
    await operator.until_quiet(within=timedelta(minutes=58).total_seconds())
    assert len(world.charges) == 2
    await operator.until_quiet(within=timedelta(minutes=10).total_seconds())
    assert len(world.charges) == 4
    await operator.until_quiet(within=timedelta(hours=1, minutes=10).total_seconds())
    assert len(world.charges) == 5


async def test_a_released_number_makes_room_and_a_retained_one_does_not(world: World) -> None:
    await world.edit_provider({"budget": {"maxNumbers": 2}})
    operator = await world.ready(number_only("retained"), number_only("released", deletionPolicy="Release"))
    await world.apply(number_only("late"))
    await world.delete("retained")
    await operator.until_quiet()
    await operator.poll()
    assert await waiting(world, "late") == ["late"]
    await world.delete("released")
    await operator.until_quiet()
    await world.clock.advance(UNDER_WAY.total_seconds())
    await operator.poll()
    assert await waiting(world, "late") == []
    assert len(world.numbers) == 2


async def test_a_number_without_a_price_is_above_any_bound_on_cost(world: World) -> None:
    await world.phone.for_sale(price=None)
    await world.edit_provider({"budget": {"maxMonthlyCost": [{"amount": "999.00", "currency": "USD"}]}})
    await world.ready(number_only())
    assert await waiting(world, "cafe") == ["cafe"]
    assert world.charges == []


async def test_the_next_account_sells_when_the_first_has_reached_its_budget(world: World) -> None:
    await world.edit_provider({"budget": {"maxNumbers": 0}, "priority": 500})
    await world.apply(*second_account(world))
    await world.ready(number_only())
    assert await world.is_ready()
    assert (await world.status())["phoneNumber"]["provider"] == SECOND_PROVIDER


async def test_two_processes_together_stay_within_the_budget(world: World) -> None:
    names = [f"cafe-{n}" for n in range(8)]
    await world.edit_provider({"budget": {"maxNumbers": 3}})
    operators = [await world.start_operator() for _ in range(2)]
    for operator in operators:
        await operator.until_quiet()
    await world.apply(*map(number_only, names))
    for operator in operators:
        await operator.catch_up()
    for _ in range(6):
        await asyncio.gather(*(o.pass_over(name, NAMESPACE) for o in operators for name in names))
    for operator in operators * 2:
        await operator.until_quiet(within=120)
        await operator.poll()
    assert len(world.charges) == 3
    assert len(await waiting(world, *names)) == 5
    assert await world.claims() == []


async def bounded_onboarding(world: World) -> None:
    await world.edit_provider({"budget": {"maxNumbers": 1, "maxPurchasesPerHour": 1}})
    await world.apply(number_only())


async def is_within_budget(world: World) -> None:
    assert await world.is_ready(), await world.status()
    spending = (await world.provider())["status"]["spending"]
    assert spending["numbers"] + len(spending.get("reserved", [])) == 1
    assert sum(minute["purchases"] for minute in spending.get("recentPurchases", [])) <= 1


@pytest.mark.parametrize("when", Death)
@pytest.mark.parametrize("phone", PROVIDERS)
async def test_a_crash_neither_loses_nor_doubles_an_entry(
    start_world: StartWorld, phone: type[PhoneAccount], when: Death, record_property: RecordProperty
) -> None:
    scenario = Scenario(bounded_onboarding, is_within_budget)
    record_property(CRASHES, await survive_every_crash(scenario, start_world, when, phone=phone))
