"""Bodies of the bot routes, the same for every kind but for the kind's own fields."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Annotated, Final

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from controller.providers.evolution.bot_kinds import (
    BOT_TYPE,
    CREDENTIALS_ID,
    FieldType,
    checked_fields,
    own_fields,
)
from controller.providers.evolution.bots import (
    Bot,
    BotKind,
    BotSession,
    BotSettings,
    FieldValue,
    OpenAICredentials,
    Trigger,
    TriggerOperator,
    TriggerType,
)
from controller.providers.evolution.wire import Body, Flag, Text


def _number(value: object) -> object:
    return 0 if value is None else value


def _texts(value: object) -> object:
    return () if value is None else value


Number = Annotated[int, BeforeValidator(_number)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class SessionBody(Body):
    expire: Number = 0
    keyword_finish: Text = ""
    delay_message: Number = 0
    unknown_message: Text = ""
    listening_from_me: Flag = False
    stop_bot_from_me: Flag = False
    keep_open: Flag = False
    debounce_time: Number = 0
    ignore_jids: Texts = ()
    split_messages: Flag = False
    time_per_char: Number = 0

    def to_session(self) -> BotSession:
        return BotSession(**{item.name: getattr(self, item.name) for item in fields(BotSession)})


class BotBody(SessionBody):
    """A row of any kind; the kind's own fields are the extra ones."""

    model_config = ConfigDict(extra="allow")

    id: str
    enabled: Flag = False
    description: Text = ""
    trigger_type: TriggerType
    trigger_operator: TriggerOperator | None = None
    trigger_value: Text = ""

    def to_bot(self, kind: BotKind) -> Bot:
        """Raises `ValueError` when the kind's own fields cannot be understood."""
        return Bot(
            kind=kind,
            id=self.id,
            enabled=self.enabled,
            description=self.description,
            trigger=self._trigger(),
            session=self.to_session(),
            fields=self._own(kind),
        )

    def _trigger(self) -> Trigger:
        # What another type left behind stays in the row and has no effect.
        match self.trigger_type:
            case TriggerType.ALL | TriggerType.NONE:
                return Trigger(self.trigger_type)
            case TriggerType.KEYWORD:
                return Trigger(self.trigger_type, self.trigger_operator, self.trigger_value)
            case TriggerType.ADVANCED:
                return Trigger(self.trigger_type, value=self.trigger_value)

    def _own(self, kind: BotKind) -> dict[str, FieldValue]:
        extra = self.model_extra or {}
        bot_type = extra.get(BOT_TYPE)
        own: dict[str, FieldValue] = {}
        for item in own_fields(kind, {BOT_TYPE: bot_type} if isinstance(bot_type, str) else {}):
            value = extra.get(item.name)
            value = tuple(value) if item.type is FieldType.TEXTS and isinstance(value, list) else value
            if not value:
                continue
            if not item.type.fits(value):
                raise ValueError(f"{item.name} is not a {item.type.name.lower()}")
            own[item.name] = value
        return own


class SettingsOfBotsBody(SessionBody):
    """Without an id these are only what the server would begin with."""

    id: Text = ""
    fallback_id: Text = ""
    openai_creds_id: Text = ""
    speech_to_text: Flag = False

    def to_settings(self) -> BotSettings | None:
        if not self.id:
            return None
        return BotSettings(
            session=self.to_session(),
            fallback_id=self.fallback_id,
            openai_credentials_id=self.openai_creds_id,
            speech_to_text=self.speech_to_text,
        )


class CredentialsBody(Body):
    id: str
    name: Text = ""
    api_key: Text = Field("", repr=False)

    def to_credentials(self) -> OpenAICredentials:
        return OpenAICredentials(id=self.id, name=self.name, api_key=self.api_key)


class ModelBody(Body):
    id: str


BOT: Final = TypeAdapter(BotBody)
BOTS: Final = TypeAdapter(list[BotBody] | None)
BOT_SETTINGS: Final = TypeAdapter(SettingsOfBotsBody | None)
CREDENTIALS: Final = TypeAdapter(CredentialsBody)
MODELS: Final = TypeAdapter(list[ModelBody] | None)
ALL_CREDENTIALS: Final = TypeAdapter(list[CredentialsBody] | None)


def read_bot(content: bytes, kind: BotKind) -> Bot:
    return BOT.validate_json(content).to_bot(kind)


def read_bots(content: bytes, kind: BotKind) -> Sequence[Bot]:
    return [body.to_bot(kind) for body in BOTS.validate_json(content) or ()]


def create_bot_request(bot: Bot) -> dict[str, object]:
    """Everything that is set.

    Raises `ValueError` for what the server would refuse with a guess, or wrongly accept.
    """
    return _bot_request(bot)


def update_bot_request(bot: Bot) -> dict[str, object]:
    """Everything, also what is to be empty: fields left out would keep their old value. Same errors."""
    cleared = {
        item.name: item.type.empty
        for item in own_fields(bot.kind, bot.fields)
        if item.type is not FieldType.NUMBER
    }
    # An old value would still stand in the way of another bot with that trigger.
    return {"triggerValue": "", **cleared, **_bot_request(bot)}


def _bot_request(bot: Bot) -> dict[str, object]:
    checked_fields(bot.kind, bot.fields)
    return {
        "enabled": bot.enabled,
        "description": bot.description,
        **_trigger_request(bot.trigger),
        **_session_request(bot.session),
        **{name: list(value) if isinstance(value, tuple) else value for name, value in bot.fields.items()},
    }


def _trigger_request(trigger: Trigger) -> dict[str, object]:
    match trigger.type:
        case TriggerType.ALL | TriggerType.NONE:
            return {"triggerType": trigger.type.value}
        case TriggerType.KEYWORD if trigger.operator and trigger.value:
            return {
                "triggerType": trigger.type.value,
                "triggerOperator": trigger.operator.value,
                "triggerValue": trigger.value,
            }
        case TriggerType.ADVANCED if trigger.value:
            return {"triggerType": trigger.type.value, "triggerValue": trigger.value}
    raise ValueError("A keyword trigger needs an operator and a value, an advanced one a value.")


def _session_request(session: BotSession) -> dict[str, object]:
    return {
        to_camel(name): list(value) if isinstance(value, tuple) else value
        for name, value in asdict(session).items()
    }


def bot_settings_request(kind: BotKind, settings: BotSettings) -> dict[str, object]:
    """The whole object. Raises `ValueError` for what the kind cannot have."""
    body = _session_request(settings.session)
    if kind is BotKind.OPENAI:
        if not settings.openai_credentials_id:
            raise ValueError("The settings of OpenAI bots name credentials.")
        if settings.fallback_id:
            raise ValueError("OpenAI bots have no fallback: the server refuses it.")
        return {
            CREDENTIALS_ID: settings.openai_credentials_id,
            **body,
            "speechToText": settings.speech_to_text,
        }
    if settings.openai_credentials_id or settings.speech_to_text:
        raise ValueError(f"Only the settings of OpenAI bots have credentials and speech to text, not {kind}.")
    return {**body, "fallbackId": settings.fallback_id} if settings.fallback_id else body
