"""What a fake Evolution server holds: instances as its database and its memory know them."""

import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from controller.sandbox.fakes.evolution.bots.store import BotStore
from controller.sandbox.fakes.evolution.options import ServerOptions
from controller.sandbox.fakes.timers import Timers

Clock = Callable[[], datetime]

VERSION = "2.3.7"


class Integration(StrEnum):
    BAILEYS = "WHATSAPP-BAILEYS"
    BUSINESS = "WHATSAPP-BUSINESS"
    EVOLUTION = "EVOLUTION"


class Connection(StrEnum):
    CLOSE = "close"
    CONNECTING = "connecting"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds. The real server's times are in parentheses."""

    qr_after: float = 0.02
    """From connect to the first QR code (0.5-2 s)."""
    connect_wait: float = 0.1
    """How long connect, and create with `qrcode`, wait for a QR code before they answer (2 s, 5 s)."""
    create_takes: float = 0.005
    """Between the name check and the stored row: the window in which creates of one name race."""
    reconnect_after: float = 0.05
    """From a scan, a restart or a healing close to open (0.3-3 s)."""
    restart_takes: float = 0.0
    """From the answer to a restart until it connects again (0.1 s)."""
    app_state_key_after: float = 0.3
    """From a fresh link until the profile name can be set (some seconds)."""
    qr_lifetime: float = 45.0
    qr_limit: int = 30
    webhook_retries: tuple[float, ...] = (0.1, 0.2, 0.4)
    """Waits before each repeat of a webhook (ten, from 5 s doubling to 300 s)."""
    flap_every: float = 0.04
    """From one vain attempt to reach WhatsApp to the next (0.03-0.04 s)."""
    duel_every: float = 0.1
    """From a login of one socket to its replacement by another one of the same instance (0.3 s)."""
    bot_second: float = 0.02
    """How long one second of a bot's `debounceTime` takes (1 s)."""


@dataclass(slots=True)
class QrCode:
    code: str
    base64: str
    pairing_code: str | None = None


@dataclass(slots=True)
class Setting:
    """The row the settings endpoints write. Times are ISO 8601 with milliseconds."""

    id: str
    created_at: str
    updated_at: str
    values: dict[str, object]


@dataclass(slots=True)
class Webhook:
    """The row the webhook endpoints write."""

    id: str
    created_at: str
    updated_at: str
    url: str = ""
    enabled: bool = True
    events: list[str] = field(default_factory=list)
    headers: dict[str, str] | None = None
    by_events: bool = False
    base64: bool = False


@dataclass(slots=True)
class Counts:
    messages: int = 0
    contacts: int = 0
    chats: int = 0


@dataclass(slots=True)
class WhatsAppProfile:
    """The account as WhatsApp shows it; the instance's row learns of it at the next login only."""

    name: str | None = None
    about: str | None = None
    picture: str | None = None
    privacy: dict[str, str] = field(
        default_factory=lambda: dict.fromkeys(
            ("readreceipts", "profile", "status", "online", "last", "groupadd"),
            "all",
        ),
    )


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A stored message. `bot_id` names the bot that wrote it."""

    id: str
    row: dict[str, object]
    bot_id: str | None = None


@dataclass(slots=True)
class Instance:
    """One instance: its row (`stored`) and its live object (`live`), which do not always agree.

    `live` is None while the row is not loaded in the process, such as during a deletion.
    `attempt` changes whenever a connection begins or ends, so that a late timer can tell it is out of date.
    """

    name: str
    id: str
    integration: Integration
    token: str
    number: str | None
    business_id: str | None
    created_at: str
    updated_at: str
    setting: Setting
    stored: Connection
    live: Connection | None
    webhook: Webhook | None = None
    owner_jid: str | None = None
    profile_name: str | None = None
    profile_picture: str | None = None
    disconnection_code: int | None = None
    disconnection_object: str | None = None
    disconnection_at: str | None = None
    counts: Counts = field(default_factory=Counts)
    qr: QrCode | None = None
    qr_count: int = 0
    pairing_number: str | None = None
    attempt: int = 0
    had_socket: bool = False
    linked: bool = False
    app_state_key: bool = False
    account: WhatsAppProfile = field(default_factory=WhatsAppProfile)
    deleting: bool = False
    row_gone: bool = False
    half_made: bool = False
    """Its creation failed: there is a row, closed and without settings."""
    socket_dead: bool = False
    """Memory says open and nothing goes through: a zombie until the process restarts."""
    delete_leaves_row: bool = False
    foreign: bool = False
    """Seen through another server of the same database: its row, never its live object."""
    log: list[LoggedMessage] = field(default_factory=list)
    chatwoot: dict[str, object] | None = None


@dataclass(slots=True)
class Template:
    """The row of a message template created here. Its name is unique in the whole database (measured)."""

    id: str
    template_id: str
    name: str
    template: object
    webhook_url: str | None
    created_at: str
    updated_at: str
    instance_id: str


@dataclass(slots=True)
class Database:
    """What several servers may share: names of instances are unique in it, each server loads its own."""

    worlds: list["World"] = field(default_factory=list)
    bots: BotStore = field(default_factory=BotStore)
    templates: dict[str, Template] = field(default_factory=dict)

    def forget_instance(self, instance_id: str) -> None:
        """What goes with an instance's row."""
        self.bots.forget_instance(instance_id)
        for template in [found for found in self.templates.values() if found.instance_id == instance_id]:
            del self.templates[template.id]


class Emit(Protocol):
    """Send one event to the instance's webhook, in the background, if it is subscribed."""

    def __call__(self, instance: Instance, event: str, data: object) -> None: ...


class AskBots(Protocol):
    """Hand an inbound message to the instance's bots, in the background."""

    def __call__(self, instance: Instance, message: Mapping[str, object]) -> None: ...


@dataclass(slots=True)
class World:
    """Everything of one server."""

    client_name: str
    api_key: str
    manual_pairing: bool
    scan_after: float
    delete_after: float
    pace: Pace
    now: Clock
    random: random.Random
    timers: Timers
    emit: Emit
    ask_bots: AskBots
    options: ServerOptions = field(default_factory=ServerOptions)
    database: Database = field(default_factory=Database)
    server_url: str = ""
    instances: dict[str, Instance] = field(default_factory=dict)
    whatsapp_reachable: bool = True
    flapping: bool = False
    """Whether instances tell their webhooks of every vain attempt of an outage (they do; it is a storm)."""
    orphans: set[str] = field(default_factory=set)
    """Deleted while they tried to reconnect: they go on trying until the process restarts (measured)."""
    not_on_whatsapp: set[str] = field(default_factory=set)
    messages_sent: int = 0
    messages_received: int = 0

    def known(self, name: str) -> Instance | None:
        """Return the instance of that name, also another server's: that one is not loaded here."""
        own = self.instances.get(name)
        if own is not None:
            return own
        for owner in self._others():
            foreign = owner.instances.get(name)
            if foreign is not None and not foreign.row_gone:
                return _seen_from_elsewhere(foreign)
        return None

    def all_known(self) -> Iterator[Instance]:
        yield from self.instances.values()
        for owner in self._others():
            for foreign in owner.instances.values():
                if not foreign.row_gone:
                    yield _seen_from_elsewhere(foreign)

    def forget_foreign(self, instance: Instance) -> None:
        """Remove another server's row. Its owner keeps a ghost in memory (measured)."""
        for owner in self._others():
            ghost = owner.instances.get(instance.name)
            if ghost is not None and ghost.id == instance.id:
                ghost.row_gone = True
        self.database.forget_instance(instance.id)

    def _others(self) -> Iterator["World"]:
        return (world for world in self.database.worlds if world is not self)

    def timestamp(self) -> str:
        """The present as the server's JSON shows it."""
        return iso(self.now())

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def message_id(self) -> str:
        """An id in the form WhatsApp's clients make."""
        return f"3EB0{self.random.getrandbits(72):018X}"

    def unix_time(self) -> int:
        """The present in seconds."""
        return int(self.now().timestamp())

    def cuid(self) -> str:
        """An id in the form the server's database makes."""
        alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
        return "c" + "".join(self.random.choices(alphabet, k=24))


def _seen_from_elsewhere(instance: Instance) -> Instance:
    return replace(instance, live=None, foreign=True)


def iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
