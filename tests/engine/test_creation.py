"""A new instance: one look that proves the name free, one create that brings the webhook, both read back once."""

from collections.abc import Mapping
from typing import Any

import pytest

from controller.reconcile.ownership import Owner
from controller.sandbox.fakes.evolution import EvolutionFake

from .cloud_api import give_phone_number_id, waiting_for_registration
from .process import OperatorProcess
from .tenants import WEBHOOK_URL, tenant
from .world import API_KEY, CLUSTER_ID, NAMESPACE, WEBHOOK_TOKEN, World, console, server_object

LOOK = "GET /instance/connectionState/{name}"
CREATE = "POST /instance/create"
READ = "GET /instance/fetchInstances"
FIND = "GET /webhook/find/{name}"
SET = "POST /webhook/set/{name}"
NAME = Owner(CLUSTER_ID, NAMESPACE, "cafe").instance_name
AT_ONCE = 0.5
"""Seconds in which nothing is polled yet."""
SILENT: Mapping[str, Any] = {"route": "None", "webhook": None, "voice": None}


def on_test_channel(**changes: Any) -> dict[str, Any]:
    """An instance and a webhook, and nothing that is asked of the server later."""
    whatsapp = {"channel": "Evolution", "settings": None, "profile": None}
    return tenant(**{"phoneNumber": None, "whatsapp": whatsapp, "ai": {"voice": None}, **changes})


def asked(world: World) -> list[tuple[str, int]]:
    """What the server was asked one by one, and what it answered."""
    log = world.evolution.requests.details()
    return [(f"{one['method']} {one['template']}", int(str(one["status"]))) for one in log]


def calls(world: World) -> list[str]:
    return [call for call, _ in asked(world)]


async def started(world: World) -> OperatorProcess:
    """A process that has read its lists; what is asked from now on is for tenants."""
    operator = await world.start_operator()
    await operator.until_quiet()
    world.evolution.requests.clear()
    return operator


async def one_pass(operator: OperatorProcess) -> None:
    await operator.catch_up()
    await operator.pass_over("cafe", NAMESPACE)


async def failing_once(world: World, call: str, action: str, body: object = None) -> None:
    match = call.replace("{name}", "*")
    fault = {"match": match, "action": action, "times": 1} | ({"body": body} if body is not None else {})
    await world.evolution_console("faults", [fault])


async def assert_routed(world: World) -> None:
    assert await world.is_ready(), await world.status()
    webhook = world.instance().webhook
    assert webhook is not None
    assert (webhook.enabled, webhook.url, webhook.events) == (True, WEBHOOK_URL, ["MESSAGES_UPSERT"])
    assert (webhook.headers or {})["authorization"] == WEBHOOK_TOKEN
    assert (webhook.by_events, webhook.base64) == (False, False)


async def test_four_calls_make_an_instance_with_its_webhook(world: World) -> None:
    operator = await started(world)

    await world.apply(on_test_channel())
    await operator.until_quiet(within=AT_ONCE)

    await assert_routed(world)
    assert asked(world) == [(LOOK, 404), (CREATE, 201), (READ, 200), (FIND, 200)]
    assert [event for event in await world.events() if f"Created instance {NAME}" in event] == [
        f"{(await world.condition('Ready'))['message']} Created instance {NAME} on evolution-eu with its webhook."
    ]


async def test_a_phone_is_offered_its_code_right_after(world: World) -> None:
    operator = await started(world)

    await world.apply(tenant())
    await operator.until_quiet()

    await assert_routed(world)
    assert calls(world)[:5] == [LOOK, CREATE, READ, FIND, "GET /instance/connect/{name}"]
    assert SET not in calls(world)


async def test_four_calls_are_enough_on_the_cloud_api(world: World) -> None:
    operator = await waiting_for_registration(world)
    await world.register_at_meta(world.charges[0])
    world.evolution.requests.clear()

    await give_phone_number_id(world)
    await operator.until_quiet(within=AT_ONCE)

    await assert_routed(world)
    assert calls(world) == [LOOK, CREATE, READ, FIND]


@pytest.mark.parametrize(
    "ai", [SILENT, {"voice": None, "webhook": {"authSecretRef": {"name": "late", "key": "token"}}}]
)
async def test_without_a_webhook_to_be_set_none_goes_along(world: World, ai: Mapping[str, Any]) -> None:
    operator = await started(world)

    await world.apply(on_test_channel(ai=ai))
    await operator.until_quiet(within=AT_ONCE)

    assert calls(world) == [LOOK, CREATE, READ]
    assert world.instance().webhook is None


@pytest.mark.parametrize("action", ["status:500", "status:503", "drop-before"])
async def test_a_create_that_failed_is_looked_for_before_it_is_repeated(world: World, action: str) -> None:
    operator = await started(world)
    await failing_once(world, CREATE, action)

    await world.apply(on_test_channel())
    await operator.until_quiet()

    await assert_routed(world)
    needed = [call for call in calls(world) if call in {LOOK, CREATE, READ, FIND, SET}]
    assert needed == [LOOK, CREATE, LOOK, CREATE, READ, FIND]


@pytest.mark.parametrize("call", [CREATE, READ])
async def test_an_instance_whose_making_was_not_seen_is_found_and_its_webhook_verified(
    world: World, call: str
) -> None:
    operator = await started(world)
    await failing_once(world, call, "drop-after")

    await world.apply(on_test_channel())
    await operator.until_quiet()

    await assert_routed(world)
    assert calls(world).count(CREATE) == 1
    assert calls(world).count(FIND) == 1
    assert SET not in calls(world)


async def test_the_next_process_verifies_the_webhook_of_one_that_died_after_the_create(world: World) -> None:
    await world.apply(on_test_channel())
    await world.crash_after(CREATE)
    world.evolution.requests.clear()

    operator = await world.start_operator()
    await operator.until_quiet()

    await assert_routed(world)
    assert calls(world).count(FIND) == 1
    assert {CREATE, SET}.isdisjoint(calls(world))


async def test_a_route_given_up_while_the_answer_was_lost_answers_nobody(world: World) -> None:
    operator = await started(world)
    await failing_once(world, CREATE, "drop-after")
    await world.apply(on_test_channel())
    await one_pass(operator)
    assert world.is_routed()

    await world.edit({"ai": SILENT})
    await operator.until_quiet()

    assert await world.is_ready(), await world.status()
    assert not world.is_routed()
    webhook = world.instance().webhook
    assert webhook is not None
    assert not webhook.headers


async def test_a_webhook_that_reads_back_differently_is_set(world: World) -> None:
    operator = await started(world)
    other = {"enabled": True, "url": "http://elsewhere.test", "events": ["MESSAGES_UPSERT"], "headers": {}}
    await failing_once(world, FIND, "status:200", other)

    await world.apply(on_test_channel())
    await operator.until_quiet(within=AT_ONCE)

    await assert_routed(world)
    assert calls(world) == [LOOK, CREATE, READ, FIND, SET, FIND]


async def test_a_webhook_that_cannot_be_read_back_is_not_said_to_be_verified(world: World) -> None:
    operator = await started(world)
    await failing_once(world, FIND, "status:500")

    await world.apply(on_test_channel())
    await one_pass(operator)

    assert (await world.condition("InstanceReady"))["status"] == "True"
    assert (await world.condition("RoutingReady"))["status"] == "False"
    await operator.until_quiet()
    await assert_routed(world)
    assert SET not in calls(world)


async def test_the_webhook_of_an_instance_made_again_is_set_by_itself(world: World) -> None:
    """Somebody took it away: how often such a thing is repaired is counted, and it may have to be left."""
    operator = await world.ready(on_test_channel())
    await world.evolution_console(f"instances/{NAME}")
    world.evolution.requests.clear()

    await operator.poll(2)
    await operator.until_quiet()

    await assert_routed(world)
    needed = [call for call in calls(world) if call in {LOOK, CREATE, FIND, SET}]
    assert needed == [LOOK, CREATE, SET, FIND]


async def test_a_name_that_only_the_servers_memory_has_is_left_alone(world: World) -> None:
    """Its row was deleted by another server on the same database: a create that fails would delete it for good."""
    await somebody_has(world.evolution, world)
    await world.evolution_console(f"instances/{NAME}?ghost=1")
    before = world.instance()
    operator = await started(world)

    await world.apply(on_test_channel())
    await one_pass(operator)

    assert world.instance() is before
    assert (await world.condition("InstanceReady"))["reason"] == "Creating"


async def test_a_name_that_another_server_on_the_database_has_is_never_created(world: World) -> None:
    other = EvolutionFake(api_key=API_KEY, client_name="other", database=world.evolution.world.database)
    await other.start()
    world.stack.push_async_callback(other.stop)
    await somebody_has(other, world)
    operator = await started(world)

    await world.apply(on_test_channel())
    await one_pass(operator)

    assert CREATE not in calls(world)
    assert (await world.condition("InstanceReady"))["reason"] == "ServerUnavailable"
    assert list(other.world.instances) == [NAME]


async def somebody_has(server: EvolutionFake, world: World) -> None:
    answer = await world.http.post(
        f"{server.base_url}/instance/create",
        json={"instanceName": NAME, "integration": "EVOLUTION"},
        headers={"apikey": API_KEY},
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("call", "action"), [(CREATE, "drop-after"), (CREATE, "status-after:504"), (READ, "status:503")]
)
async def test_what_may_have_been_created_is_looked_for_where_it_was_begun(
    world: World, call: str, action: str
) -> None:
    """Another tenant leaves more room on the other server meanwhile: there it would be created a second time."""
    roomy = EvolutionFake(api_key=API_KEY, client_name="roomy")
    await roomy.start()
    world.stack.push_async_callback(roomy.stop)
    await world.apply(server_object("roomy", roomy.base_url))
    operator = await started(world)
    await world.clock.advance(1)
    await console(world.http, roomy, "faults", [{"match": call, "action": action, "times": 1}])

    await world.apply(on_test_channel())
    await one_pass(operator)
    assert list(roomy.world.instances) == [NAME]
    await world.apply(on_test_channel(name="other"))
    await operator.catch_up()
    await operator.pass_over("other", NAMESPACE)
    assert len(roomy.world.instances) == 2
    await operator.pass_over("cafe", NAMESPACE)

    assert await world.is_ready(), await world.status()
    assert (await world.status())["instance"]["server"] == "roomy"
    assert world.instances == {}
