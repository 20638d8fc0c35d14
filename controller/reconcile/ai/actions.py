"""What is done to bots and OpenAI keys, as data. Keys and prompts are never shown."""

from dataclasses import dataclass, field

from controller.providers.evolution.bots import Bot, BotKind


@dataclass(frozen=True, slots=True)
class RegisterKey:
    """Give the server an OpenAI key, so that bots can use it."""

    name: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ForgetKey:
    """Delete an OpenAI key that no bot uses any more."""

    id: str


@dataclass(frozen=True, slots=True)
class CreateBot:
    """Make a bot."""

    bot: Bot


@dataclass(frozen=True, slots=True)
class SetBot:
    """Set everything of a bot of ours."""

    bot: Bot


@dataclass(frozen=True, slots=True)
class DeleteBot:
    """Delete a bot of ours with its conversations."""

    kind: BotKind
    id: str


@dataclass(frozen=True, slots=True)
class SetBotSettings:
    """Make what bots of the kind have in common what the bot has; for OpenAI name these credentials."""

    bot: Bot
    credentials_id: str = ""


@dataclass(frozen=True, slots=True)
class ParkKey:
    """Let the settings of OpenAI bots name credentials without a key of anybody's."""

    credentials_id: str


BotAction = RegisterKey | ForgetKey | CreateBot | SetBot | DeleteBot | SetBotSettings | ParkKey
