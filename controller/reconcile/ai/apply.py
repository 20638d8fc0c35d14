"""Carrying out the changes to bots and OpenAI keys. Each answers what was read back afterwards."""

from dataclasses import replace

from controller.api.conditions import Reason
from controller.providers.errors import NotFound, Retryable, Terminal
from controller.providers.evolution.bot_kinds import CREDENTIALS_ID
from controller.providers.evolution.bots import Bot, BotKind, BotSession, BotSettings
from controller.providers.evolution.protocol import EvolutionServerClient
from controller.reconcile.ai.actions import (
    BotAction,
    CreateBot,
    DeleteBot,
    ForgetKey,
    ParkKey,
    RegisterKey,
    SetBot,
    SetBotSettings,
)
from controller.reconcile.ai.observe import is_ours
from controller.reconcile.ai.plan import same_settings
from controller.reconcile.ai.routes import OpenAIKeys, RoutesRead


async def apply_to_bots(
    action: BotAction,
    client: EvolutionServerClient,
    read: RoutesRead,
    *,
    mark: str,
    recorded: str | None,
) -> RoutesRead:
    """Do it, and read back what it touched. Raises `OutsideError`."""
    name = read.instance
    match action:
        case RegisterKey(name=key_name, api_key=api_key):
            return await _register(key_name, api_key, client, read)
        case ForgetKey(id=id_):
            await client.openai.delete_credentials(name, id_)
            kept = tuple(one for one in read.keys.all if one.id != id_)
            return replace(read, keys=OpenAIKeys(kept, read.keys.used))
        case CreateBot(bot=bot):
            await _check_model(bot, client, read)
            made = await client.bots.create(name, bot)
            read = await _read_back(bot.kind, client, read, mark, recorded)
            return replace(read, settings=await client.bots.settings(name, made.kind))
        case SetBot(bot=bot):
            await _check_model(bot, client, read)
            await client.bots.update(name, bot)
            read = await _read_back(bot.kind, client, read, mark, recorded)
            _verify(bot, read)
            return read
        case DeleteBot(kind=kind, id=id_):
            await client.bots.delete(name, kind, id_)
            return await _read_back(kind, client, read, mark, recorded)
        case SetBotSettings(bot=bot, credentials_id=credentials_id):
            return await _settings(bot, credentials_id, client, read)
        case ParkKey(credentials_id=credentials_id):
            settings = BotSettings(BotSession(), openai_credentials_id=credentials_id)
            await client.bots.set_settings(name, BotKind.OPENAI, settings)
            return replace(read, keys=OpenAIKeys(read.keys.all, credentials_id))


async def _register(
    key_name: str, api_key: str, client: EvolutionServerClient, read: RoutesRead
) -> RoutesRead:
    try:
        made = await client.openai.create_credentials(read.instance, key_name, api_key)
    except Terminal as error:
        if error.reason is not Reason.API_KEY_IN_USE:
            raise
        raise Terminal(f"spec.ai.openAI.apiKeySecretRef: {error.message}", reason=error.reason) from error
    return replace(read, keys=OpenAIKeys((*read.keys.all, made), read.keys.used))


async def _check_model(bot: Bot, client: EvolutionServerClient, read: RoutesRead) -> None:
    """Evolution takes any model, and then never answers. A key that may not list models is given the doubt."""
    model, credentials_id = bot.fields.get("model"), str(bot.fields.get(CREDENTIALS_ID, ""))
    before = next((one for one in read.ours if one.id == bot.id), None)
    if model is None or (before is not None and before.fields.get("model") == model):
        return
    models = await client.openai.models(read.instance, credentials_id)
    if models is not None and model not in models:
        raise Terminal(
            f"spec.ai.openAI.model: OpenAI has no model {model} for the key of spec.ai.openAI.apiKeySecretRef."
            " Correct it.",
            reason=Reason.REFUSED,
        )


async def _read_back(
    kind: BotKind, client: EvolutionServerClient, read: RoutesRead, mark: str, recorded: str | None
) -> RoutesRead:
    bots = await client.bots.read(read.instance, kind)
    return replace(
        read,
        ours=(
            *(b for b in read.ours if b.kind is not kind),
            *(b for b in bots if is_ours(b, mark, recorded)),
        ),
        others=(
            *(b for b in read.others if b.kind is not kind),
            *(b for b in bots if not is_ours(b, mark, recorded)),
        ),
    )


def _verify(wanted: Bot, read: RoutesRead) -> None:
    stored = next((bot for bot in read.ours if bot.id == wanted.id), None)
    if stored is None:
        raise NotFound(
            f"The bot of kind {wanted.kind} is gone from {read.instance}.", reason=Reason.CONFIGURING
        )
    differing = stored.differences(wanted)
    if differing:
        raise Retryable(
            f"The bot of kind {wanted.kind} on {read.instance} was set but reads back differently"
            f" ({', '.join(differing)}); trying again.",
            reason=Reason.CONFIGURING,
        )


async def _settings(
    bot: Bot, credentials_id: str, client: EvolutionServerClient, read: RoutesRead
) -> RoutesRead:
    """What others set there and the spec has no word for stays: a fallback bot, speech to text."""
    before = read.settings
    wanted = BotSettings(
        session=bot.session,
        fallback_id=before.fallback_id if before is not None and bot.kind is not BotKind.OPENAI else "",
        openai_credentials_id=credentials_id,
        speech_to_text=before.speech_to_text if before is not None else False,
    )
    await client.bots.set_settings(read.instance, bot.kind, wanted)
    stored = await client.bots.settings(read.instance, bot.kind)
    if stored is None or not same_settings(stored.session, bot.session):
        raise Retryable(
            f"What bots of kind {bot.kind} on {read.instance} have in common was set but reads back differently;"
            " trying again.",
            reason=Reason.CONFIGURING,
        )
    keys = read.keys
    if bot.kind is BotKind.OPENAI:
        keys = OpenAIKeys(keys.all, stored.openai_credentials_id)
    return replace(read, settings=stored, keys=keys)
