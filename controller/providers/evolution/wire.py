"""What we read of an Evolution server's answers, and nothing more. Unknown fields are ignored, missing ones
allowed.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from controller.providers.evolution.protocol import (
    BehaviourSettings,
    InstanceRow,
    Integration,
    NewInstance,
    Pairing,
    PairingOffer,
    SessionState,
    WebhookSettings,
)

TERMINAL_LOGOUT_CODES: Final = frozenset({401, 402, 403, 406})
"""Only these end a session for good; after every other code the server reconnects by itself (measured)."""

# A device suffix (`:12`) may follow the number. Other domains (`@lid`, `@g.us`) hold no phone number.
_OWNER_JID: Final = re.compile(r"([1-9]\d{6,14})(?::\d+)?@s\.whatsapp\.net")


def session_state(word: object) -> SessionState | None:
    """None for a missing or unknown word: the instance is then as good as not loaded."""
    return next((state for state in SessionState if state == word), None)


def owner_number(jid: str | None) -> str | None:
    """`371...:12@s.whatsapp.net` -> `+371...`."""
    match = _OWNER_JID.fullmatch(jid or "")
    return f"+{match[1]}" if match else None


def _text(value: object) -> object:
    return "" if value is None else value


def _flag(value: object) -> object:
    return False if value is None else value


Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]
State = Annotated[SessionState | None, BeforeValidator(session_state)]


class Body(BaseModel):
    """What is read of an answer."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, frozen=True)


class SettingsBody(Body):
    reject_call: Flag = False
    msg_call: Text = ""
    groups_ignore: Flag = False
    always_online: Flag = False
    read_messages: Flag = False
    read_status: Flag = False
    sync_full_history: Flag = False

    def to_settings(self) -> BehaviourSettings:
        return BehaviourSettings(**self.model_dump())


class CountsBody(Body):
    message: int = Field(0, alias="Message")


class InstanceBody(Body):
    """A row of fetchInstances. Only a row without a name cannot be used."""

    name: str
    id: Text = ""
    integration: Text = ""
    connection_status: State = None
    owner_jid: str | None = None
    number: str | None = None
    business_id: str | None = None
    token: Text = Field("", repr=False)
    client_name: Text = ""
    profile_name: str | None = None
    disconnection_reason_code: int | None = None
    created_at: datetime | None = None
    setting: SettingsBody | None = Field(None, alias="Setting")
    counts: CountsBody | None = Field(None, alias="_count")

    def to_row(self) -> InstanceRow:
        code = self.disconnection_reason_code
        return InstanceRow(
            name=self.name,
            id=self.id,
            integration=self.integration,
            stored_state=self.connection_status,
            owner_number=owner_number(self.owner_jid),
            token=self.token,
            client_name=self.client_name,
            settings=self.setting.to_settings() if self.setting else None,
            profile_name=self.profile_name,
            disconnection_code=code if code in TERMINAL_LOGOUT_CODES else None,
            created_at=self.created_at,
            number=self.number or None,
            business_id=self.business_id or None,
            messages=self.counts.message if self.counts else 0,
        )


class LiveInstanceBody(Body):
    state: State = None


class ConnectionStateBody(Body):
    instance: LiveInstanceBody


class ConnectBody(Body):
    """What connect answers: a code, a state, or neither. The picture of the code is left out."""

    code: Text = Field("", repr=False)
    pairing_code: str | None = Field(None, repr=False)
    count: int = 0
    instance: LiveInstanceBody | None = None

    def to_pairing(self) -> Pairing:
        if self.instance is not None and self.instance.state is SessionState.OPEN:
            return SessionState.OPEN
        if not self.code:
            return None
        return PairingOffer(qr=self.code, pairing_code=self.pairing_code or None, count=self.count)


class WebhookBody(Body):
    """The stored webhook, whose names differ from those that it is set with."""

    enabled: Flag = False
    url: Text = Field("", repr=False)
    events: Sequence[str] | None = None
    headers: dict[str, str] | None = Field(None, repr=False)

    def to_settings(self) -> WebhookSettings:
        return WebhookSettings(
            enabled=self.enabled, url=self.url, events=tuple(self.events or ()), headers=self.headers or {}
        )


INSTANCES: Final = TypeAdapter(list[InstanceBody])
CONNECTION_STATE: Final = TypeAdapter(ConnectionStateBody)
PAIRING: Final = TypeAdapter(ConnectBody)
WEBHOOK: Final = TypeAdapter(WebhookBody | None)


def settings_request(settings: BehaviourSettings) -> dict[str, object]:
    """The whole object: the server demands all of it."""
    return {
        "rejectCall": settings.reject_call,
        "msgCall": settings.msg_call,
        "groupsIgnore": settings.groups_ignore,
        "alwaysOnline": settings.always_online,
        "readMessages": settings.read_messages,
        "readStatus": settings.read_status,
        "syncFullHistory": settings.sync_full_history,
    }


def webhook_request(webhook: WebhookSettings) -> dict[str, object]:
    """Every field: those left out would keep their old value.

    Raises `ValueError` when enabled without events.
    """
    if webhook.enabled and not webhook.events:
        raise ValueError(
            "An enabled webhook must name its events: the server takes none to mean all of them."
        )
    return {
        "enabled": webhook.enabled,
        "url": webhook.url,
        "events": list(webhook.events),
        "headers": dict(webhook.headers),
        "byEvents": False,
        "base64": False,
    }


def create_request(new: NewInstance) -> dict[str, object]:
    """The body to create with.

    Raises `ValueError` for what the server would wrongly accept, such as an empty name.
    """
    if not new.name or not new.token:
        raise ValueError("An instance needs a name and a token.")
    if new.number and not (new.number.isascii() and new.number.isdigit()):
        raise ValueError("The number of an instance is digits only, without +.")
    if new.integration is Integration.BUSINESS and not (new.number and new.business_id):
        raise ValueError("A business instance needs Meta's phone number id and business account id.")
    body: dict[str, object] = {
        "instanceName": new.name,
        "integration": new.integration.value,
        "token": new.token,
        "qrcode": False,
        **settings_request(new.settings),
    }
    if new.number:
        body["number"] = new.number
    if new.business_id:
        body["businessId"] = new.business_id
    # `enabled: false` is ignored here, so a webhook that is off is left out.
    if new.webhook is not None and new.webhook.enabled:
        body["webhook"] = webhook_request(new.webhook)
    return body
