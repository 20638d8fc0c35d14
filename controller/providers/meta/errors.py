"""What Graph API answers mean. One table of error codes; an unknown code is tried again.

https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.messages import stable_message
from controller.providers.transport import Answer, Refusal, has_effect

_INVALID_PARAMETER: Final = 100
_UNKNOWN_OBJECT: Final = frozenset({33, 803})
_UNKNOWN_OBJECT_SUBCODES: Final = frozenset({33, 2593002})
_BEING_DELETED: Final = 2388023
_LANGUAGE_EXISTS: Final = 2388024
_TOKEN_REFUSED: Final = frozenset({0, 102, 190})
_TOKEN_ADVICE: Final = {
    458: "the app was removed from the account",
    460: "the password was changed since it was made",
    463: "it has expired",
    467: "it was revoked",
}
_NOT_PERMITTED: Final = frozenset({3, 10, *range(200, 300), 131005})
_TOO_MANY: Final = frozenset({4, 17, 32, 341, 613, 80007, 80008, 130429, 131048, 131056, 133016})
_FAILING: Final = frozenset({1, 2, 131000, 131016, 131057, 133004})
# Restrictions of the account for its conduct.
_BLOCKED: Final = frozenset({368, 131031})
# WhatsApp's own codes; those that pass by themselves are named above.
_WHATSAPP: Final = range(130000, 140000)

# "(#100) Invalid parameter": the number is told anyway.
_CODE_PREFIX: Final = re.compile(r"^\(#\d+\)\s*")
_USAGE_HEADER: Final = "x-business-use-case-usage"
_LONGEST_WAIT: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as far as it decides what an answer means. `secrets` never stand in messages."""

    method: str
    operation: str
    secrets: Sequence[str]


def _whole(value: object) -> object:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> object:
    return value if isinstance(value, str) else ""


def _details(value: object) -> object:
    """`error_data` is an object, or a text without structure."""
    return _text(value.get("details")) if isinstance(value, Mapping) else _text(value)


_Whole = Annotated[int | None, BeforeValidator(_whole)]
_Text = Annotated[str, BeforeValidator(_text)]


class GraphError(BaseModel):
    """The error object of Graph. Its `fbtrace_id` changes with every answer and is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: _Whole = None
    error_subcode: _Whole = None
    message: _Text = ""
    error_user_title: _Text = ""
    error_user_msg: _Text = ""
    error_data: Annotated[str, BeforeValidator(_details)] = ""
    is_transient: Annotated[bool, BeforeValidator(lambda value: value is True)] = False

    @property
    def words(self) -> str:
        """What Meta means for people, before what it means for programs."""
        title, sentence = self.error_user_title.strip().rstrip("."), self.error_user_msg.strip()
        told = ": ".join(part for part in (title, sentence) if part)
        return told or self.error_data or _CODE_PREFIX.sub("", self.message)


def judge_answer(answer: Answer, asked: Asked) -> Refusal | None:
    """None for a good answer."""
    error = error_of(answer.content)
    if error is None:
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        error = GraphError()
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or error.code in _TOO_MANY:
        # Such requests are not carried out.
        said = _said(error, asked)
        return Refusal(_retryable(f"Meta is asked too often: {said}", wait=_wait(answer)), unwell=True)
    if _refuses_token(answer, error):
        why = _TOKEN_ADVICE.get(error.error_subcode or 0, "it is invalid, expired or revoked")
        # Not in Meta's words: they hold the token or the time of day.
        told = f"Meta refuses the access token: {why}. Put a new one into the Secret."
        return Refusal(Unauthorized(told, reason=Reason.WRONG_CREDENTIALS))
    if error.code in _NOT_PERMITTED:
        return _final(Unauthorized, f"{_told(error, asked)}. {_GIVE_PERMISSION}", Reason.WRONG_CREDENTIALS)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code in _FAILING or error.is_transient:
        told = f"Meta fails at {asked.operation}: {_said(error, asked)} (HTTP {answer.status})"
        failure = _retryable(told, wait=_wait(answer), outcome_unknown=has_effect(asked.method))
        return Refusal(failure, unwell=True)
    return _refusal(answer, error, asked)


_GIVE_PERMISSION: Final = (
    "Give the token's system user the permissions whatsapp_business_management and"
    " whatsapp_business_messaging, and the WhatsApp account as an asset."
)


def error_of(content: bytes) -> GraphError | None:
    """The error of a Graph answer; None when it is none, as with a gateway's."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, Mapping) or not isinstance(body.get("error"), Mapping):
        return None
    try:
        return GraphError.model_validate(body["error"])
    except ValidationError:
        return None


def _refuses_token(answer: Answer, error: GraphError) -> bool:
    return error.code in _TOKEN_REFUSED or answer.status == HTTPStatus.UNAUTHORIZED


def _refusal(answer: Answer, error: GraphError, asked: Asked) -> Refusal:
    """A refusal of this request, not of the account."""
    told = _told(error, asked)
    if error.code in _BLOCKED:
        return _final(Terminal, told, Reason.REFUSED)
    missing = answer.status == HTTPStatus.NOT_FOUND and error.code == _INVALID_PARAMETER
    if missing or error.code in _UNKNOWN_OBJECT or error.error_subcode in _UNKNOWN_OBJECT_SUBCODES:
        return _final(NotFound, told, Reason.REFUSED)
    match error.error_subcode:
        case subcode if subcode == _BEING_DELETED:
            return Refusal(Retryable(told, reason=Reason.TEMPLATE_NAME_BLOCKED))
        case subcode if subcode == _LANGUAGE_EXISTS:
            return _final(Conflict, told, Reason.NAME_TAKEN)
    if error.code is not None and (error.code == _INVALID_PARAMETER or error.code in _WHATSAPP):
        return _final(Terminal, told, Reason.REFUSED)
    # Also a 404 without Graph's own words: a gateway does not know that something is gone.
    return Refusal(_retryable(f"{told} (HTTP {answer.status})", wait=_wait(answer)))


def _told(error: GraphError, asked: Asked) -> str:
    code = "" if error.code is None else f" (code {error.code})"
    return f"Meta refuses {asked.operation}: {_said(error, asked).rstrip('.')}{code}"


def _said(error: GraphError, asked: Asked) -> str:
    return stable_message(error.words, secrets=asked.secrets) or "no reason given"


def _final(kind: type[OutsideError], message: str, reason: Reason) -> Refusal:
    return Refusal(kind(stable_message(message), reason=reason))


def _retryable(message: str, *, wait: float | None = None, outcome_unknown: bool = False) -> Retryable:
    return Retryable(
        stable_message(message), reason=Reason.META_UNAVAILABLE, after=wait, outcome_unknown=outcome_unknown
    )


def _wait(answer: Answer) -> float | None:
    """Seconds until Meta lets us ask again: Retry-After, or the minutes in its header about usage."""
    if answer.retry_after is not None:
        return answer.retry_after
    try:
        usage = orjson.loads(answer.headers.get(_USAGE_HEADER, ""))
    except orjson.JSONDecodeError:
        return None
    accounts = usage.values() if isinstance(usage, Mapping) else ()
    limits = [limit for listed in accounts if isinstance(listed, list) for limit in listed]
    minutes = [limit.get("estimated_time_to_regain_access") for limit in limits if isinstance(limit, Mapping)]
    longest = max((told for told in minutes if isinstance(told, int | float)), default=0)
    return min(longest * 60.0, _LONGEST_WAIT) if longest > 0 else None
