"""The JSON-schema checks of Evolution 2.3.7, with the texts it gives (measured)."""

import re
from collections.abc import Mapping, Sequence

from controller.sandbox.fakes.evolution.errors import invalid_body
from controller.sandbox.fakes.evolution.events import EVENTS

_CREATE_TYPES: Mapping[str, type] = {
    "instanceName": str,
    "token": str,
    "qrcode": bool,
    "rejectCall": bool,
    "msgCall": str,
    "groupsIgnore": bool,
    "alwaysOnline": bool,
    "readMessages": bool,
    "readStatus": bool,
    "syncFullHistory": bool,
    "wavoipToken": str,
    "proxyHost": str,
    "proxyPort": str,
    "proxyProtocol": str,
    "proxyUsername": str,
    "proxyPassword": str,
}
_NUMBER = re.compile(r"^\d+[\.@\w-]+")

SETTING_FLAGS = (
    "rejectCall",
    "groupsIgnore",
    "alwaysOnline",
    "readMessages",
    "readStatus",
    "syncFullHistory",
)
_PRESENCES = ("unavailable", "available", "composing", "recording", "paused")


def check_create(body: Mapping[str, object]) -> None:
    """`integration` is not looked at here: the server's schema spells the key differently."""
    texts: list[str] = []
    number = body.get("number")
    if number is not None:
        if not isinstance(number, str):
            texts.append("number is not of a type(s) string")
        elif _NUMBER.match(number) is None:
            texts.append('number does not match pattern "^\\\\d+[\\\\.@\\\\w-]+"')
    texts += wrong_types(body, _CREATE_TYPES)
    refuse_invalid(texts)


def check_settings(body: Mapping[str, object]) -> None:
    types: dict[str, type] = dict.fromkeys(SETTING_FLAGS, bool)
    texts = wrong_types(body, {**types, "msgCall": str, "wavoipToken": str})
    refuse_invalid(texts + missing_properties(body, SETTING_FLAGS))


def check_webhook(body: Mapping[str, object]) -> dict[str, object]:
    """Return the nested object that holds the webhook."""
    refuse_invalid(missing_properties(body, ("webhook",)))
    webhook = body["webhook"]
    if not isinstance(webhook, dict):
        raise invalid_body(["webhook is not of a type(s) object"])
    types: dict[str, type] = {
        "enabled": bool,
        "url": str,
        "headers": dict,
        "byEvents": bool,
        "base64": bool,
        "events": list,
    }
    texts = [f"webhook.{text}" for text in wrong_types(webhook, types)]
    events = webhook.get("events")
    if isinstance(events, list):
        texts += [
            f"webhook.events[{index}] is not one of enum values: {','.join(EVENTS)}"
            for index, event in enumerate(events)
            if event not in EVENTS
        ]
    texts += [f'webhook requires property "{name}"' for name in ("enabled", "url") if name not in webhook]
    refuse_invalid(texts)
    return webhook


def check_presence(body: Mapping[str, object]) -> str:
    refuse_invalid(missing_properties(body, ("presence",)))
    presence = body["presence"]
    if presence not in _PRESENCES:
        raise invalid_body([f"presence is not one of enum values: {','.join(_PRESENCES)}"])
    return str(presence)


def check_text_message(body: Mapping[str, object]) -> None:
    texts = ["Invalid format"] if "number" in body and not isinstance(body["number"], str) else []
    texts += wrong_types(body, {"text": str})
    refuse_invalid(texts + missing_properties(body, ("number", "text")))


def require_text(body: Mapping[str, object], name: str) -> str:
    """Return the one text property an endpoint needs."""
    refuse_invalid(wrong_types(body, {name: str}) + missing_properties(body, (name,)))
    return str(body[name])


def wrong_types(body: Mapping[str, object], types: Mapping[str, type]) -> list[str]:
    """Texts for the properties that are there with another type."""
    words = {str: "string", bool: "boolean", dict: "object", list: "array", int: "integer"}
    return [
        f"{name} is not of a type(s) {words[kind]}"
        for name, kind in types.items()
        if body.get(name) is not None and not _is_of(kind, body[name])
    ]


def wrong_choice(body: Mapping[str, object], name: str, choices: Sequence[str]) -> list[str]:
    """A text for a property that is there with a value not among `choices`."""
    if body.get(name) is None or body[name] in choices:
        return []
    return [f"{name} is not one of enum values: {','.join(choices)}"]


def missing_properties(body: Mapping[str, object], names: Sequence[str]) -> list[str]:
    return [f'instance requires property "{name}"' for name in names if name not in body]


def _is_of(kind: type, value: object) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def refuse_invalid(texts: list[str]) -> None:
    if texts:
        raise invalid_body(texts)
