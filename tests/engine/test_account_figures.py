"""Money and use in sight: what an account costs, which numbers nobody needs, how often tenants are called."""

import re
from datetime import timedelta

import pytest
from prometheus_client import generate_latest

from controller.runtime.engine_ports import CLAIM_ACCOUNT, CLAIM_NUMBER, CLAIM_TENANT
from controller.runtime.leases import NumberClaims, claim_name

from .conftest import StartWorld
from .phone_accounts import PROVIDERS, PhoneAccount
from .process import OperatorProcess
from .tenants import called, number_only
from .world import ACCOUNT, OPERATOR_NAMESPACE, World

SEVEN_HOURS = timedelta(hours=7, minutes=30).total_seconds()


def metric(operator: OperatorProcess, name: str) -> dict[str, float]:
    """Samples of a metric by their labels as they stand."""
    text = generate_latest(operator.process.registry).decode()
    found = re.findall(rf"^tenant_operator_{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


@pytest.mark.parametrize("phone", PROVIDERS)
async def test_numbers_and_their_cost_by_country(start_world: StartWorld, phone: type[PhoneAccount]) -> None:
    async with start_world(phone=phone) as world:
        operator = await world.ready(number_only("one"), number_only("two"), number_only("three"))
        await world.delete("three")
        await operator.until_quiet()
        await operator.poll()
        account, (amount, currency) = phone.provider_name, phone.price
        place = f'country="LV",provider="{account}"'
        cost = f'country="LV",currency="{currency}",provider="{account}"'
        assert metric(operator, "provider_numbers_managed") == {place: 3}
        # The number that is retained goes on costing money.
        assert metric(operator, "provider_monthly_cost") == {cost: pytest.approx(3 * float(amount))}
        assert metric(operator, "provider_orphans") == {f'provider="{account}"': 1}
        (orphan,) = (await world.provider())["status"]["orphans"]
        assert orphan["mark"].startswith("bt1:test:r:")


async def test_calls_are_counted_from_one_list_for_all_tenants(world: World) -> None:
    operator = await world.ready(called("one"), called("two"))
    numbers = {name: (await world.status(name))["phoneNumber"]["number"] for name in ("one", "two")}
    await operator.poll()
    for name, times in (("one", 3), ("two", 1)):
        for _ in range(times):
            await call(world, numbers[name])
    await world.clock.advance(120)
    before = len(world.wire.outside_reads)
    await operator.poll()
    lists = [read for read in world.wire.outside_reads[before:] if "Calls" in read]
    assert len(lists) == 1
    calls = metric(operator, "tenant_calls_total")
    assert calls == {'namespace="tenants",tenant="one"': 3, 'namespace="tenants",tenant="two"': 1}
    await operator.poll()  # what is listed twice counts once
    assert metric(operator, "tenant_calls_total") == calls


async def test_usage_reaches_status_with_another_change_or_after_hours(world: World) -> None:
    operator = await world.ready(called())
    number = (await world.status())["phoneNumber"]["number"]
    await call(world, number)
    await world.clock.advance(120)
    await world.assert_still(operator)
    assert "usage" not in await world.status()

    await hours_later(world, operator)
    assert (await world.status())["usage"]["callsHandled"] == 1

    await call(world, number)
    await call(world, number)
    await world.clock.advance(120)
    await operator.poll()
    assert (await world.status())["usage"]["callsHandled"] == 1
    await world.edit({"phoneNumber": {"pattern": "+371*"}, "business": {"name": "Renamed"}})
    await operator.until_quiet()
    assert (await world.status())["usage"]["callsHandled"] == 3


async def test_a_restart_neither_loses_nor_doubles_calls(world: World) -> None:
    operator = await world.ready(called())
    number = (await world.status())["phoneNumber"]["number"]
    await call(world, number)
    await hours_later(world, operator)
    await call(world, number)
    await world.clock.advance(600)
    await hours_later(world, await world.start_operator())
    assert (await world.status())["usage"]["callsHandled"] == 2


async def hours_later(world: World, operator: OperatorProcess) -> None:
    """So much later that figures in status are old."""
    await operator.poll()
    await world.clock.advance(SEVEN_HOURS)
    await operator.poll()
    await operator.look_at_all()


async def call(world: World, number: str) -> None:
    await world.phone.console(
        "calls", {"account": ACCOUNT, "to": number, "from": "+37129999999", "duration": 30}
    )


@pytest.mark.parametrize("phone", PROVIDERS)
async def test_a_claim_of_a_tenant_that_is_gone(start_world: StartWorld, phone: type[PhoneAccount]) -> None:
    """Its purchase may have happened: what the account shows afterwards decides."""
    never_bought, unmarked = "+37120000007", "+37120000008"
    async with start_world(phone=phone) as world:
        await world.phone.own(unmarked)
        for number in (never_bought, unmarked):
            await claim_for_nobody(world, number)
        operator = await world.ready()
        await operator.sweep()
        await operator.poll()
        await operator.sweep()
        await operator.poll()
        assert await world.claims() == [claim_name(phone.provider_name, unmarked)]
        (orphan,) = (await world.provider())["status"]["orphans"]
        assert (orphan["number"], orphan["claimedBy"]) == (unmarked, "tenants/gone")
        assert metric(operator, "provider_orphans") == {f'provider="{phone.provider_name}"': 1}
        await world.phone.lose(unmarked)
        await operator.poll()
        await operator.sweep()
        await operator.poll()
        assert await world.claims() == []
        assert "orphans" not in (await world.provider())["status"]


async def claim_for_nobody(world: World, number: str) -> None:
    claims = NumberClaims(world.api, OPERATOR_NAMESPACE, clock=world.clock)
    account = world.phone.provider_name
    annotations = {CLAIM_ACCOUNT: account, CLAIM_NUMBER: number, CLAIM_TENANT: "tenants/gone"}
    await claims.claim(claim_name(account, number), "uid-of-the-gone", annotations)
