"""One Evolution server as the engine sees it: plain data in and out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

from controller.providers.evolution.bots import BotsOfServer, OpenAIOfServer


class Integration(StrEnum):
    """Channel of an instance, in Evolution's words."""

    BAILEYS = "WHATSAPP-BAILEYS"
    BUSINESS = "WHATSAPP-BUSINESS"
    EVOLUTION = "EVOLUTION"


class SessionState(StrEnum):
    """Live state of an instance, in Evolution's words."""

    OPEN = "open"
    CONNECTING = "connecting"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class BehaviourSettings:
    """Behaviour of an instance; Evolution takes and gives the whole object."""

    reject_call: bool = False
    msg_call: str = ""
    groups_ignore: bool = False
    always_online: bool = False
    read_messages: bool = False
    read_status: bool = False
    sync_full_history: bool = False


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Webhook of an instance. `events` in Evolution's words (MESSAGES_UPSERT), never empty while enabled,
    because empty means all of them. Header values may be secret: never log or print this.
    """

    enabled: bool
    url: str = field(repr=False)
    events: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance as the server's database describes it (fetchInstances).

    `stored_state` is the database's column, which lags behind; the live state comes from `live_states`.
    `owner_number` is E.164 of the paired WhatsApp account, None before pairing.
    `disconnection_code` is that of the last terminal logout (401, 402, 403, 406), else None.
    `number` is what it was created with, on the business channel Meta's phone number id; `business_id` is
    Meta's WhatsApp business account. The token of a business instance is Meta's access token.
    """

    name: str
    id: str
    integration: str
    stored_state: SessionState | None
    owner_number: str | None
    token: str = field(repr=False)
    client_name: str = ""
    settings: BehaviourSettings | None = None
    profile_name: str | None = None
    disconnection_code: int | None = None
    created_at: datetime | None = None
    number: str | None = None
    business_id: str | None = None
    messages: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class LiveStates:
    """One reading of /metrics: every loaded instance with its state in memory."""

    version: str
    client_name: str
    states: Mapping[str, SessionState]


@dataclass(frozen=True, slots=True)
class NewInstance:
    """What an instance is created with.

    `number`: digits without +, makes the pairing code; empty for none. The business channel needs `token` (a
    Graph access token), `number` (Meta's phone number id) and `business_id` (the WhatsApp business account).
    """

    name: str
    integration: Integration
    token: str = field(repr=False)
    number: str = ""
    business_id: str = ""
    settings: BehaviourSettings = field(default_factory=BehaviourSettings)
    webhook: WebhookSettings | None = None


@dataclass(frozen=True, slots=True)
class PairingOffer:
    """Codes to pair with: who sees one can take the instance over. Never log, print or store them.

    `qr` is the text of the QR code, for about 45 s; `pairing_code` eight characters, None when the server made
    none; `count` how many codes it has offered, a successful scan does not reset it. After a restart the server
    may offer an old code again: only a changed `qr` is a new one.
    """

    qr: str = field(repr=False)
    pairing_code: str | None = field(repr=False)
    count: int


Pairing: TypeAlias = PairingOffer | Literal[SessionState.OPEN] | None
"""A code to pair with, OPEN when the instance is connected already, None when there is nothing yet."""


class EvolutionServerClient(Protocol):
    """What the engine asks of a server.

    Every method may raise `Retryable`, `Unauthorized` or `Terminal` (`Reason.LICENSE_REQUIRED` for 2.4's
    503); methods on one instance raise `NotFound` for a name the server does not know.

    An instance of another server on the same database exists here too, but is not loaded: only `instances` and
    `instance` tell. Reading its webhook gives None, a logout has no effect, a deletion takes the other's rows
    away. So look before acting.
    """

    @property
    def bots(self) -> BotsOfServer:
        """Bots that answer by themselves."""

    @property
    def openai(self) -> OpenAIOfServer:
        """OpenAI keys, which OpenAI bots need."""

    async def instances(self) -> Sequence[InstanceRow]:
        """All instances of the server, complete or an error."""

    async def instance(self, name: str) -> InstanceRow | None:
        """One instance by name, read now; None when there is none (both of the server's ways to say so).

        `Retryable` while it exists but is not loaded: the server starts or deletes it, or another server on the
        same database has it.
        """

    async def live_states(self) -> LiveStates | None:
        """Live state of all loaded instances; None when the server serves no /metrics."""

    async def live_state(self, name: str) -> SessionState | None:
        """Live state of one instance; None when its row exists but it is not loaded.

        Raises `NotFound`, which proves it absent: the server looks into its memory and into the database.
        """

    async def create(self, new: NewInstance) -> None:
        """Create an instance. Only for a name proven absent: a failing create deletes the instance *of that
        name* (measured). One in-flight create a name. A success proves nothing: read back. Raises `Conflict`.
        """

    async def connect(self, name: str) -> None:
        """Open the socket of a closed instance, so that a code to pair with is offered; it is discarded."""

    async def pairing_code(self, name: str, number: str | None = None) -> Pairing:
        """A code to pair with; opens the socket of a closed instance, which takes two seconds.

        `number`, digits without +, asks for a pairing code too, but only a closed instance takes it: one that
        connects already goes on with what it was opened with, so log out first. None means ask again in a few
        seconds; a business instance that was logged out stays so until its server restarts.
        """

    async def logout(self, name: str) -> None:
        """Unlink from WhatsApp. A closed instance is success."""

    async def delete(self, name: str) -> None:
        """Begin to delete. The work is asynchronous: poll `instance` until None
        (`Retryable`: not yet). Unknown is success.
        """

    async def set_settings(self, name: str, settings: BehaviourSettings) -> None:
        """Set the whole behaviour."""

    async def webhook(self, name: str) -> WebhookSettings | None:
        """The webhook as stored; None when never set."""

    async def set_webhook(self, name: str, webhook: WebhookSettings) -> None:
        """Set the whole webhook."""

    async def set_profile_name(self, name: str, profile_name: str) -> None:
        """Set the WhatsApp name; `Retryable` while not connected or without app-state key (fresh link)."""

    async def set_profile_about(self, name: str, about: str) -> None:
        """Set the about line; same errors."""

    async def close(self) -> None:
        """Close connections."""
