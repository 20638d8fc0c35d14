"""The endpoints every kind of bot has. In their paths a bot's id comes before the instance's name."""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.bots import rules
from controller.sandbox.fakes.evolution.bots.kinds import COLUMN_DEFAULTS, COMMON_FIELDS, RULES, Kind
from controller.sandbox.fakes.evolution.bots.store import Bot, BotSettings, BotStore, SessionStatus
from controller.sandbox.fakes.evolution.context import body_of, instance_of, world_of
from controller.sandbox.fakes.evolution.errors import RefusalError, thrown
from controller.sandbox.fakes.evolution.state import Instance, World
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_KIND = "{kind:" + "|".join(Kind) + "}"

_UNSET_SETTINGS: Mapping[str, object] = {
    "expire": 300,
    "keywordFinish": "bye",
    "delayMessage": 1000,
    "unknownMessage": "Sorry, I dont understand",
    "listeningFromMe": True,
    "stopBotFromMe": True,
    "keepOpen": False,
    "debounceTime": 1,
    "ignoreJids": [],
    "splitMessages": False,
    "timePerChar": 0,
    "fallbackId": "",
    "fallback": None,
}
"""What `fetchSettings` answers while there is no row (recorded)."""


@routes.post(f"/{_KIND}/create/{{name}}")
async def create_bot(request: web.Request) -> web.Response:
    world, instance, kind, body = (
        world_of(request),
        instance_of(request),
        _kind(request),
        await body_of(request),
    )
    rules.check_bot_body(kind, body)
    require_enabled(world, kind)
    instance_id = require_row(instance)
    others = world.database.bots.of_instance(instance_id, kind)
    rules.refuse_duplicate(kind, body, others, updating=False)
    settings = _settings_for_first_bot(world, instance_id, kind, body)
    rules.refuse_second_all(kind, body, others)
    rules.refuse_trigger(body, others)
    bot = _new_bot(world, instance_id, kind, body, settings)
    world.database.bots.add_bot(bot)
    return json_response(bot.row(), 201)


@routes.get(f"/{_KIND}/find/{{name}}")
async def find_bots(request: web.Request) -> web.Response:
    world, kind = world_of(request), _kind(request)
    require_enabled(world, kind)
    bots = world.database.bots.of_instance(require_row(instance_of(request)), kind)
    return json_response([bot.row() for bot in bots])


@routes.get(f"/{_KIND}/fetch/{{id}}/{{name}}")
async def fetch_bot(request: web.Request) -> web.Response:
    """Nobody asks whose bot it is: any valid token reads any bot (measured)."""
    world, kind = world_of(request), _kind(request)
    require_enabled(world, kind)
    bot = world.database.bots.bots.get(request.match_info["id"])
    return json_response(bot.row() if bot is not None and bot.kind is kind else None)


@routes.put(f"/{_KIND}/update/{{id}}/{{name}}")
async def update_bot(request: web.Request) -> web.Response:
    """Optional fields that are left out keep their value. Whatever goes wrong is told in one text."""
    world, kind, body = world_of(request), _kind(request), await body_of(request)
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


@routes.delete(f"/{_KIND}/delete/{{id}}/{{name}}")
async def delete_bot(request: web.Request) -> web.Response:
    world, kind = world_of(request), _kind(request)
    require_enabled(world, kind)
    try:
        bot = _own_bot(request, kind)
    except RefusalError as refusal:
        raise thrown(f"Error deleting {RULES[kind].title} bot") from refusal
    world.database.bots.delete_bot(bot.id)
    return json_response({"bot": {"id": bot.id}})


@routes.post(f"/{_KIND}/settings/{{name}}")
async def set_settings(request: web.Request) -> web.Response:
    world, instance, kind, body = (
        world_of(request),
        instance_of(request),
        _kind(request),
        await body_of(request),
    )
    rules.check_settings_body(kind, body)
    require_enabled(world, kind)
    settings = _write_settings(world, require_row(instance), kind, body)
    return json_response(settings.row() | {"fallbackId": settings.fallback_id})


@routes.get(f"/{_KIND}/fetchSettings/{{name}}")
async def fetch_settings(request: web.Request) -> web.Response:
    world, kind = world_of(request), _kind(request)
    require_enabled(world, kind)
    store = world.database.bots
    settings = store.settings.get((require_row(instance_of(request)), kind))
    if settings is None:
        return json_response(_UNSET_SETTINGS)
    found = store.bots.get(settings.fallback_id or "")
    fallback = found.row() if found is not None else None
    return json_response(
        settings.row() | {"Fallback": fallback, "fallbackId": settings.fallback_id, "fallback": fallback}
    )


@routes.post(f"/{_KIND}/changeStatus/{{name}}")
async def change_status(request: web.Request) -> web.Response:
    world, instance, kind, body = (
        world_of(request),
        instance_of(request),
        _kind(request),
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


@routes.get(f"/{_KIND}/fetchSessions/{{id}}/{{name}}")
async def fetch_sessions(request: web.Request) -> web.Response:
    """An id that is no bot's stands for all bots of the kind (read in the server's source)."""
    world, kind = world_of(request), _kind(request)
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


@routes.post(f"/{_KIND}/ignoreJid/{{name}}")
async def ignore_jid(request: web.Request) -> web.Response:
    world, instance, kind, body = (
        world_of(request),
        instance_of(request),
        _kind(request),
        await body_of(request),
    )
    rules.check_ignore_body(body)
    require_enabled(world, kind)
    settings = world.database.bots.settings.get((require_row(instance), kind))
    if settings is None:
        raise thrown("Error setting default settings")
    ignored = settings.values["ignoreJids"]
    others = [jid for jid in ignored if jid != body["remoteJid"]] if isinstance(ignored, list) else []
    settings.values["ignoreJids"] = [*others, body["remoteJid"]] if body["action"] == "add" else others
    settings.updated_at = world.timestamp()
    return json_response({"ignoreJids": settings.values["ignoreJids"]})


def require_enabled(world: World, kind: Kind) -> None:
    """Refuse a kind that the server was started without. Raises RefusalError."""
    if kind in world.disabled_bots and not RULES[kind].always_on:
        raise rules.disabled(RULES[kind].title)


def require_row(instance: Instance) -> str:
    """Return the id of the instance's row; bots need the row only. Raises RefusalError."""
    if instance.row_gone:
        raise thrown("Cannot read properties of null (reading 'id')")
    return instance.id


def _kind(request: web.Request) -> Kind:
    return Kind(request.match_info["kind"])


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


def _settings_for_first_bot(
    world: World, instance_id: str, kind: Kind, body: Mapping[str, object]
) -> BotSettings:
    """The first bot of a kind makes the kind's settings, from its own values (measured)."""
    present = world.database.bots.settings.get((instance_id, kind))
    if present is not None:
        return present
    names = (*COMMON_FIELDS, "openaiCredsId")
    return _write_settings(world, instance_id, kind, {name: body[name] for name in names if name in body})


def _write_settings(world: World, instance_id: str, kind: Kind, body: Mapping[str, object]) -> BotSettings:
    """Raises RefusalError."""
    store, now = world.database.bots, world.timestamp()
    settings = store.settings.get((instance_id, kind))
    if settings is None:
        values = {**COLUMN_DEFAULTS, "timePerChar": RULES[kind].time_per_char}
        if kind is Kind.OPENAI:
            values |= {"speechToText": False, "openaiCredsId": None}
        settings = BotSettings(world.cuid(), kind, instance_id, now, now, values)
    fallback_id = body.get("fallbackId")
    if (fallback_id and not _may_fall_back(store, kind, fallback_id)) or (
        kind is Kind.OPENAI and not _may_name_credentials(store, settings, body.get("openaiCredsId"))
    ):
        raise thrown("Error setting default settings")
    settings.values |= {name: body[name] for name in settings.values if body.get(name) is not None}
    if isinstance(fallback_id, str):
        settings.fallback_id = fallback_id or None
    settings.updated_at = now
    store.settings[instance_id, kind] = settings
    return settings


def _may_fall_back(store: BotStore, kind: Kind, bot_id: object) -> bool:
    """For openai it fails whatever it names (measured)."""
    bot = store.bots.get(str(bot_id))
    return bot is not None and bot.kind is kind and kind is not Kind.OPENAI


def _may_name_credentials(store: BotStore, settings: BotSettings, credentials_id: object) -> bool:
    """Credentials are the defaults of one instance at most (measured)."""
    if credentials_id is None:
        return True
    taken = any(
        other.credentials_id == credentials_id and other is not settings for other in store.settings.values()
    )
    return credentials_id in store.credentials and not taken


def _require_credentials(store: BotStore, kind: Kind, body: Mapping[str, object]) -> None:
    if kind is Kind.OPENAI and body["openaiCredsId"] not in store.credentials:
        raise thrown("Foreign key constraint violated")
