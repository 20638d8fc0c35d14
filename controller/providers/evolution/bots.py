"""Bots of an Evolution instance as the engine sees them: plain data in and out, secrets never in a repr.

A bot answers inbound messages by asking a system outside. Each kind is looked at by itself: two kinds with a
trigger that matches everything both answer each message.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Protocol, TypeAlias


class BotKind(StrEnum):
    """What answers, in Evolution's words, which are also the first part of its paths."""

    OPENAI = "openai"
    DIFY = "dify"
    TYPEBOT = "typebot"
    FLOWISE = "flowise"
    N8N = "n8n"
    EVOAI = "evoai"
    EVOLUTION_BOT = "evolutionBot"


class OpenAIBotType(StrEnum):
    """`botType` of an OpenAI bot."""

    ASSISTANT = "assistant"
    CHAT_COMPLETION = "chatCompletion"


class DifyBotType(StrEnum):
    """`botType` of a Dify bot."""

    CHAT_BOT = "chatBot"
    TEXT_GENERATOR = "textGenerator"
    AGENT = "agent"
    WORKFLOW = "workflow"


class TriggerType(StrEnum):
    """When a bot begins to answer, in Evolution's words."""

    ALL = "all"
    KEYWORD = "keyword"
    NONE = "none"
    ADVANCED = "advanced"


class TriggerOperator(StrEnum):
    """How a keyword is looked for, in Evolution's words."""

    CONTAINS = "contains"
    EQUALS = "equals"
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a bot begins to answer. A keyword needs operator and value, `advanced` a value, the others none."""

    type: TriggerType = TriggerType.ALL
    operator: TriggerOperator | None = None
    value: str = ""

    @property
    def matches_everything(self) -> bool:
        """Also `none` does (measured), and bots with a keyword beside such a bot are never reached."""
        return self.type in {TriggerType.ALL, TriggerType.NONE}


@dataclass(frozen=True, slots=True)
class BotSession:
    """How a bot holds a conversation.

    `expire` in minutes of silence, 0 for never; `delay_message` before each answer and `time_per_char` of
    pretended typing in milliseconds; `debounce_time` in seconds. `@g.us` among `ignore_jids` means all groups.
    """

    expire: int = 0
    keyword_finish: str = ""
    delay_message: int = 0
    unknown_message: str = ""
    listening_from_me: bool = False
    stop_bot_from_me: bool = False
    keep_open: bool = False
    debounce_time: int = 0
    ignore_jids: tuple[str, ...] = ()
    split_messages: bool = False
    time_per_char: int = 0


FieldValue: TypeAlias = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot. Equal bots behave the same: `id` (empty before creation) is not compared.

    `fields` are the kind's own, named as in Evolution (`apiUrl`, `model`), without those that are empty; keys,
    passwords and prompts are among them: never log or print them.
    """

    kind: BotKind
    id: str = field(default="", compare=False)
    enabled: bool = True
    description: str = ""
    trigger: Trigger = field(default_factory=Trigger)
    session: BotSession = field(default_factory=BotSession, repr=False)
    fields: Mapping[str, FieldValue] = field(default_factory=dict, repr=False)

    def differences(self, other: "Bot") -> Sequence[str]:
        """Names of what differs, such as `trigger`, `session.expire` or `apiKey`; never values."""
        return list(_differences(self, other))


def _differences(one: Bot, other: Bot) -> Iterator[str]:
    for name in ("kind", "enabled", "description", "trigger"):
        if getattr(one, name) != getattr(other, name):
            yield name
    for item in fields(BotSession):
        if getattr(one.session, item.name) != getattr(other.session, item.name):
            yield f"session.{item.name}"
    for name in sorted({*one.fields, *other.fields}):
        if one.fields.get(name) != other.fields.get(name):
            yield name


@dataclass(frozen=True, slots=True)
class BotSettings:
    """What bots of a kind have in common on an instance.

    `fallback_id` names the bot that answers when no trigger matches; empty leaves it as it is, and OpenAI has
    none that works. `openai_credentials_id` and `speech_to_text` are OpenAI's only, the first then required.
    """

    session: BotSession
    fallback_id: str = ""
    openai_credentials_id: str = ""
    speech_to_text: bool = False


@dataclass(frozen=True, slots=True)
class OpenAICredentials:
    """An OpenAI key as the server keeps it. Name and key are each unique over the server's whole database."""

    id: str
    name: str
    api_key: str = field(repr=False)


class BotsOfServer(Protocol):
    """Bots of a server's instances.

    Errors as with `EvolutionServerClient`; besides, `Terminal` for a kind that the server has switched off.
    Works also for instances that another server on the same database has loaded: look at `client_name` first.
    """

    async def read(self, name: str, kind: BotKind) -> Sequence[Bot]:
        """All bots of the kind on the instance, also those of others."""

    async def create(self, name: str, bot: Bot) -> Bot:
        """Create a bot; what the server made of it comes back.

        It may differ: the server takes some empty values from the kind's settings. Raises `Conflict` when a
        bot of the same fields or trigger exists, also for a second one that matches everything, even a
        disabled one; `ValueError` for what must never be sent.
        """

    async def update(self, name: str, bot: Bot) -> Bot:
        """Set everything of the bot with that id. Raises `NotFound`, `Conflict` and `ValueError`."""

    async def delete(self, name: str, kind: BotKind, id_: str) -> None:
        """Delete a bot with its sessions; gone is success."""

    async def settings(self, name: str, kind: BotKind) -> BotSettings | None:
        """The settings as stored; None when there are none yet. A first bot makes them from its own."""

    async def set_settings(self, name: str, kind: BotKind, settings: BotSettings) -> None:
        """Set the settings of the kind. Raises `ValueError`, and `NotFound` for unknown credentials."""


class OpenAIOfServer(Protocol):
    """OpenAI keys of a server's instances. Same errors as with bots."""

    async def credentials(self, name: str) -> Sequence[OpenAICredentials]:
        """All credentials of the instance; the server gives keys in clear."""

    async def create_credentials(self, name: str, credentials_name: str, api_key: str) -> OpenAICredentials:
        """Register a key. They cannot be changed: a new key is new credentials.

        Raises `Terminal` (`Reason.API_KEY_IN_USE`) for a key that any instance of the database has, and
        `Conflict` for such a name.
        """

    async def delete_credentials(self, name: str, id_: str) -> None:
        """Delete credentials **and every bot that uses them**; gone is success.

        Raises `Conflict` while the settings of the kind name them.
        """

    async def models(self, name: str, id_: str) -> Sequence[str] | None:
        """Models that the key opens, asked of OpenAI by the server.

        None when OpenAI does not tell: it is not reached, refuses the key, or does not let this key list models.
        """
