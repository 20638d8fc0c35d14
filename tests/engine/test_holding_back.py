"""When the operator must not act: observing, unparsable specs, ceilings, unreachable accounts."""

from typing import Any

import pytest

from controller.runtime.kube_resources import BUSINESS_TENANTS

from .tenants import number_only, tenant
from .world import PROVIDER, World, provider_object


async def test_observe_changes_nothing_and_shows_what_would_be_done(world: World) -> None:
    operator = await world.ready(tenant(managementPolicy="Observe"))
    assert world.wire.outside_changes == []
    assert world.numbers == {}
    assert world.instances == {}
    body = await world.tenant()
    assert "finalizers" not in body["metadata"]
    assert (await world.condition("Ready"))["reason"] == "ObserveOnly"
    planned = [change["what"] for change in body["status"]["plan"]["changes"]]
    assert [what.split()[0] for what in planned] == ["buy", "create", "set", "set"]
    assert body["status"]["plan"]["changes"][0]["monthlyCost"] == {"amount": "3.00", "currency": "USD"}
    await world.assert_still(operator)
    await world.edit({"managementPolicy": "Full"})
    await operator.until_quiet()
    assert await world.is_ready()
    assert "plan" not in await world.status()


async def test_a_long_url_is_cut_where_a_status_shows_it(world: World) -> None:
    url = "http://platform.test/" + "x" * 1500
    operator = await world.ready(tenant(managementPolicy="Observe", ai={"webhook": {"url": url}}))
    assert (await world.condition("Ready"))["reason"] == "ObserveOnly"
    await world.edit({"managementPolicy": "Full"})
    await operator.until_quiet()
    assert await world.is_ready()


async def test_a_spec_that_does_not_parse_says_where(world: World) -> None:
    operator = await world.ready(tenant())
    changes = len(world.wire.outside_changes)
    stored = await world.tenant()
    # Written under an older schema, past the validation of today's.
    stored["spec"]["phoneNumber"]["type"] = "Satellite"
    operator.process.tenants.put({**stored, "metadata": {**stored["metadata"], "resourceVersion": "999999"}})
    invalid = operator.process.tenants.get(next(iter(operator.process.tenants)))
    assert "spec.phoneNumber.type" in getattr(invalid, "complaint", "")
    assert len(world.wire.outside_changes) == changes


@pytest.mark.parametrize(
    ("ceilings", "reason"),
    [
        ([{"amount": "2.99", "currency": "USD"}], "TooExpensive"),
        ([{"amount": "99.00", "currency": "EUR"}], "PriceNotComparable"),
        ([{"amount": "3.00", "currency": "USD"}], "Available"),
    ],
)
async def test_nothing_is_bought_above_the_ceiling(
    world: World, ceilings: list[dict[str, Any]], reason: str
) -> None:
    await world.ready(number_only(maxMonthlyCost=ceilings))
    assert (await world.condition("NumberReady"))["reason"] == reason
    assert len(world.charges) == (reason == "Available")


async def test_an_unknown_price_is_above_any_ceiling(world: World) -> None:
    await world.twilio_console("prices", {"LV": {"mobile": None}})
    await world.ready(number_only(maxMonthlyCost=[{"amount": "99.00", "currency": "USD"}]))
    assert (await world.condition("NumberReady"))["reason"] == "TooExpensive"
    assert world.charges == []


async def test_nothing_is_bought_before_every_account_was_listed(world: World) -> None:
    """The number could be in the account that does not answer."""
    await world.apply(provider_object("twilio-lost", "http://127.0.0.1:9"))
    operator = await world.ready(number_only())
    condition = await world.condition("NumberReady")
    assert condition["reason"] == "SearchingExisting"
    assert "twilio-lost" in condition["message"]
    assert world.charges == []
    await world.edit_provider({"lost": True}, "twilio-lost")
    await operator.until_quiet()
    await operator.poll()
    assert await world.is_ready()
    assert (await world.status())["phoneNumber"]["provider"] == PROVIDER


async def test_a_failing_account_is_not_bought_around(world: World) -> None:
    operator = await world.start_operator()
    await operator.until_quiet()
    await world.twilio_console(
        "faults", [{"match": "GET /2010-04-01/Accounts/*/AvailablePhoneNumbers/**", "action": "status:503"}]
    )
    await world.apply(number_only())
    await operator.until_quiet()
    assert (await world.condition("NumberReady"))["reason"] == "ProviderUnavailable"
    assert (await world.condition("Reconciling"))["status"] == "True"
    assert world.charges == []


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "status:500", "status:404"])
@pytest.mark.parametrize("request_", ["IncomingPhoneNumbers.json", "IncomingPhoneNumbers/*"])
async def test_a_doubtful_answer_costs_one_number_at_most(world: World, fault: str, request_: str) -> None:
    operator = await world.start_operator()
    await operator.until_quiet()
    match = f"POST /2010-04-01/Accounts/*/{request_}"
    await world.twilio_console("faults", [{"match": match, "action": fault, "times": 2}])
    await world.apply(tenant())
    await operator.until_quiet(within=120)
    assert await world.is_ready()
    assert len(world.charges) == len(world.numbers) == 1
    assert "purchase" not in (await world.status())["phoneNumber"]
    assert await world.claims() == []


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "status:500", "status:400"])
@pytest.mark.parametrize(
    "request_",
    [
        "POST /instance/create",
        "GET /instance/connectionState/*",
        "GET /webhook/find/*",
        "GET /instance/connect/*",
        "GET /instance/fetchInstances",
    ],
)
async def test_a_doubtful_answer_of_the_server_is_looked_into(
    world: World, fault: str, request_: str
) -> None:
    operator = await world.start_operator()
    await operator.until_quiet()
    await world.evolution_console("faults", [{"match": request_, "action": fault, "times": 1}])
    await world.apply(tenant())
    await operator.until_quiet(within=120)
    await operator.poll(2)
    await operator.until_quiet(within=120)
    if fault == "status:400":
        await operator.look_at_all()  # refused as it stands: not repeated by itself
        await operator.until_quiet()
    assert await world.is_ready(), await world.status()
    assert len(world.instances) == 1
    assert len(world.charges) == 1


async def test_an_edit_between_two_looks_is_decided_anew(world: World) -> None:
    """The version in the cache is not the newest: the write is refused, and nothing is done with what was old."""
    operator = await world.ready(number_only())
    await world.api.merge_patch(
        BUSINESS_TENANTS, "cafe", {"metadata": {"labels": {"touched": "yes"}}}, "tenants"
    )
    await world.twilio_console(f"numbers/{world.number().phone_number}", {"VoiceUrl": "http://other"})
    await operator.poll()
    assert await world.is_ready()
    assert not world.number().fields["voice_url"]
