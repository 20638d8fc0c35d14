"""Reading what answers on an instance: the webhook, the bots of every kind, and what OpenAI bots need.

Kinds are asked one by one because the server has no list of all bots. A kind that it was started without has none.
"""

import asyncio
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from controller.api.conditions import Reason
from controller.providers.errors import Terminal
from controller.providers.evolution.bots import Bot, BotKind
from controller.providers.evolution.protocol import EvolutionServerClient, WebhookSettings
from controller.reconcile.ai.plan import credentials_name, parked_name
from controller.reconcile.ai.routes import OpenAIKeys, RoutesRead, WantedRoute

_ALL_KINDS: Final = tuple(BotKind)


class Extent(Enum):
    """How much is read: a new instance has nothing, and where the route stays its own part is enough."""

    NOTHING = auto()
    OWN = auto()
    ALL = auto()


class KindSwitchedOff(Terminal):
    """The server was started without the kind of bot that the route needs."""


async def read_routes(
    client: EvolutionServerClient,
    instance: str,
    wanted: WantedRoute,
    *,
    mark: str,
    recorded: str | None,
    extent: Extent = Extent.ALL,
) -> RoutesRead:
    """What answers on the instance. Raises `OutsideError`."""
    if extent is Extent.NOTHING:
        if wanted.bot is not None:
            await _bots_of(client, instance, wanted.bot.kind, wanted)
        return RoutesRead(instance)
    own = wanted.bot.kind if wanted.bot is not None else None
    kinds = _ALL_KINDS if extent is Extent.ALL else tuple(kind for kind in _ALL_KINDS if kind is own)
    webhook, lists = await asyncio.gather(
        _webhook(client, instance, extent, own),
        asyncio.gather(*(_bots_of(client, instance, k, wanted) for k in kinds)),
    )
    found = dict(zip(kinds, lists, strict=True))
    bots = [bot for of_kind in found.values() for bot in of_kind or ()]
    has_openai = found.get(BotKind.OPENAI) is not None
    keys = await read_keys(client, instance, wanted) if has_openai else OpenAIKeys()
    settings = None
    if wanted.bot is not None and any(
        is_ours(bot, mark, recorded) for bot in bots if bot.kind is wanted.bot.kind
    ):
        settings = await client.bots.settings(instance, wanted.bot.kind)
    return RoutesRead(
        instance=instance,
        webhook=webhook,
        ours=tuple(bot for bot in bots if is_ours(bot, mark, recorded)),
        others=tuple(bot for bot in bots if not is_ours(bot, mark, recorded)),
        keys=keys,
        settings=settings,
    )


async def read_keys(client: EvolutionServerClient, instance: str, wanted: WantedRoute) -> OpenAIKeys:
    """The instance's OpenAI keys. Which one the settings name matters only for what is to be deleted."""
    found = tuple(await client.openai.credentials(instance))
    wanted_name = credentials_name(instance, wanted.openai_key)
    deletable = [
        one
        for one in found
        if one.name.startswith(f"{instance}-") and one.name not in {wanted_name, parked_name(instance)}
    ]
    if not deletable:
        return OpenAIKeys(found)
    settings = await client.bots.settings(instance, BotKind.OPENAI)
    return OpenAIKeys(found, settings.openai_credentials_id if settings is not None else "")


def is_ours(bot: Bot, mark: str, recorded: str | None) -> bool:
    """By the mark in its description, or by the id in status should somebody have edited that."""
    return bot.description == mark or bot.id == recorded


async def _webhook(
    client: EvolutionServerClient, instance: str, extent: Extent, own: BotKind | None
) -> WebhookSettings | None:
    return await client.webhook(instance) if extent is Extent.ALL or own is None else None


async def _bots_of(
    client: EvolutionServerClient, instance: str, kind: BotKind, wanted: WantedRoute
) -> Sequence[Bot] | None:
    """None for a kind that the server was started without; that is an error where the route needs it."""
    try:
        return await client.bots.read(instance, kind)
    except Terminal as error:
        if error.reason is not Reason.REFUSED:
            raise
        if wanted.bot is not None and wanted.bot.kind is kind:
            raise KindSwitchedOff(f"spec.ai.route: {error.message}", reason=Reason.REFUSED) from error
        return None
