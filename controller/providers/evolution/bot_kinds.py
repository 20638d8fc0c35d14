"""What each kind of bot has of its own: the one table that everything about kinds is read from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from controller.providers.evolution.bots import BotKind, DifyBotType, FieldValue, OpenAIBotType

BOT_TYPE: Final = "botType"
CREDENTIALS_ID: Final = "openaiCredsId"


class FieldType(Enum):
    """What a field holds. The values of secrets and links (which may hold secrets) are never shown."""

    TEXT = auto()
    LINK = auto()
    SECRET = auto()
    NUMBER = auto()
    TEXTS = auto()

    @property
    def empty(self) -> object:
        """What clears the field: one left out keeps its value, and null is refused. Numbers cannot be cleared."""
        return [] if self is FieldType.TEXTS else ""

    def fits(self, value: object) -> bool:
        match self:
            case FieldType.NUMBER:
                return isinstance(value, int) and not isinstance(value, bool)
            case FieldType.TEXTS:
                return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
            case _:
                return isinstance(value, str)


@dataclass(frozen=True, slots=True)
class OwnField:
    """A field of a kind. `choices`: the only values, any when empty; `only_with`: the `botType` it belongs to."""

    name: str
    type: FieldType = FieldType.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    only_with: str | None = None

    @property
    def is_hidden(self) -> bool:
        return self.type in {FieldType.SECRET, FieldType.LINK}


def _required(name: str, type_: FieldType = FieldType.TEXT, *, only_with: str | None = None) -> OwnField:
    return OwnField(name, type_, required=True, only_with=only_with)


_API_KEY: Final = OwnField("apiKey", FieldType.SECRET)
_ASSISTANT: Final = OpenAIBotType.ASSISTANT
_CHAT: Final = OpenAIBotType.CHAT_COMPLETION

_OWN_FIELDS: Final[Mapping[BotKind, tuple[OwnField, ...]]] = {
    BotKind.OPENAI: (
        _required(CREDENTIALS_ID),
        OwnField(BOT_TYPE, required=True, choices=tuple(OpenAIBotType)),
        _required("assistantId", only_with=_ASSISTANT),
        OwnField("functionUrl", FieldType.LINK, only_with=_ASSISTANT),
        _required("model", only_with=_CHAT),
        _required("maxTokens", FieldType.NUMBER, only_with=_CHAT),
        OwnField("systemMessages", FieldType.TEXTS, only_with=_CHAT),
        OwnField("assistantMessages", FieldType.TEXTS, only_with=_CHAT),
        OwnField("userMessages", FieldType.TEXTS, only_with=_CHAT),
    ),
    BotKind.DIFY: (
        OwnField(BOT_TYPE, required=True, choices=tuple(DifyBotType)),
        OwnField("apiUrl", FieldType.LINK),
        _API_KEY,
    ),
    BotKind.TYPEBOT: (_required("url", FieldType.LINK), _required("typebot")),
    BotKind.FLOWISE: (_required("apiUrl", FieldType.LINK), _API_KEY),
    BotKind.N8N: (
        _required("webhookUrl", FieldType.LINK),
        OwnField("basicAuthUser"),
        # The server's own description says basicAuthPassword, which it then ignores (measured).
        OwnField("basicAuthPass", FieldType.SECRET),
    ),
    BotKind.EVOAI: (_required("agentUrl", FieldType.LINK), _API_KEY),
    BotKind.EVOLUTION_BOT: (_required("apiUrl", FieldType.LINK), _API_KEY),
}


def own_fields(kind: BotKind, values: Mapping[str, FieldValue]) -> Sequence[OwnField]:
    """The fields that a bot of the kind with these values has."""
    return [item for item in _OWN_FIELDS[kind] if item.only_with in {None, values.get(BOT_TYPE)}]


def checked_fields(kind: BotKind, values: Mapping[str, FieldValue]) -> Sequence[OwnField]:
    """The fields, after a look at the values. Raises `ValueError`, without values, when they do not fit."""
    known = own_fields(kind, values)
    unknown = sorted(values.keys() - {item.name for item in known})
    if unknown:
        raise ValueError(f"A bot of kind {kind} has no {', '.join(unknown)}.")
    for item in known:
        value = values.get(item.name)
        if item.required and not value:
            raise ValueError(f"A bot of kind {kind} needs {item.name}.")
        if value is not None and not item.type.fits(value):
            raise ValueError(f"{item.name} of a bot of kind {kind} is not a {item.type.name.lower()}.")
        if item.choices and value not in item.choices:
            raise ValueError(f"{item.name} of a bot of kind {kind} is one of {', '.join(item.choices)}.")
    return known


def secrets_of(kind: BotKind, values: Mapping[str, FieldValue]) -> Sequence[str]:
    """Values that no message may show."""
    hidden = (values.get(item.name) for item in _OWN_FIELDS[kind] if item.is_hidden)
    return [value for value in hidden if isinstance(value, str)]
