"""Message templates: sent to Meta's review, followed, edited, removed, and never another tenant's."""

from datetime import timedelta
from typing import Any

from controller.sandbox.fakes.graph.state import Template

from .conftest import StartWorld
from .process import OperatorProcess
from .tenants import on_cloud_api
from .world import BUSINESS_ACCOUNT, META_TOKEN, World

READY = [{"type": "BODY", "text": "Your order is ready."}]
REWORDED = [{"type": "BODY", "text": "Your order is ready. Come and get it."}]


def template(name: str = "order_ready", language: str = "en", **changes: Any) -> dict[str, Any]:
    return {"name": name, "language": language, "category": "Utility", "components": READY, **changes}


async def live(
    world: World, *templates: dict[str, Any], name: str = "cafe", **whatsapp: Any
) -> OperatorProcess:
    """A tenant that is Ready, with its templates at Meta."""
    operator = await world.ready(on_cloud_api(name, number="Any", templates=list(templates), **whatsapp))
    await world.register_at_meta(world.charges[0])
    await world.clock.advance(3600)
    await operator.until_quiet()
    assert await world.is_ready(name), await world.status(name)
    return operator


async def want(world: World, operator: OperatorProcess, *templates: dict[str, Any]) -> None:
    """Somebody edits the list."""
    await world.edit({"whatsapp": {"templates": list(templates)}})
    await operator.until_quiet()


async def reviewed(world: World, operator: OperatorProcess) -> None:
    """Meta approves what waits, and the operator's next look comes."""
    for waiting in at_meta(world).values():
        if waiting.status == "PENDING":
            await world.meta_console(f"templates/{waiting.id}/approve", {})
    await next_look(world, operator)


async def next_look(world: World, operator: OperatorProcess) -> None:
    await world.clock.advance(timedelta(minutes=6).total_seconds())
    await operator.until_quiet()


def at_meta(world: World) -> dict[tuple[str, str], Template]:
    """Templates at Meta by the name behind the tenant's prefix, and language."""
    return {(t.name.partition("_")[2], t.language): t for t in world.graph.world.templates.values()}


async def records(world: World, name: str = "cafe") -> dict[tuple[str, str], dict[str, Any]]:
    return {(r["name"], r["language"]): r for r in (await world.status(name)).get("templates", ())}


async def test_a_template_is_sent_and_its_review_followed(world: World) -> None:
    operator = await live(world, template())

    (sent,) = world.graph.world.templates.values()
    assert (sent.category, sent.components) == ("UTILITY", READY)
    condition = await world.condition("TemplatesReady")
    assert (condition["status"], condition["reason"]) == ("False", "WaitingForApproval")
    assert await world.is_ready()  # it does not hold back Ready
    record = (await records(world))["order_ready", "en"]
    assert (record["state"], record["metaName"], record["id"]) == ("Pending", sent.name, sent.id)

    await reviewed(world, operator)

    assert (await world.condition("TemplatesReady"))["status"] == "True"
    assert (await records(world))["order_ready", "en"]["state"] == "Approved"
    await world.assert_still(operator)


async def test_approved_templates_are_not_listed_again_and_again(world: World) -> None:
    operator = await live(world, template())
    await reviewed(world, operator)
    before = len(world.wire.outside_reads)

    await operator.look_at_all()

    assert not [read for read in world.wire.outside_reads[before:] if "message_templates" in read]


async def test_languages_of_one_name_are_templates_of_their_own(world: World) -> None:
    operator = await live(world, template(), template(language="lv"))
    assert set(at_meta(world)) == {("order_ready", "en"), ("order_ready", "lv")}
    await reviewed(world, operator)

    await want(world, operator, template())

    assert set(at_meta(world)) == {("order_ready", "en")}
    assert set(await records(world)) == {("order_ready", "en")}
    assert (await world.condition("TemplatesReady"))["status"] == "True"


async def test_a_rejected_template_says_so_in_metas_words_until_it_is_changed(world: World) -> None:
    operator = await live(world, template(), template("menu"))
    rejected = at_meta(world)["order_ready", "en"]
    await world.meta_console(f"templates/{rejected.id}/reject", {"reason": "ABUSIVE_CONTENT"})
    await reviewed(world, operator)

    condition = await world.condition("TemplatesReady")
    assert condition["reason"] == "TemplateRejected"
    assert "order_ready (en)" in condition["message"]
    assert "ABUSIVE_CONTENT" in condition["message"]
    assert (await records(world))["menu", "en"]["state"] == "Approved"
    await world.assert_still(operator)

    await want(world, operator, template(components=REWORDED), template("menu"))
    await reviewed(world, operator)

    assert at_meta(world)["order_ready", "en"].components == REWORDED
    assert (await world.condition("TemplatesReady"))["status"] == "True"


async def test_what_meta_does_not_take_is_not_sent_again_and_holds_back_no_other(world: World) -> None:
    broken = template("broken", components=[{"type": "FOOTER", "text": "No body"}])
    operator = await live(world, broken, template())

    assert set(at_meta(world)) == {("order_ready", "en")}
    condition = await world.condition("TemplatesReady")
    assert condition["reason"] == "TemplateRejected"
    assert "broken (en)" in condition["message"]
    assert (await records(world))["broken", "en"]["state"] == "Refused"
    await reviewed(world, operator)
    await world.assert_still(operator)

    await want(world, operator, template("broken"), template())

    assert set(at_meta(world)) == {("order_ready", "en"), ("broken", "en")}


async def test_an_approved_template_is_edited_once_a_day(world: World) -> None:
    operator = await live(world, template())
    await reviewed(world, operator)
    await want(world, operator, template(components=REWORDED))
    assert at_meta(world)["order_ready", "en"].components == REWORDED
    await reviewed(world, operator)

    await want(world, operator, template())

    assert at_meta(world)["order_ready", "en"].components == REWORDED
    condition = await world.condition("TemplatesReady")
    assert "one edit of an approved template a day" in condition["message"]
    await world.assert_still(operator)

    await world.clock.advance(timedelta(days=1).total_seconds())
    await operator.until_quiet(within=3600)

    assert at_meta(world)["order_ready", "en"].components == READY
    await reviewed(world, operator)
    assert (await world.condition("TemplatesReady"))["status"] == "True"


async def test_a_change_during_the_review_is_sent_after_it(world: World) -> None:
    operator = await live(world, template())
    await want(world, operator, template(components=REWORDED))
    assert at_meta(world)["order_ready", "en"].components == READY

    await reviewed(world, operator)

    assert at_meta(world)["order_ready", "en"].components == REWORDED


async def test_a_removed_template_is_deleted_and_its_name_blocked(world: World) -> None:
    operator = await live(world, template(), template("menu"))
    await reviewed(world, operator)
    meta_name = (await records(world))["menu", "en"]["metaName"]

    await want(world, operator, template())

    assert set(at_meta(world)) == {("order_ready", "en")}
    acts = (await world.server())["status"]["recentIrreversible"]
    assert [(act["what"], act["name"]) for act in acts] == [("DeleteTemplate", f"{meta_name}/en")]

    await want(world, operator, template(), template("menu"))

    condition = await world.condition("TemplatesReady")
    assert condition["reason"] == "TemplateNameBlocked"
    assert "menu (en)" in condition["message"]
    await world.assert_still(operator)

    await world.clock.advance(timedelta(days=31).total_seconds())
    await operator.until_quiet()

    assert ("menu", "en") in at_meta(world)


async def test_removals_are_braked(start_world: StartWorld) -> None:
    async with start_world(irreversible_per_hour=1) as world:
        operator = await live(world, template("a"), template("b"), template("c"))
        await reviewed(world, operator)

        await want(world, operator)

        assert len(at_meta(world)) == 2
        assert (await world.condition("TemplatesReady"))["reason"] == "ApprovalRequired"
        assert await world.is_ready()

        await world.clock.advance(2 * 3700)
        await operator.until_quiet(within=2 * 3700)

        assert at_meta(world) == {}
        assert (await world.condition("TemplatesReady"))["reason"] == "NotRequested"


async def test_tenants_that_share_an_account_do_not_touch_each_others_templates(world: World) -> None:
    operator = await live(world, template())
    bar = on_cloud_api("bar", number="Any", phone_number_id="100200301", templates=[template()])
    await world.register_at_meta("+37129999999", "100200301")
    await world.apply(bar)
    await operator.until_quiet()
    foreign = {"account": BUSINESS_ACCOUNT, "name": "somebodys_own"}
    await world.meta_console("templates", foreign)

    names = {t.name for t in world.graph.world.templates.values()}
    assert len(names) == 3
    for name in ("cafe", "bar"):
        (record,) = (await records(world, name)).values()
        assert record["metaName"] in names

    kept = (await records(world, "bar"))["order_ready", "en"]["metaName"]
    await want(world, operator)
    assert {t.name for t in world.graph.world.templates.values()} == {kept, "somebodys_own"}


async def test_what_a_dead_process_sent_is_not_sent_twice(world: World) -> None:
    await live(world)
    await world.edit({"whatsapp": {"templates": [template()]}})
    await world.crash_after("POST /{business_account_id}/message_templates")

    operator = await world.start_operator()
    await operator.until_quiet()

    assert len(at_meta(world)) == 1
    assert (await records(world))["order_ready", "en"]["state"] == "Pending"
    await reviewed(world, operator)
    assert (await world.condition("TemplatesReady"))["status"] == "True"
    await world.assert_still(operator)


async def test_a_template_that_meta_disabled_is_told(world: World) -> None:
    operator = await live(world, template())
    await reviewed(world, operator)
    await world.meta_console(f"templates/{at_meta(world)['order_ready', 'en'].id}/disable", {})

    await world.clock.advance(3600)
    await operator.until_quiet()

    condition = await world.condition("TemplatesReady")
    assert condition["reason"] == "TemplateRejected"
    assert "Disabled" in condition["message"]


async def test_a_deleted_tenant_leaves_its_templates_and_says_so(world: World) -> None:
    operator = await live(world, template())
    await reviewed(world, operator)
    await world.delete()
    await operator.until_quiet()

    assert not await world.exists()
    assert set(at_meta(world)) == {("order_ready", "en")}
    assert any("1 message template" in event for event in await world.events())


async def test_with_delete_the_templates_go_too(world: World) -> None:
    operator = await live(world, template(), template(language="lv"), deletionPolicy="Delete")
    await world.meta_console("templates", {"account": BUSINESS_ACCOUNT, "name": "somebodys_own"})
    await world.delete()
    await operator.until_quiet()

    assert not await world.exists()
    assert {t.name for t in world.graph.world.templates.values()} == {"somebodys_own"}
    assert world.instances == {}


async def test_a_refused_token_does_not_keep_a_deleted_tenant_for_ever(world: World) -> None:
    operator = await live(world, template(), deletionPolicy="Delete")
    await world.meta_console("tokens", {"token": META_TOKEN, "state": "expired"})
    await world.delete()
    await operator.until_quiet()
    assert await world.exists()

    await world.clock.advance(700)
    await operator.until_quiet(within=700)

    assert not await world.exists()
    assert any("message templates at Meta" in event for event in await world.events("LeftBehind"))


async def test_a_removed_block_leaves_its_templates_and_a_new_one_has_them_again(world: World) -> None:
    operator = await live(world, template())
    await reviewed(world, operator)
    (before,) = world.graph.world.templates.values()
    block = (await world.tenant())["spec"]["whatsapp"]
    await world.edit({"whatsapp": None, "ai": {"route": "None", "webhook": None}})
    await operator.until_quiet()
    assert list(world.graph.world.templates.values()) == [before]
    assert "templates" not in await world.status()

    await world.edit({"whatsapp": block})
    await operator.until_quiet()

    assert list(world.graph.world.templates.values()) == [before]
    assert (await records(world))["order_ready", "en"]["id"] == before.id
    assert (await world.condition("TemplatesReady"))["status"] == "True"
