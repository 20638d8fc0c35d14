"""Every way from what answers to what should: one change at a time, carried out on plain data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import pytest

from controller.providers.evolution.bot_kinds import BOT_TYPE, CREDENTIALS_ID
from controller.providers.evolution.bots import (
    Bot,
    BotKind,
    BotSession,
    BotSettings,
    FieldValue,
    OpenAICredentials,
    Trigger,
    TriggerOperator,
    TriggerType,
)
from controller.providers.evolution.protocol import WebhookSettings
from controller.reconcile.ai.actions import (
    CreateBot,
    DeleteBot,
    ForgetKey,
    ParkKey,
    RegisterKey,
    SetBot,
    SetBotSettings,
)
from controller.reconcile.ai.plan import credentials_name, plan_routes
from controller.reconcile.ai.routes import MESSAGES, NOBODY, OpenAIKeys, RoutesRead, WantedRoute
from controller.reconcile.change import Change, SetWebhook

INSTANCE = "cafe-1"
MARK = "bt1:test:cafe"
KEY = "sk-key"
HOOK = WebhookSettings(enabled=True, url="http://hook", events=(MESSAGES,), headers={})
CREDENTIALS = OpenAICredentials("creds-0", credentials_name(INSTANCE, KEY), KEY)
FIELDS: Mapping[BotKind, Mapping[str, FieldValue]] = {
    BotKind.OPENAI: {BOT_TYPE: "chatCompletion", "model": "gpt-4.1-mini", "maxTokens": 300},
    BotKind.DIFY: {BOT_TYPE: "chatBot", "apiUrl": "http://dify", "apiKey": "k"},
    BotKind.TYPEBOT: {"url": "http://typebot", "typebot": "menu"},
    BotKind.FLOWISE: {"apiUrl": "http://flowise"},
    BotKind.N8N: {"webhookUrl": "http://n8n"},
    BotKind.EVOAI: {"agentUrl": "http://evoai"},
    BotKind.EVOLUTION_BOT: {"apiUrl": "http://bot"},
}
WISHES = {
    "nobody": NOBODY,
    "webhook": WantedRoute(webhook=HOOK),
    **{
        kind.value: WantedRoute(
            bot=Bot(kind, description=MARK, fields=fields),
            openai_key=KEY if kind is BotKind.OPENAI else "",
        )
        for kind, fields in FIELDS.items()
    },
}


def steps(read: RoutesRead, wanted: WantedRoute) -> Iterator[tuple[Change, RoutesRead]]:
    """Every change that is made, and what there is after it."""
    for _ in range(20):
        plan = plan_routes(read, wanted, recorded=None, fought=False)
        if not plan:
            return
        read = carried_out(plan[0], read)
        yield plan[0], read
    raise AssertionError("the plan never ends")


def carried_out(change: Change, read: RoutesRead) -> RoutesRead:
    """The server as it would be."""
    keys = read.keys
    match change.action:
        case RegisterKey(name=name, api_key=api_key):
            assert all(api_key != one.api_key and name != one.name for one in keys.all)
            made = OpenAICredentials(f"creds-{name}", name, api_key)
            return replace(read, keys=OpenAIKeys((*keys.all, made), keys.used))
        case ForgetKey(id=id_):
            assert id_ != keys.used, "the server refuses that"
            assert all(bot.fields.get(CREDENTIALS_ID) != id_ for bot in (*read.ours, *read.others))
            return replace(read, keys=OpenAIKeys(tuple(one for one in keys.all if one.id != id_), keys.used))
        case ParkKey(credentials_id=id_):
            return replace(read, keys=OpenAIKeys(keys.all, id_))
        case CreateBot(bot=bot):
            used = str(bot.fields.get(CREDENTIALS_ID, ""))
            settings = BotSettings(bot.session, openai_credentials_id=used)
            keys = replace(keys, used=used) if bot.kind is BotKind.OPENAI else keys
            return replace(
                read, ours=(*read.ours, replace(bot, id=f"new-{bot.kind}")), settings=settings, keys=keys
            )
        case SetBot(bot=bot):
            assert any(one.id == bot.id for one in read.ours), "only bots of ours are set"
            return replace(read, ours=tuple(bot if one.id == bot.id else one for one in read.ours))
        case DeleteBot(id=id_):
            return replace(read, ours=tuple(one for one in read.ours if one.id != id_))
        case SetBotSettings(bot=bot, credentials_id=id_):
            keys = replace(keys, used=id_) if bot.kind is BotKind.OPENAI else keys
            return replace(read, settings=BotSettings(bot.session, openai_credentials_id=id_), keys=keys)
        case SetWebhook(webhook=webhook):
            return replace(read, webhook=webhook)
        case other:
            raise AssertionError(f"{change.what} comes first and cannot be carried out: {other}")


def answering(read: RoutesRead) -> int:
    bots = [bot for bot in (*read.ours, *read.others) if bot.enabled and bot.trigger.matches_everything]
    return len(bots) + read.webhook_answers


def set_up(wanted: WantedRoute) -> RoutesRead:
    read = RoutesRead(INSTANCE)
    for _, after in steps(read, wanted):
        read = after
    return read


@pytest.mark.parametrize(("old", "new"), list(product(WISHES, WISHES)))
def test_every_switch_ends_with_one_that_answers_and_nothing_left(old: str, new: str) -> None:
    read, wanted = set_up(WISHES[old]), WISHES[new]
    if wanted.bot is not None and read.settings is not None and old != new:
        read = replace(read, settings=None)  # those of the new kind
    seen = [answering(read)]
    for _, after in steps(read, wanted):
        read = after
        seen.append(answering(read))
    assert max(seen) <= 1
    assert seen[-1] == int(wanted.answers)
    assert [bot.kind for bot in read.ours] == ([wanted.bot.kind] if wanted.bot else [])
    assert KEY not in [one.api_key for one in read.keys.all] or new == "openai"
    if old != "nobody" and new != "nobody":
        assert seen.count(0) <= 1, seen


@pytest.mark.parametrize("wish", WISHES)
def test_where_all_is_as_wanted_nothing_is_planned(wish: str) -> None:
    read = set_up(WISHES[wish])
    assert plan_routes(read, WISHES[wish], recorded=None, fought=False) == []


@pytest.mark.parametrize("kind", BotKind)
@pytest.mark.parametrize(
    "change",
    [
        {"session": BotSession(expire=20)},
        {"trigger": Trigger(TriggerType.KEYWORD, TriggerOperator.EQUALS, "hi")},
        {"description": "somebody's"},
    ],
    ids=["session", "trigger", "mark"],
)
def test_within_a_kind_the_bot_is_changed_in_place(kind: BotKind, change: dict[str, object]) -> None:
    wanted = WISHES[kind.value]
    assert wanted.bot is not None
    edited = replace(wanted, bot=replace(wanted.bot, **change))  # type: ignore[arg-type]
    made = [step.action for step, _ in steps(set_up(wanted), edited)]
    assert {type(action) for action in made} <= {SetBot, SetBotSettings}
    assert isinstance(made[0], SetBot)


def test_a_new_key_is_used_before_the_old_one_is_forgotten() -> None:
    wanted = WISHES["openai"]
    rotated = replace(wanted, openai_key="sk-new")
    made = [type(step.action) for step, _ in steps(set_up(wanted), rotated)]
    assert made == [RegisterKey, SetBot, SetBotSettings, ForgetKey]


def test_a_key_that_somebody_elses_bot_uses_stays() -> None:
    read = set_up(WISHES["openai"])
    theirs = Bot(BotKind.OPENAI, id="theirs", fields={CREDENTIALS_ID: read.keys.all[0].id})
    made = [type(step.action) for step, _ in steps(replace(read, others=(theirs,)), NOBODY)]
    assert made == [DeleteBot]


@pytest.mark.parametrize("enabled", [(True, False), (False, True), (False, False)])
def test_of_several_of_ours_the_one_that_answers_stays(enabled: Sequence[bool]) -> None:
    wanted = WISHES["dify"]
    assert wanted.bot is not None
    ours = tuple(replace(wanted.bot, id=f"bot-{n}", enabled=on) for n, on in enumerate(enabled))
    settings = BotSettings(wanted.bot.session)
    read = RoutesRead(INSTANCE, ours=ours, settings=settings)
    *_, (_, after) = steps(read, wanted)
    kept = f"bot-{enabled.index(True)}" if any(enabled) else "bot-0"
    assert [bot.id for bot in after.ours] == [kept]


@pytest.mark.parametrize("wish", WISHES)
def test_no_change_shows_a_secret(wish: str) -> None:
    for change, _ in steps(set_up(WISHES["webhook"]), WISHES[wish]):
        assert KEY not in repr(change)
