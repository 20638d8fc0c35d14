"""The defaults of a kind of bots on an instance, and the contacts it does not answer."""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.bots import rules
from controller.sandbox.fakes.evolution.bots.kinds import COLUMN_DEFAULTS, COMMON_FIELDS, RULES, Kind
from controller.sandbox.fakes.evolution.bots.requirements import KIND, kind_of, require_enabled, require_row
from controller.sandbox.fakes.evolution.bots.store import BotSettings, BotStore
from controller.sandbox.fakes.evolution.context import body_of, instance_of, world_of
from controller.sandbox.fakes.evolution.errors import thrown
from controller.sandbox.fakes.evolution.state import World
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

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


@routes.post(f"/{KIND}/settings/{{name}}")
async def set_settings(request: web.Request) -> web.Response:
    world, instance, kind, body = (
        world_of(request),
        instance_of(request),
        kind_of(request),
        await body_of(request),
    )
    rules.check_settings_body(kind, body)
    require_enabled(world, kind)
    settings = _write_settings(world, require_row(instance), kind, body)
    return json_response(settings.row() | {"fallbackId": settings.fallback_id})


@routes.get(f"/{KIND}/fetchSettings/{{name}}")
async def fetch_settings(request: web.Request) -> web.Response:
    world, kind = world_of(request), kind_of(request)
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


@routes.post(f"/{KIND}/ignoreJid/{{name}}")
async def ignore_jid(request: web.Request) -> web.Response:
    world, instance, kind, body = (
        world_of(request),
        instance_of(request),
        kind_of(request),
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


def settings_for_first_bot(
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
