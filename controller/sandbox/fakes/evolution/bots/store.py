"""The rows of bots: what the server's database holds of them, for all its instances."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.sandbox.fakes.evolution.bots.kinds import RULES, Kind


class SessionStatus(StrEnum):
    OPENED = "opened"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(slots=True)
class Bot:
    """One bot. `values` holds the columns people can write."""

    id: str
    kind: Kind
    instance_id: str
    created_at: str
    updated_at: str
    values: dict[str, object]

    def text(self, column: str) -> str:
        value = self.values.get(column)
        return value if isinstance(value, str) else ""

    def row(self) -> dict[str, object]:
        return {
            "id": self.id,
            **self.values,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "instanceId": self.instance_id,
        }


@dataclass(slots=True)
class BotSettings:
    """The defaults of one kind on one instance."""

    id: str
    kind: Kind
    instance_id: str
    created_at: str
    updated_at: str
    values: dict[str, object]
    fallback_id: str | None = None

    @property
    def credentials_id(self) -> object:
        return self.values.get("openaiCredsId")

    def row(self) -> dict[str, object]:
        return {
            "id": self.id,
            **self.values,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            RULES[self.kind].fallback_column: self.fallback_id,
            "instanceId": self.instance_id,
        }


@dataclass(slots=True)
class Credentials:
    """A key of OpenAI. The key and the name are each unique in the whole database (measured)."""

    id: str
    name: str
    api_key: str
    instance_id: str
    created_at: str
    updated_at: str

    def row(self) -> dict[str, object]:
        return {
            "id": self.id,
            "name": self.name,
            "apiKey": self.api_key,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "instanceId": self.instance_id,
        }


@dataclass(slots=True)
class Session:
    """A conversation of one contact with one bot. `session_id` is what the bot calls it, at first the contact."""

    id: str
    bot_id: str
    kind: Kind
    instance_id: str
    remote_jid: str
    push_name: str | None
    session_id: str
    created_at: str
    updated_at: str
    status: SessionStatus = SessionStatus.OPENED
    await_user: bool = False
    history: list[dict[str, str]] = field(default_factory=list)

    def row(self) -> dict[str, object]:
        return {
            "id": self.id,
            "sessionId": self.session_id,
            "remoteJid": self.remote_jid,
            "pushName": self.push_name,
            "status": self.status,
            "awaitUser": self.await_user,
            "context": None,
            "type": "evolution" if self.kind is Kind.EVOLUTION_BOT else self.kind,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "instanceId": self.instance_id,
            "parameters": None,
            "botId": self.bot_id,
        }


@dataclass(slots=True)
class BotRows:
    """All rows, as plain lists."""

    bots: list[Bot] = field(default_factory=list)
    settings: list[BotSettings] = field(default_factory=list)
    credentials: list[Credentials] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)


@dataclass(slots=True)
class BotStore:
    """All rows. The instances of one server are told apart by their ids."""

    bots: dict[str, Bot] = field(default_factory=dict)
    settings: dict[tuple[str, Kind], BotSettings] = field(default_factory=dict)
    credentials: dict[str, Credentials] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    _of_instance: dict[tuple[str, Kind], list[Bot]] = field(default_factory=dict)

    def add_bot(self, bot: Bot) -> None:
        self.bots[bot.id] = bot
        self._of_instance.setdefault((bot.instance_id, bot.kind), []).append(bot)

    def of_instance(self, instance_id: str, kind: Kind) -> list[Bot]:
        """Return the bots of one kind on one instance, oldest change first, as the database lists them."""
        return list(self._of_instance.get((instance_id, kind), ()))

    def changed(self, bot: Bot) -> None:
        """A changed row goes to the end of what the database lists (recorded)."""
        listed = self._of_instance[bot.instance_id, bot.kind]
        listed.remove(bot)
        listed.append(bot)

    def credentials_of(self, instance_id: str) -> list[Credentials]:
        return [found for found in self.credentials.values() if found.instance_id == instance_id]

    def session_of(self, instance_id: str, kind: Kind | None, remote_jid: str) -> Session | None:
        """The newest conversation of a contact with a bot of this kind; None stands for any kind."""
        for session in reversed(self.sessions.values()):
            if (session.instance_id, session.remote_jid) == (instance_id, remote_jid) and (
                kind in (None, session.kind)
            ):
                return session
        return None

    def delete_bot(self, bot_id: str) -> None:
        """Its sessions go with it, and settings that fall back to it fall back to nothing (measured)."""
        bot = self.bots.pop(bot_id)
        self._of_instance[bot.instance_id, bot.kind].remove(bot)
        settings = self.settings.get((bot.instance_id, bot.kind))
        if settings is not None and settings.fallback_id == bot_id:
            settings.fallback_id = None
        for session in [found for found in self.sessions.values() if found.bot_id == bot_id]:
            del self.sessions[session.id]

    def delete_credentials(self, credentials_id: str) -> None:
        """The bots that use them go too (measured)."""
        del self.credentials[credentials_id]
        for bot in list(self.bots.values()):
            if bot.values.get("openaiCredsId") == credentials_id:
                self.delete_bot(bot.id)

    def forget_instance(self, instance_id: str) -> None:
        """What the deletion of an instance's row takes along."""
        for kind in Kind:
            for bot in self.of_instance(instance_id, kind):
                self.delete_bot(bot.id)
            self._of_instance.pop((instance_id, kind), None)
            self.settings.pop((instance_id, kind), None)
        for credentials in self.credentials_of(instance_id):
            self.delete_credentials(credentials.id)

    def rows(self) -> BotRows:
        return BotRows(
            list(self.bots.values()),
            list(self.settings.values()),
            list(self.credentials.values()),
            list(self.sessions.values()),
        )

    def put_back(self, rows: BotRows) -> None:
        """Add rows that were taken out with `rows`."""
        for bot in rows.bots:
            self.add_bot(bot)
        self.settings.update({(found.instance_id, found.kind): found for found in rows.settings})
        self.credentials.update({found.id: found for found in rows.credentials})
        self.sessions.update({found.id: found for found in rows.sessions})

    def clear(self) -> None:
        self.bots.clear()
        self.settings.clear()
        self.credentials.clear()
        self.sessions.clear()
        self._of_instance.clear()

    def counts(self) -> Mapping[str, int]:
        """How many bots there are of each kind that has any."""
        return Counter(bot.kind.value for bot in self.bots.values())
