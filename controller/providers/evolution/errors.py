"""What an Evolution server's answers mean: error bodies of many shapes, some of them with status 200."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import orjson

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.messages import stable_message
from controller.providers.transport import Answer, Refusal, has_effect

# Two texts, depending on the route.
_UNKNOWN_INSTANCE: Final = re.compile(
    r'The ".*" instance does not exist|Instances? ".*" not found', re.DOTALL
)
_UNKNOWN_ROUTE: Final = re.compile(r"Cannot (GET|POST|PUT|PATCH|DELETE) /", re.DOTALL)
_NAME_IN_USE: Final = re.compile(r"already in use")
_NOT_CONNECTED: Final = re.compile(r'The ".*" instance is not connected', re.DOTALL)
# One instance's session, not the server: measured with closed, dead, opening and freshly linked sockets.
_SESSION_FAILS: Final = re.compile(r"Connection Closed|TypeError|Cannot read properties of (undefined|null)")
_KEYS_TO_COME: Final = re.compile(r"App state key not present")
_WRONG_CHANNEL: Final = re.compile(r"Method not available on")
_DATABASE: Final = re.compile(r"Invalid `[^`\n]+` invocation|Can't reach database server|connection pool")
_TOO_LONG: Final = re.compile(r"too long for the column")
_CONSTRAINT: Final = re.compile(r"constraint (violated|failed)", re.IGNORECASE)
_SWITCHED_OFF: Final = re.compile(r"(\w+) is disabled")
_KEY_IN_USE: Final = re.compile(r"API key is already registered")
# Bots: the same fields, a second one for everything, the same trigger; and OpenAI credentials.
_IN_THE_WAY: Final = re.compile(
    r'already exists$|^You already have a .* "All" trigger|credential name is already in use'
)
_BOT_NOT_FOUND: Final = re.compile(
    r"(openai|dify|typebot|flowise|n8n|evoai|evolutionbot)( bot| creds)? not found", re.IGNORECASE
)
_BOT_INCOMPLETE: Final = re.compile(r"[\w ]+ (is|are) required")
_CAUSE_HIDDEN: Final = re.compile(r"Error (creating|updating|deleting|setting|finding|fetching) [\w ]+")
_LICENSE_REQUIRED: Final = "LICENSE_REQUIRED"
_NO_TEXT: Final = "[object Object]"
_GATEWAY_FAILURES: Final = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as far as it decides what an answer means.

    `server` is how messages call the server; `disconnected` the reason when the session is not open.
    """

    server: str
    method: str
    operation: str
    secrets: Sequence[str]
    disconnected: Reason = Reason.SERVER_UNAVAILABLE


def judge_answer(answer: Answer, asked: Asked) -> Refusal | None:
    """None for a good answer."""
    good = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    if good and answer.content.startswith(b"["):
        return None  # only an object tells of an error, and a list of 500 instances is not read twice
    body = _read(answer.content)
    if good:
        if isinstance(body, Mapping) and body.get("error") is True:
            # What connect and restart answer when they fail; the text is lost on the way.
            return Refusal(_passing(answer, asked, _said(body, asked), reason=asked.disconnected))
        return None
    return _refusal(answer, asked, body)


class UnknownRoute(Terminal):
    """The server does not serve the path at all, as with /metrics when it is off."""


class NotConnected(Retryable):
    """The instance has no session with WhatsApp, and the server knows that."""


class CauseHidden(Retryable):
    """A bot route failed and does not say why; looking at what there is often tells."""


def texts_of(body: object) -> list[str]:
    """All texts of an error body: of `response.message`, `message` or `error`, nested or not."""
    if not isinstance(body, Mapping):
        return []
    response = body.get("response")
    for message in (response.get("message") if isinstance(response, Mapping) else None, body.get("message")):
        texts = [text for text in _strings(message) if text and text != _NO_TEXT]
        if texts:
            return texts
    error = body.get("error")
    return [error] if isinstance(error, str) else []


def _refusal(answer: Answer, asked: Asked, body: object) -> Refusal:
    text = "\n".join(texts_of(body))
    said = _said(body, asked)
    told = f"{asked.server} refuses {asked.operation}: {said}"
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return _final(Unauthorized, f"{asked.server} refuses the API key.", Reason.WRONG_CREDENTIALS)
        case HTTPStatus.FORBIDDEN if _NAME_IN_USE.search(text):
            return _final(Conflict, told, Reason.NAME_TAKEN)
        case HTTPStatus.FORBIDDEN:
            return _final(Unauthorized, told, Reason.WRONG_CREDENTIALS)
        case HTTPStatus.NOT_FOUND if _UNKNOWN_INSTANCE.fullmatch(text):
            return _final(NotFound, told, Reason.SERVER_UNAVAILABLE)
        case HTTPStatus.NOT_FOUND if _UNKNOWN_ROUTE.match(text):
            return _final(UnknownRoute, f"{told}. Is it Evolution API 2.3?", Reason.REFUSED)
        case HTTPStatus.SERVICE_UNAVAILABLE if (
            isinstance(body, Mapping) and body.get("code") == _LICENSE_REQUIRED
        ):
            return _final(Terminal, f"{asked.server} is not activated.", Reason.LICENSE_REQUIRED)
        case HTTPStatus.BAD_REQUEST | HTTPStatus.INTERNAL_SERVER_ERROR:
            return _instance_refusal(answer, asked, text, said)
    # Also a 404 without the server's own text: a gateway's word must not pass for "the instance is gone".
    unwell = (
        answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS
    )
    return Refusal(_passing(answer, asked, said), unwell=unwell)


def _instance_refusal(answer: Answer, asked: Asked, text: str, said: str) -> Refusal:
    """The server uses 400 and 500 without much difference; the texts tell what happened."""
    if _NOT_CONNECTED.fullmatch(text):
        return Refusal(_passing(answer, asked, said, reason=asked.disconnected, kind=NotConnected))
    if _KEYS_TO_COME.search(text):
        # Normal for some seconds after a scan: say so, not that something failed.
        fresh = (
            "The phone was paired a moment ago and has not sent its profile keys yet; trying again by itself."
        )
        return Refusal(Retryable(fresh, reason=asked.disconnected))
    if _SESSION_FAILS.search(text):
        return Refusal(_passing(answer, asked, said, reason=asked.disconnected))
    told = f"{asked.server} refuses {asked.operation}: {said}"
    if _WRONG_CHANNEL.search(text):
        return _final(Terminal, told, Reason.UNSUPPORTED_CHANNEL)
    bots = _bot_refusal(answer, asked, text, said)
    if bots is not None:
        return bots
    refused = answer.status == HTTPStatus.BAD_REQUEST and text and not _DATABASE.search(text)
    if refused or _TOO_LONG.search(text):
        return _final(Terminal, told, Reason.REFUSED)
    # A violated constraint is about one row; any other unforeseen error may be about the whole server.
    unwell = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not _CONSTRAINT.search(text)
    return Refusal(_passing(answer, asked, said), unwell=unwell)


def _bot_refusal(answer: Answer, asked: Asked, text: str, said: str) -> Refusal | None:
    """Bot routes throw plain errors, so most of their refusals are 500."""
    told = f"{asked.server} refuses {asked.operation}: {said}"
    if off := _SWITCHED_OFF.fullmatch(text):
        switch = f"{off[1].upper()}_ENABLED=true"
        return _final(
            Terminal,
            f"{off[1]} is switched off on {asked.server}: set {switch} in its environment and restart it.",
            Reason.REFUSED,
        )
    if _KEY_IN_USE.search(text):
        return _final(
            Terminal,
            f"{asked.server} refuses the OpenAI key: it is registered already, and Evolution allows one OpenAI key"
            " only once per database. Give every tenant a key of its own.",
            Reason.API_KEY_IN_USE,
        )
    if _IN_THE_WAY.search(text):
        return _final(Conflict, told, Reason.NAME_TAKEN)
    if _BOT_NOT_FOUND.fullmatch(text):
        return _final(NotFound, told, Reason.SERVER_UNAVAILABLE)
    if _BOT_INCOMPLETE.fullmatch(text):
        return _final(Terminal, told, Reason.REFUSED)
    if _CAUSE_HIDDEN.fullmatch(text):
        return Refusal(_passing(answer, asked, said, kind=CauseHidden))
    return None


def _passing(
    answer: Answer,
    asked: Asked,
    said: str,
    *,
    reason: Reason = Reason.SERVER_UNAVAILABLE,
    kind: type[Retryable] = Retryable,
) -> Retryable:
    gateway = answer.status in _GATEWAY_FAILURES
    return kind(
        stable_message(f"{asked.server} fails at {asked.operation}: {said} (HTTP {answer.status})"),
        reason=reason,
        after=answer.retry_after,
        outcome_unknown=has_effect(asked.method)
        and (gateway or answer.status == HTTPStatus.INTERNAL_SERVER_ERROR),
    )


def _final(kind: type[OutsideError], message: str, reason: Reason) -> Refusal:
    return Refusal(kind(stable_message(message), reason=reason))


def _said(body: object, asked: Asked) -> str:
    return stable_message("; ".join(texts_of(body)), secrets=asked.secrets) or "no reason given"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _read(content: bytes) -> object:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
