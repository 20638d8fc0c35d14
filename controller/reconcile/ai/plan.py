"""From what answers now to what should: never two at once, the old until the new is verified. Pure.

Within a kind the bot is changed in place: beside an enabled bot for every message no second one can be made, not
even a disabled one (measured). Across kinds the new one is made disabled, compared, and only then switched on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from controller.providers.evolution.bot_kinds import CREDENTIALS_ID
from controller.providers.evolution.bots import Bot, BotKind, BotSession, OpenAICredentials
from controller.providers.evolution.protocol import WebhookSettings
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
from controller.reconcile.ai.routes import RoutesRead, WantedRoute
from controller.reconcile.change import Change, SetWebhook
from controller.reconcile.fingerprint import fingerprint
from controller.reconcile.verdict import Facet

# Settings that the spec has a word in; the others differ between kinds, and only a bot's own count.
_COMMON: Final = (
    "expire",
    "keyword_finish",
    "delay_message",
    "unknown_message",
    "keep_open",
    "debounce_time",
    "ignore_jids",
)


def plan_routes(read: RoutesRead, wanted: WantedRoute, *, recorded: str | None, fought: bool) -> list[Change]:
    """The changes in order; those that need what an earlier one brings are shown without an action.

    `recorded` is the id of the bot that status names. `fought`: what differs was changed by somebody else.
    """
    changes = _to_bot(read, wanted, recorded) if wanted.bot is not None else _without_bot(read, wanted)
    return [replace(change, repairs=_field(change)) if fought else change for change in changes]


def keeper_of(read: RoutesRead, kind: BotKind, recorded: str | None) -> Bot | None:
    """The one bot of ours that stays: the one that answers, else the one that status names."""
    same = [bot for bot in read.ours if bot.kind is kind]
    return min(same, key=lambda bot: (not bot.enabled, bot.id != recorded, bot.id), default=None)


def with_credentials(bot: Bot, credentials_id: str) -> Bot:
    """An OpenAI bot that uses these."""
    return replace(bot, fields={**bot.fields, CREDENTIALS_ID: credentials_id})


def wanted_key(read: RoutesRead, wanted: WantedRoute) -> OpenAICredentials | None:
    """The credentials with the wanted key, under whatever name: a key exists once in a database."""
    return next((one for one in read.keys.all if one.api_key == wanted.openai_key), None)


def credentials_name(instance: str, api_key: str) -> str:
    """Names are unique over the server's database; this one tells a new key from an old one, and no key."""
    return f"{instance}-{fingerprint(api_key)[:8]}"


def same_webhook(current: WebhookSettings | None, wanted: WebhookSettings | None) -> bool:
    """Whether the webhook is as wanted; None wants it off."""
    if wanted is None:
        return current is None or not current.enabled
    return (
        current is not None
        and current.enabled
        and current.url == wanted.url
        and sorted(current.events) == sorted(wanted.events)
        and _plain(current.headers) == _plain(wanted.headers)
    )


def same_settings(one: BotSession, other: BotSession) -> bool:
    """Whether the kind's settings let the bot do what it is to do."""
    return all(getattr(one, name) == getattr(other, name) for name in _COMMON)


def _to_bot(read: RoutesRead, wanted: WantedRoute, recorded: str | None) -> Iterator[Change]:
    bot = wanted.bot
    assert bot is not None  # noqa: S101
    credentials_id = ""
    if bot.kind is BotKind.OPENAI:
        key = wanted_key(read, wanted)
        if key is None:
            name = credentials_name(read.instance, wanted.openai_key)
            yield _change("register the OpenAI key", "it is new", RegisterKey(name, wanted.openai_key))
            yield _change("let the OpenAI bot use it", "a bot names its key", None)
            return
        credentials_id = key.id
        bot = with_credentials(bot, key.id)
    keeper = keeper_of(read, bot.kind, recorded)
    old = [one for one in read.ours if one is not keeper]
    alone = not read.webhook_answers and not any(one.enabled for one in old)
    if keeper is None:
        yield _change(
            f"create a bot of kind {bot.kind}", "there is none", CreateBot(replace(bot, enabled=alone))
        )
        if not alone:
            yield _change(f"switch to the bot of kind {bot.kind}", "once it is verified", None)
        return
    # A second one of the kind answers nothing that the keeper does not, and stands in the way of changing it.
    yield from _deleted([one for one in old if one.kind is bot.kind])
    old = [one for one in old if one.kind is not bot.kind]
    held = replace(bot, id=keeper.id, enabled=keeper.enabled or alone)
    differing = keeper.differences(held)
    if differing:
        yield _change(
            f"set the bot of kind {bot.kind}", f"not as wanted: {', '.join(differing)}", SetBot(held)
        )
    settings = read.settings
    if (
        settings is None
        or not same_settings(settings.session, bot.session)
        or settings.openai_credentials_id != credentials_id
    ):
        yield _change(
            f"set what bots of kind {bot.kind} have in common",
            "it is not as the bot needs it",
            SetBotSettings(bot, credentials_id),
        )
    yield from _webhook_off(read)
    for one in old:
        if one.enabled:
            yield _change(
                f"disable the bot of kind {one.kind}", "another answers", SetBot(replace(one, enabled=False))
            )
    if not held.enabled:
        yield _change(
            f"enable the bot of kind {bot.kind}", "it is verified", SetBot(replace(held, enabled=True))
        )
    yield from _deleted(old)
    yield from _forgotten(read, keep=credentials_id)


def _without_bot(read: RoutesRead, wanted: WantedRoute) -> Iterator[Change]:
    for bot in read.ours:
        if bot.enabled and wanted.webhook is not None:
            yield _change(
                f"disable the bot of kind {bot.kind}",
                "the webhook answers",
                SetBot(replace(bot, enabled=False)),
            )
    if wanted.webhook is None:
        yield from _webhook_off(read)
    elif not same_webhook(read.webhook, wanted.webhook):
        before = read.webhook.url if read.webhook is not None and read.webhook.enabled else None
        yield _change(
            f"set the webhook of {read.instance}",
            "it is not as wanted" if read.webhook is not None else "it is not set",
            SetWebhook(wanted.webhook),
            before=before,
            after=wanted.webhook.url,
        )
    yield from _deleted(read.ours)
    yield from _forgotten(read, keep="")


def _webhook_off(read: RoutesRead) -> Iterator[Change]:
    """Headers go too: a credential must not stay behind with what nobody uses."""
    if read.webhook is not None and read.webhook.enabled:
        off = WebhookSettings(enabled=False, url=read.webhook.url, headers={})
        yield _change(f"turn off the webhook of {read.instance}", "messages do not go there", SetWebhook(off))


def _deleted(bots: Sequence[Bot]) -> Iterator[Change]:
    for bot in bots:
        yield _change(
            f"delete the bot of kind {bot.kind}", "it is not wanted any more", DeleteBot(bot.kind, bot.id)
        )


def _forgotten(read: RoutesRead, *, keep: str) -> Iterator[Change]:
    """Keys of ours that no bot of anybody uses. Deleting one takes the bots that use it with it (measured).

    The settings of a kind name credentials for ever: without a bot they are given some without a key.
    """
    parked = parked_name(read.instance)
    in_use = {bot.fields.get(CREDENTIALS_ID) for bot in read.others}
    unused = [
        one
        for one in read.keys.all
        if one.id != keep
        and one.id not in in_use
        and one.name.startswith(f"{read.instance}-")
        and (keep or one.name != parked)
    ]
    if not keep and any(one.id == read.keys.used for one in unused):
        stand_in = next((one for one in read.keys.all if one.name == parked), None)
        if stand_in is None:
            yield _change(
                "put a stand-in for the OpenAI key",
                "the key goes",
                RegisterKey(parked, f"no-key-{read.instance}"),
            )
            yield _change("forget the OpenAI key", "no bot uses it", None)
            return
        yield _change("let the settings name the stand-in", "the key goes", ParkKey(stand_in.id))
    for one in unused:
        yield _change("forget an OpenAI key", "no bot uses it", ForgetKey(one.id))


def parked_name(instance: str) -> str:
    """Name of the credentials that stand in where the settings must name some."""
    return f"{instance}-none"


def _change(
    what: str,
    why: str,
    action: BotAction | SetWebhook | None,
    *,
    before: str | None = None,
    after: str | None = None,
) -> Change:
    return Change(Facet.ROUTING, what, why, action, before=before, after=after)


def _field(change: Change) -> str | None:
    """What two writers fight over, for the count of repairs; clearing away is no repair."""
    match change.action:
        case SetWebhook(webhook=webhook) if webhook.enabled:
            return "webhook"
        case CreateBot() | SetBot():
            return "bot"
        case SetBotSettings():
            return "bot settings"
        case _:
            return None


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
