"""The endpoints every kind of bot has. In their paths a bot's id comes before the instance's name."""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.bots import rules
from controller.sandbox.fakes.evolution.bots.kinds import COMMON_FIELDS, RULES, Kind
from controller.sandbox.fakes.evolution.bots.requirements import KIND, kind_of, require_enabled, require_row
from controller.sandbox.fakes.evolution.bots.settings import settings_for_first_bot
from controller.sandbox.fakes.evolution.bots.store import Bot, BotSettings, BotStore, SessionStatus
from controller.sandbox.fakes.evolution.context import body_of, instance_of, world_of
from controller.sandbox.fakes.evolution.errors import RefusalError, thrown
from controller.sandbox.fakes.evolution.state import World
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()


@routes.post(f"/{KIND}/create/{{name}}")
async def create_bot(request: web.Request) -> web.Response:
    world, instance, kind, body = (
        world_of(request),
        instance_of(request),
        kind_of(request),
        await body_of(request),
    )
    rules.check_bot_body(kind, body)
    require_enabled(world, kind)
    instance_id = require_row(instance)
    others = world.database.bots.of_instance(instance_id, kind)
    rules.refuse_duplicate(kind, body, others, updating=False)
    settings = settings_for_first_bot(world, instance_id, kind, body)
    rules.refuse_second_all(kind, body, others)
    rules.refuse_trigger(body, others)
    bot = _new_bot(world, instance_id, kind, body, settings)
    world.database.bots.add_bot(bot)
    return json_response(bot.row(), 201)


@routes.get(f"/{KIND}/find/{{name}}")
async def find_bots(request: web.Request) -> web.Response:
    world, kind = world_of(request), kind_of(request)
    require_enabled(world, kind)
    bots = world.database.bots.of_instance(require_row(instance_of(request)), kind)
    return json_response([bot.row() for bot in bots])


@routes.get(f"/{KIND}/fetch/{{id}}/{{name}}")
async def fetch_bot(request: web.Request) -> web.Response:
    """Nobody asks whose bot it is: any valid token reads any bot (measured)."""
    world, kind = world_of(request), kind_of(request)
    require_enabled(world, kind)
    bot = world.database.bots.bots.get(request.match_info["id"])
    return json_response(bot.row() if bot is not None and bot.kind is kind else None)


@routes.put(f"/{KIND}/update/{{id}}/{{name}}")
async def update_bot(request: web.Request) -> web.Response:
    """Optional fields that are left out keep their value. Whatever goes wrong is told in one text."""
    world, kind, body = world_of(request), kind_of(request), await body_of(request)
    rules.check_bot_body(kind, body)
    require_enabled(world, kind)
    store = world.database.bots
    try:
        bot = _own_bot(request, kind)
        others = [other for other in store.of_instance(bot.instance_id, kind) if other is not bot]
        rules.refuse_second_all(kind, body, others)
        rules.refuse_duplicate(kind, body, others, updating=True)
        rules.refuse_trigger(body, others)
        _require_credentials(store, kind, body)
    except RefusalError as refusal:
        raise thrown(f"Error updating {RULES[kind].title}") from refusal
    bot.values |= {name: body[name] for name in bot.values if body.get(name) is not None}
    bot.updated_at = world.timestamp()
    store.changed(bot)
    return json_response(bot.row())


@routes.delete(f"/{KIND}/delete/{{id}}/{{name}}")
async def delete_bot(request: web.Request) -> web.Response:
    world, kind = world_of(request), kind_of(request)
    require_enabled(world, kind)
    try:
        bot = _own_bot(request, kind)
    except RefusalError as refusal:
        raise thrown(f"Error deleting {RULES[kind].title} bot") from refusal
    world.database.bots.delete_bot(bot.id)
    return json_response({"bot": {"id": bot.id}})


@routes.post(f"/{KIND}/changeStatus/{{name}}")
async def change_status(request: web.Request) -> web.Response:
    world, instance, kind, body = (
        world_of(request),
        instance_of(request),
        kind_of(request),
        await body_of(request),
    )
    rules.check_status_body(body)
    require_enabled(world, kind)
    remote_jid, status = str(body["remoteJid"]), str(body["status"])
    store, instance_id = world.database.bots, require_row(instance)
    changed = [
        session
        for session in store.sessions.values()
        if (session.instance_id, session.remote_jid) == (instance_id, remote_jid)
    ]
    settings = store.settings.get((instance_id, kind))
    keep = settings is not None and settings.values["keepOpen"] is True
    if status == "delete" or (status == SessionStatus.CLOSED and not keep):
        for session in changed:
            del store.sessions[session.id]
    else:
        for session in changed:
            session.status = SessionStatus(status)
    answer: dict[str, object] = {"remoteJid": remote_jid, "status": status}
    if status == "delete":
        return json_response({"bot": answer})
    if status != SessionStatus.CLOSED:
        answer["session"] = {"count": len(changed)}
    return json_response({"bot": {"instanceName": instance.name, "bot": answer}})


@routes.get(f"/{KIND}/fetchSessions/{{id}}/{{name}}")
async def fetch_sessions(request: web.Request) -> web.Response:
    """An id that is no bot's stands for all bots of the kind (read in the server's source)."""
    world, kind = world_of(request), kind_of(request)
    require_enabled(world, kind)
    instance_id, store = require_row(instance_of(request)), world.database.bots
    bot = store.bots.get(request.match_info["id"])
    if bot is not None and bot.instance_id != instance_id:
        raise thrown("Error fetching sessions")
    return json_response(
        [
            session.row()
            for session in store.sessions.values()
            if (session.instance_id, session.kind) == (instance_id, kind)
            and (bot is None or session.bot_id == bot.id)
        ]
    )


def _own_bot(request: web.Request, kind: Kind) -> Bot:
    bot = world_of(request).database.bots.bots.get(request.match_info["id"])
    if bot is None or bot.kind is not kind or bot.instance_id != require_row(instance_of(request)):
        raise thrown(f"{RULES[kind].title} not found")
    return bot


def _new_bot(
    world: World, instance_id: str, kind: Kind, body: Mapping[str, object], settings: BotSettings
) -> Bot:
    try:
        _require_credentials(world.database.bots, kind, body)
    except RefusalError as refusal:
        raise thrown(f"Error creating {RULES[kind].title}") from refusal
    now = world.timestamp()
    values = {
        "enabled": body["enabled"],
        "description": body.get("description"),
        **{name: body.get(name) for name in RULES[kind].fields},
        **{name: settings.values[name] if body.get(name) is None else body[name] for name in COMMON_FIELDS},
        **{name: body.get(name) for name in ("triggerType", "triggerOperator", "triggerValue")},
    }
    return Bot(world.cuid(), kind, instance_id, now, now, values)


def _require_credentials(store: BotStore, kind: Kind, body: Mapping[str, object]) -> None:
    if kind is Kind.OPENAI and body["openaiCredsId"] not in store.credentials:
        raise thrown("Foreign key constraint violated")
