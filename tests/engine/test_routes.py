"""Every route of messages: set up, edited, given a new key, left for every other, and meddled with by hand."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, permutations

import pytest

from controller.api.ai_routes import MessageRoute
from controller.reconcile.ai.plan import parked_name
from controller.runtime.kube_resources import SECRETS

from .conftest import StartWorld
from .process import OperatorProcess
from .routes import (
    BOTS,
    KEY,
    MENU,
    NEW_KEY,
    ROUTES,
    Route,
    Watching,
    answering,
    bots,
    by_hand,
    expected,
    give_key,
    give_menu,
    keys,
    live,
    passing_time,
    routed,
    switch,
    until_asked,
)
from .tenants import tenant
from .world import CLUSTER_ID, NAMESPACE, World

ALL = list(ROUTES.values())
KEYED = [route for route in ALL if route.keyed]
OPENAI, DIFY, WEBHOOK = (
    ROUTES[name] for name in (MessageRoute.OPENAI, MessageRoute.DIFY, MessageRoute.WEBHOOK)
)


async def deep_check(world: World, operator: OperatorProcess) -> None:
    await world.clock.advance(world.settings.deep_check_interval.total_seconds() + 1)
    await operator.look_at_all()


def named(route: object) -> str:
    return route.name.value if isinstance(route, Route) else str(route)


@pytest.mark.parametrize("route", ALL, ids=named)
async def test_a_route_is_set_up_verified_and_then_left_alone(world: World, route: Route) -> None:
    operator = await live(world, route)
    assert answering(world) == expected(route)
    assert len(bots(world)) == (route.kind is not None)
    status = (await world.status())["routing"]
    assert status["route"] == route.name.value
    assert status.get("botID") == (bots(world)[0].id if route.kind else None)
    reads = len(world.wire.outside_reads)
    await operator.look_at_all()
    assert world.wire.outside_reads[reads:] == []
    await world.assert_still(operator)


@pytest.mark.parametrize("route", BOTS, ids=named)
async def test_an_edit_changes_the_bot_in_place(world: World, route: Route) -> None:
    operator = await live(world, route)
    (before,) = bots(world)
    await world.edit(
        {"ai": {route.block_name: route.edit, "session": {"expireAfter": "1h20m", "debounce": "2s"}}}
    )
    await operator.until_quiet()
    (after,) = bots(world)
    assert await world.is_ready()
    assert after.id == before.id
    assert (after.values["expire"], after.values["debounceTime"]) == (80, 2)
    settings = world.evolution.world.database.bots.settings[after.instance_id, after.kind]
    assert settings.values["expire"] == 80
    await world.assert_still(operator)


@pytest.mark.parametrize("route", KEYED, ids=named)
async def test_a_new_key_reaches_the_route(world: World, route: Route) -> None:
    operator = await live(world, route)
    new = await give_key(world, template=NEW_KEY)
    watching = Watching(world)
    await operator.until_quiet()
    assert await world.is_ready()
    assert answering(world) == expected(route)
    assert all(len(seen) == 1 for seen in watching.seen)
    if route is WEBHOOK:
        assert (world.instance().webhook.headers or {})["authorization"] == new  # type: ignore[union-attr]
    elif route is OPENAI:
        assert [key.api_key for key in keys(world)] == [new]
        assert bots(world)[0].values["openaiCredsId"] == keys(world)[0].id
    else:
        assert new in bots(world)[0].values.values()
    await world.assert_still(operator)


# Every route once as the old one and once as the new one; all others take minutes.
_RING = [(old.name, new.name) for old, new in pairwise([*ALL, ALL[0]])]
SWITCHES = [
    pytest.param(
        old,
        new,
        marks=() if (old.name, new.name) in _RING else pytest.mark.scale,
        id=f"{old.name}-{new.name}",
    )
    for old, new in permutations(ALL, 2)
]


@pytest.mark.parametrize(("old", "new"), SWITCHES)
async def test_a_switch_leaves_nothing_behind_and_never_two_answer(
    world: World, old: Route, new: Route
) -> None:
    operator = await live(world, old)
    watching = Watching(world)
    await switch(world, new)
    await operator.until_quiet()
    assert await world.is_ready()
    assert answering(world) == expected(new)
    assert len(bots(world)) == (new.kind is not None)
    assert len(keys(world)) == (new is OPENAI)
    assert all(len(seen) <= 1 for seen in watching.seen), watching.seen
    if expected(old) and expected(new):
        assert watching.seen.count([]) <= 1, "customers waited for more than one request"
    assert (await world.status())["routing"]["route"] == new.name.value
    await world.assert_still(operator)


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
@pytest.mark.parametrize("route", ALL, ids=named)
async def test_nobody_answers_for_a_tenant_that_is_gone(world: World, route: Route, policy: str) -> None:
    operator = await live(world, route)
    await world.edit({"whatsapp": {"deletionPolicy": policy}})
    await operator.until_quiet()
    await world.delete()
    await operator.until_quiet()
    assert not await world.exists()
    assert len(world.instances) == (policy == "Retain")
    assert bots(world) == []
    assert keys(world) == []
    assert policy == "Delete" or answering(world) == []


@pytest.mark.parametrize("removed", [{"ai": None}, {"ai": None, "whatsapp": None}], ids=["ai", "whatsapp"])
@pytest.mark.parametrize("route", ALL, ids=named)
async def test_a_removed_block_means_that_nobody_answers(
    world: World, route: Route, removed: dict[str, None]
) -> None:
    operator = await live(world, route)
    await world.edit(removed)
    await operator.until_quiet()
    assert await world.is_ready()
    assert answering(world) == []
    assert bots(world) == []
    assert keys(world) == []
    await world.assert_still(operator)


@pytest.mark.parametrize("change", ["disabled", "edited", "renamed", "deleted", "webhook"])
@pytest.mark.parametrize("route", BOTS, ids=named)
async def test_what_was_changed_by_hand_is_repaired_at_the_next_deep_check(
    world: World, route: Route, change: str
) -> None:
    operator = await live(world, route)
    (bot,) = bots(world)
    match change:
        case "disabled":
            bot.values["enabled"] = False
        case "edited":
            bot.values["expire"] = 7
        case "renamed":
            bot.values["description"] = "my bot"
        case "deleted":
            await by_hand(world, "DELETE", f"/{bot.kind}/delete/{bot.id}/{{name}}")
        case "webhook":
            hook = {"enabled": True, "url": "http://other.test", "events": ["MESSAGES_UPSERT"]}
            await by_hand(world, "POST", "/webhook/set/{name}", {"webhook": hook})
    await deep_check(world, operator)
    assert await world.is_ready()
    assert answering(world) == expected(route)
    (repaired,) = bots(world)
    assert repaired.values["expire"] == 0
    assert str(repaired.values["description"]).startswith(f"bt1:{CLUSTER_ID}:")
    await world.assert_still(operator)


@pytest.mark.parametrize("route", [WEBHOOK, OPENAI, DIFY], ids=named)
async def test_what_is_changed_back_again_and_again_is_left_and_it_is_said(
    world: World, route: Route
) -> None:
    world.settings = replace(world.settings, deep_check_interval=timedelta(minutes=10))
    operator = await live(world, route)
    for _ in range(3):
        meddle(world)
        await deep_check(world, operator)
        assert answering(world) == expected(route)
    meddle(world)
    await deep_check(world, operator)
    assert (await world.condition("RoutingReady"))["reason"] == "Contended"
    assert answering(world) == []
    await operator.look_at_all()
    assert answering(world) == []


async def test_keys_and_contexts_of_ones_own_are_no_fight(world: World) -> None:
    await give_menu(world)
    operator = await live(world, OPENAI, contextConfigMapRef={"name": "menu", "key": "menu.md"})
    for price in range(6):
        await give_menu(world, f"Pancakes {price}.00")
        await operator.until_quiet()
    assert await world.is_ready()
    assert "Pancakes 5.00" in str(bots(world)[0].values["systemMessages"])


def meddle(world: World) -> None:
    webhook = world.instance().webhook
    if webhook is not None and webhook.enabled:
        webhook.enabled = False
    for bot in bots(world):
        bot.values["enabled"] = False


@pytest.mark.parametrize("route", [r for r in ALL if expected(r)], ids=named)
async def test_a_bot_of_somebody_else_that_answers_everything_holds_a_switch_back(
    world: World, route: Route
) -> None:
    operator = await live(world, ROUTES[MessageRoute.NONE])
    foreign = {"enabled": True, "triggerType": "all", "apiUrl": "http://by.hand", "description": "mine"}
    made = await by_hand(world, "POST", "/evolutionBot/create/{name}", foreign)
    await give_key(world)
    await switch(world, route)
    await operator.until_quiet()
    condition = await world.condition("RoutingReady")
    assert condition["reason"] == "OtherBotAnswers"
    assert made["id"] in condition["message"]
    assert answering(world) == ["evolutionBot"]
    await by_hand(world, "DELETE", f"/evolutionBot/delete/{made['id']}/{{name}}")
    await operator.until_quiet(within=120)
    assert await world.is_ready()
    assert answering(world) == expected(route)


async def test_a_bot_of_somebody_else_with_a_keyword_is_left_alone(world: World) -> None:
    operator = await live(world, OPENAI)
    foreign = {
        "enabled": True,
        "triggerType": "keyword",
        "triggerOperator": "equals",
        "triggerValue": "staff",
        "apiUrl": "http://by.hand",
    }
    made = await by_hand(world, "POST", "/evolutionBot/create/{name}", foreign)
    await switch(world, ROUTES[MessageRoute.EVOLUTION_BOT])
    await operator.until_quiet()
    assert await world.is_ready()
    assert made["id"] in {bot.id for bot in bots(world)}
    await world.delete()
    await operator.until_quiet()
    assert [bot.id for bot in bots(world)] == [made["id"]]


@pytest.mark.parametrize("route", KEYED, ids=named)
async def test_the_old_route_stays_until_the_new_ones_key_is_there(world: World, route: Route) -> None:
    old = ROUTES[MessageRoute.TYPEBOT]
    operator = await live(world, old)
    await world.api.delete(SECRETS, "cafe-ai", NAMESPACE)
    await switch(world, route)
    await operator.until_quiet()
    condition = await world.condition("RoutingReady")
    assert condition["reason"] == "SecretNotFound"
    assert f"spec.ai.{route.block_name}." in condition["message"]
    assert answering(world) == expected(old)
    assert (await world.status())["routing"]["route"] == "Typebot"
    await give_key(world)
    await operator.until_quiet()
    assert await world.is_ready()
    assert answering(world) == expected(route)


async def test_an_openai_key_of_another_tenant_is_said_plainly(world: World) -> None:
    operator = await live(world, OPENAI)
    await give_key(world, "bar", "sk-of-cafe-never-shown")
    await world.apply(routed(world, OPENAI, "bar"))
    await operator.until_quiet()
    condition = await world.condition("RoutingReady", "bar")
    assert condition["reason"] == "APIKeyInUse"
    assert condition["message"].startswith("spec.ai.openAI.apiKeySecretRef: ")
    assert bots(world, "bar") == []
    await give_key(world, "bar")
    await operator.until_quiet()
    assert await world.is_ready("bar")
    assert await world.is_ready("cafe")


async def test_a_key_that_one_tenant_gave_up_serves_another(world: World) -> None:
    operator = await live(world, OPENAI)
    await switch(world, DIFY)
    await operator.until_quiet()
    await give_key(world, "bar", "sk-of-cafe-never-shown")
    await world.apply(routed(world, OPENAI, "bar"))
    await operator.until_quiet()
    assert await world.is_ready("bar")
    names = {one.name for one in world.evolution.world.database.bots.credentials.values()}
    cafe = (await world.status())["instance"]["name"]
    assert parked_name(cafe) in names


async def test_back_to_openai_nothing_stands_in_for_its_key(world: World) -> None:
    operator = await live(world, OPENAI)
    for route in (DIFY, OPENAI):
        await switch(world, route)
        await operator.until_quiet()
    assert await world.is_ready()
    (credentials,) = world.evolution.world.database.bots.credentials.values()
    assert credentials.api_key == keys(world)[0].api_key


@pytest.mark.parametrize("route", BOTS, ids=named)
async def test_a_tenant_that_is_applied_again_is_answered_again(world: World, route: Route) -> None:
    operator = await live(world, route)
    await world.delete()
    await operator.until_quiet()
    await world.apply(routed(world, route))
    await operator.until_quiet()
    assert await world.is_ready()
    assert answering(world) == expected(route)


@pytest.mark.parametrize("route", ALL, ids=named)
async def test_only_looking_changes_nothing_and_says_what_would_be(world: World, route: Route) -> None:
    old = ROUTES[MessageRoute.TYPEBOT] if route is not ROUTES[MessageRoute.TYPEBOT] else WEBHOOK
    operator = await live(world, old)
    await world.edit({"managementPolicy": "Observe"})
    await switch(world, route)
    changes = len(world.wire.outside_changes)
    await operator.until_quiet()
    assert world.wire.outside_changes[changes:] == []
    planned = [change["what"] for change in (await world.status())["plan"]["changes"]]
    assert planned
    assert KEY.format(name="cafe") not in str(planned)


@pytest.mark.parametrize("route", [WEBHOOK, *BOTS], ids=named)
async def test_nobody_answers_on_a_phone_that_is_not_the_tenants(world: World, route: Route) -> None:
    await give_key(world)
    body = routed(world, route)
    with_number = tenant()["spec"]
    body["spec"] |= {name: with_number[name] for name in ("phoneNumber", "whatsapp")}
    await world.ready(body)
    assert answering(world) == expected(route)
    number = world.number().phone_number
    await world.evolution_console(f"instances/{world.instance().name}/scan", {"number": "+37129999999"})
    await (await world.start_operator()).until_quiet()
    assert (await world.condition("RoutingReady"))["reason"] == "WrongNumber"
    assert answering(world) == []
    await world.evolution_console(f"instances/{world.instance().name}/scan", {"number": number})
    await (await world.start_operator()).until_quiet()
    assert await world.is_ready(), await world.status()
    assert answering(world) == expected(route)


async def test_a_model_that_does_not_exist_leaves_the_old_route(world: World) -> None:
    operator = await live(world, DIFY)
    await switch(world, OPENAI)
    await world.edit({"ai": {"openAI": {"model": "gpt-0"}}})
    await operator.until_quiet()
    condition = await world.condition("RoutingReady")
    assert condition["reason"] == "Refused"
    assert condition["message"].startswith("spec.ai.openAI.model: ")
    assert answering(world) == ["dify"]


@pytest.mark.parametrize("route", [r for r in BOTS if r.name is not MessageRoute.EVOLUTION_BOT], ids=named)
async def test_a_kind_that_the_server_was_started_without_leaves_the_old_route(
    world: World, route: Route
) -> None:
    operator = await live(world, WEBHOOK)
    assert route.kind is not None
    await world.evolution_console("server", {"disabledBots": [route.kind.value]})
    await switch(world, route)
    await operator.until_quiet()
    condition = await world.condition("RoutingReady")
    assert condition["reason"] == "Refused"
    assert condition["message"].startswith("spec.ai.route: ")
    assert answering(world) == ["webhook"]


@pytest.mark.parametrize("route", [r for r in ALL if r.told], ids=named)
async def test_a_changed_context_reaches_who_answers(world: World, route: Route) -> None:
    await give_menu(world)
    reference = {"name": "menu", "key": "menu.md"}
    operator = await live(world, route, context="Tables until 21:00.", contextConfigMapRef=reference)
    before = (await world.status())["routing"]["contextHash"]
    await give_menu(world, "Pancakes 5.00")
    changes = len(world.wire.outside_changes)
    await operator.until_quiet()
    after = (await world.status())["routing"]["contextHash"]
    assert after != before
    assert len(world.wire.outside_changes) == changes + 1
    await world.evolution_console(
        f"instances/{world.instance().name}/inbound", {"from": "37120000099", "text": "hi"}
    )
    await until_asked(world, 1)
    (asked,) = world.ai.asked
    told = "Pancakes 5.00" in asked.prompt if route is OPENAI else asked.version == after
    assert told


async def test_a_context_that_is_too_long_leaves_what_was_told(world: World) -> None:
    await give_menu(world)
    operator = await live(world, OPENAI, contextConfigMapRef={"name": "menu", "key": "menu.md"})
    await give_menu(world, "x" * 32_769)
    await operator.until_quiet()
    condition = await world.condition("RoutingReady")
    assert condition["reason"] == "ContextTooLong"
    assert condition["message"].startswith("spec.ai.contextConfigMapRef: ")
    assert MENU in str(bots(world)[0].values["systemMessages"])
    await give_menu(world, "Pancakes 5.00")
    await operator.until_quiet()
    assert await world.is_ready()
    assert "Pancakes 5.00" in str(bots(world)[0].values["systemMessages"])


async def test_a_config_map_that_many_share_reaches_all_of_them_with_one_write_each(
    start_world: StartWorld,
) -> None:
    many = 100
    reference = {"name": "menu", "key": "menu.md"}
    async with start_world() as world, passing_time(world):
        await give_menu(world)
        names = [f"cafe{n}" for n in range(many)]
        for name in names:
            await give_key(world, name)
        route = ROUTES[MessageRoute.OPENAI]
        operator = await world.ready(*(routed(world, route, n, contextConfigMapRef=reference) for n in names))
        await operator.poll()
        await give_menu(world, "Pancakes 5.00")
        before = len(world.wire.kube_changes)
        await operator.until_quiet()
        told = [bot for bot in bots(world) if "Pancakes 5.00" in str(bot.values["systemMessages"])]
        assert len(told) == len(bots(world)) == many
        writes = [what for what in world.wire.kube_changes[before:] if "businesstenants" in what]
        assert len(writes) == len(set(writes)) == many
