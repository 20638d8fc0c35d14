"""The kinds of bots, and the one table of what differs between them (measured on 2.3.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of bot, by its name in the path."""

    EVOLUTION_BOT = "evolutionBot"
    TYPEBOT = "typebot"
    OPENAI = "openai"
    DIFY = "dify"
    N8N = "n8n"
    EVOAI = "evoai"
    FLOWISE = "flowise"


class Trigger(StrEnum):
    """When a bot answers. `none` matches every message too (measured)."""

    ALL = "all"
    KEYWORD = "keyword"
    NONE = "none"
    ADVANCED = "advanced"


OPERATORS = ("contains", "equals", "startsWith", "endsWith", "regex")

COMMON_FIELDS: Mapping[str, type] = {
    "expire": int,
    "keywordFinish": str,
    "delayMessage": int,
    "unknownMessage": str,
    "listeningFromMe": bool,
    "stopBotFromMe": bool,
    "keepOpen": bool,
    "debounceTime": int,
    "ignoreJids": list,
    "splitMessages": bool,
    "timePerChar": int,
}
"""What every bot and every settings row has."""

COLUMN_DEFAULTS: Mapping[str, object] = {
    "expire": 0,
    "keywordFinish": None,
    "delayMessage": None,
    "unknownMessage": None,
    "listeningFromMe": False,
    "stopBotFromMe": False,
    "keepOpen": False,
    "debounceTime": None,
    "ignoreJids": None,
    "splitMessages": False,
}
"""What the database writes where nothing was sent (read in the server's source)."""

_ELEVEN = tuple(COMMON_FIELDS)
_NINE = _ELEVEN[:9]
_SIX = _ELEVEN[:6]


@dataclass(frozen=True, slots=True)
class KindRules:
    """What one kind does differently.

    `address` is the field that holds the URL the bot is called at; None where the server has it built in.
    `same_on_create` and `same_on_update` are the fields in which no second bot of an instance may agree.
    `title` is how the server's error texts call the kind. Where not `reads_fallback`, the server looks for the
    fallback under a wrong name and never uses it (read in its source).
    """

    title: str
    fields: Mapping[str, type]
    required: tuple[str, ...]
    settings_required: tuple[str, ...]
    fallback_column: str
    address: str | None
    same_on_create: tuple[str, ...] = ()
    same_on_update: tuple[str, ...] = ()
    bot_types: tuple[str, ...] = ()
    already_exists: str = ""
    time_per_char: int = 0
    always_on: bool = False
    reads_fallback: bool = True


RULES: Mapping[Kind, KindRules] = {
    Kind.EVOLUTION_BOT: KindRules(
        title="EvolutionBot",
        fields={"apiUrl": str, "apiKey": str},
        required=("apiUrl",),
        settings_required=_ELEVEN,
        fallback_column="botIdFallback",
        address="apiUrl",
        same_on_update=("apiUrl", "apiKey"),
        always_on=True,
    ),
    Kind.TYPEBOT: KindRules(
        title="Typebot",
        fields={"url": str, "typebot": str},
        required=("url", "typebot"),
        settings_required=_SIX,
        fallback_column="typebotIdFallback",
        address="url",
        same_on_update=("url", "typebot"),
    ),
    Kind.OPENAI: KindRules(
        title="Openai",
        fields={
            "openaiCredsId": str,
            "botType": str,
            "assistantId": str,
            "functionUrl": str,
            "model": str,
            "systemMessages": list,
            "assistantMessages": list,
            "userMessages": list,
            "maxTokens": int,
        },
        required=("openaiCredsId", "botType"),
        settings_required=("openaiCredsId", *_NINE),
        fallback_column="openaiIdFallback",
        address=None,
        bot_types=("assistant", "chatCompletion"),
        already_exists="Openai Bot already exists",
        time_per_char=50,
    ),
    Kind.DIFY: KindRules(
        title="Dify",
        fields={"botType": str, "apiUrl": str, "apiKey": str},
        required=("botType",),
        settings_required=_ELEVEN,
        fallback_column="difyIdFallback",
        address="apiUrl",
        same_on_create=("botType", "apiUrl", "apiKey"),
        same_on_update=("botType", "apiUrl", "apiKey"),
        bot_types=("chatBot", "textGenerator", "agent", "workflow"),
        already_exists="Dify already exists",
        reads_fallback=False,
    ),
    Kind.N8N: KindRules(
        title="N8n",
        # The server's schema lists `basicAuthPassword`, which it then ignores (measured).
        fields={"webhookUrl": str, "basicAuthUser": str, "basicAuthPass": str},
        required=("webhookUrl",),
        settings_required=_ELEVEN,
        fallback_column="n8nIdFallback",
        address="webhookUrl",
        same_on_create=("webhookUrl", "basicAuthUser", "basicAuthPass"),
        same_on_update=("webhookUrl", "basicAuthUser", "basicAuthPass"),
        already_exists="N8n already exists",
        reads_fallback=False,
    ),
    Kind.EVOAI: KindRules(
        title="Evoai",
        fields={"agentUrl": str, "apiKey": str},
        required=("agentUrl",),
        settings_required=_ELEVEN,
        fallback_column="evoaiIdFallback",
        address="agentUrl",
        same_on_create=("agentUrl", "apiKey"),
        same_on_update=("agentUrl", "apiKey"),
        already_exists="Evoai already exists",
    ),
    Kind.FLOWISE: KindRules(
        title="Flowise",
        fields={"apiUrl": str, "apiKey": str},
        required=("apiUrl",),
        settings_required=_NINE,
        fallback_column="flowiseIdFallback",
        address="apiUrl",
        same_on_create=("apiUrl", "apiKey"),
        same_on_update=("apiUrl", "apiKey"),
        already_exists="Flowise already exists",
    ),
}
"""In the order in which the server hands a message to the kinds (read in its source)."""
