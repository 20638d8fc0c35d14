"""Everything on an instance that answers messages, beside what should: plain data that a switch is planned from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.providers.evolution.bots import Bot, BotSettings, OpenAICredentials
from controller.providers.evolution.protocol import WebhookSettings

MESSAGES: str = "MESSAGES_UPSERT"


@dataclass(frozen=True, slots=True)
class WantedRoute:
    """What the spec comes to with every Secret and the context read; nothing at all: nobody answers.

    An OpenAI bot has no credentials id yet: the server gives it when `openai_key` is registered.
    """

    webhook: WebhookSettings | None = field(default=None, repr=False)
    bot: Bot | None = None
    openai_key: str = field(default="", repr=False)
    context_hash: str | None = None

    @property
    def answers(self) -> bool:
        return self.webhook is not None or self.bot is not None


NOBODY = WantedRoute()


@dataclass(frozen=True, slots=True)
class OpenAIKeys:
    """OpenAI keys of the instance. `used` is the id that its settings name: that one cannot be deleted."""

    all: tuple[OpenAICredentials, ...] = ()
    used: str = ""


@dataclass(frozen=True, slots=True)
class RoutesRead:
    """What there is. `settings` are those of the wanted bot's kind; `recorded` is the bot that status names."""

    instance: str
    webhook: WebhookSettings | None = field(default=None, repr=False)
    ours: tuple[Bot, ...] = ()
    others: tuple[Bot, ...] = ()
    keys: OpenAIKeys = field(default_factory=OpenAIKeys, repr=False)
    settings: BotSettings | None = field(default=None, repr=False)

    def answering_others(self) -> Sequence[Bot]:
        """Bots that somebody else made and that answer every message."""
        return [bot for bot in self.others if bot.enabled and bot.trigger.matches_everything]

    @property
    def webhook_answers(self) -> bool:
        """Whether messages go to the webhook."""
        return self.webhook is not None and self.webhook.enabled and MESSAGES in self.webhook.events
