"""What the server refuses of a bot, with its texts. Nearly all of it is a 500 (measured)."""

from collections.abc import Mapping

from controller.sandbox.fakes.evolution.bots.kinds import COMMON_FIELDS, OPERATORS, RULES, Kind, Trigger
from controller.sandbox.fakes.evolution.bots.store import Bot
from controller.sandbox.fakes.evolution.errors import RefusalError, thrown
from controller.sandbox.fakes.evolution.validation import (
    missing_properties,
    refuse_invalid,
    wrong_choice,
    wrong_types,
)

_STATUSES = ("opened", "closed", "paused", "delete")


def check_bot_body(kind: Kind, body: Mapping[str, object]) -> None:
    """The JSON schema of create and of update, which are the same: an update needs every required field."""
    rules = RULES[kind]
    types: dict[str, type] = {
        "enabled": bool,
        "description": str,
        **rules.fields,
        **COMMON_FIELDS,
        "triggerValue": str,
    }
    texts = wrong_types(body, types)
    texts += wrong_choice(body, "botType", rules.bot_types) if rules.bot_types else []
    texts += wrong_choice(body, "triggerType", tuple(Trigger))
    texts += wrong_choice(body, "triggerOperator", OPERATORS)
    refuse_invalid(texts + missing_properties(body, ("enabled", *rules.required, "triggerType")))


def check_settings_body(kind: Kind, body: Mapping[str, object]) -> None:
    rules = RULES[kind]
    texts = wrong_types(body, {**COMMON_FIELDS, "fallbackId": str})
    refuse_invalid(texts + missing_properties(body, rules.settings_required))


def check_status_body(body: Mapping[str, object]) -> None:
    texts = wrong_types(body, {"remoteJid": str}) + wrong_choice(body, "status", _STATUSES)
    refuse_invalid(texts + missing_properties(body, ("remoteJid", "status")))


def check_ignore_body(body: Mapping[str, object]) -> None:
    texts = wrong_types(body, {"remoteJid": str}) + wrong_choice(body, "action", ("add", "remove"))
    refuse_invalid(texts + missing_properties(body, ("remoteJid", "action")))


def refuse_duplicate(kind: Kind, body: Mapping[str, object], others: list[Bot], *, updating: bool) -> None:
    """Refuse a bot that says the same as another one of its instance. Raises RefusalError."""
    rules = RULES[kind]
    if kind is Kind.OPENAI:
        fields = _openai_identity(body)
    else:
        fields = rules.same_on_update if updating else rules.same_on_create
    if fields and any(all(bot.values.get(name) == body.get(name) for name in fields) for bot in others):
        raise thrown(rules.already_exists or f"{rules.title} already exists")


def _openai_identity(body: Mapping[str, object]) -> tuple[str, ...]:
    if body.get("botType") == "assistant":
        _require(body, "assistantId", "Assistant ID is required")
        return ("botType", "assistantId")
    _require(body, "model", "Model is required")
    _require(body, "maxTokens", "Max tokens is required")
    return ("botType", "model", "maxTokens")


def refuse_second_all(kind: Kind, body: Mapping[str, object], others: list[Bot]) -> None:
    """One enabled `all` bot shuts out every other `all` bot, even one sent as disabled. Raises RefusalError."""
    if body.get("triggerType") != Trigger.ALL:
        return
    if any(bot.values["enabled"] is True and bot.values["triggerType"] == Trigger.ALL for bot in others):
        raise thrown(
            f'You already have a {RULES[kind].title} with an "All" trigger, '
            "you cannot have more bots while it is active"
        )


def refuse_trigger(body: Mapping[str, object], others: list[Bot]) -> None:
    """Refuse an incomplete trigger, and one that another bot of the instance has. Raises RefusalError."""
    match body.get("triggerType"):
        case Trigger.KEYWORD:
            fields: tuple[str, ...] = ("triggerOperator", "triggerValue")
            for name in fields:
                _require(body, name, "Trigger operator and value are required")
        case Trigger.ADVANCED:
            fields = ("triggerValue",)
            _require(body, "triggerValue", "Trigger value is required")
        case _:
            return
    if any(all(bot.values.get(name) == body[name] for name in fields) for bot in others):
        raise thrown("Trigger already exists")


def disabled(title: str) -> RefusalError:
    """A kind that the server was started without."""
    return RefusalError(400, [f"{title} is disabled"])


def _require(body: Mapping[str, object], name: str, text: str) -> None:
    if not body.get(name):
        raise thrown(text)
