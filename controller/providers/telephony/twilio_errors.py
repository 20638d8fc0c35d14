"""What Twilio's answers mean. One table of error codes; an unknown code is tried again."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ValidationError

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.messages import stable_message
from controller.providers.transport import Answer, Refusal, has_effect

_NOT_AUTHENTICATED: Final = 20003
_TOO_MANY: Final = 20429
ACCOUNT_NOT_ACTIVE: Final = 20005
TRIAL_ACCOUNT: Final = 10002
ONE_NUMBER_OF_TRIAL: Final = 21404
_REFUSED: Final[dict[int, type[OutsideError]]] = {
    _NOT_AUTHENTICATED: Unauthorized,
    ACCOUNT_NOT_ACTIVE: Terminal,
    20404: NotFound,
    # Both are about one candidate that the provider itself offered: another one may do.
    21421: Conflict,  # number invalid
    21422: Conflict,  # number not available
    21452: Conflict,  # none available in its area
    21613: Terminal,
    21631: Terminal,
    21649: Terminal,
    TRIAL_ACCOUNT: Terminal,
    ONE_NUMBER_OF_TRIAL: Terminal,
}
_REASONS: Final[dict[int, Reason]] = {
    _NOT_AUTHENTICATED: Reason.WRONG_CREDENTIALS,
    20404: Reason.PROVIDER_UNAVAILABLE,
    21421: Reason.NO_NUMBER_FOR_SALE,
    21422: Reason.NO_NUMBER_FOR_SALE,
    21452: Reason.NO_NUMBER_FOR_SALE,
    21613: Reason.ADDRESS_REQUIRED,
    21631: Reason.ADDRESS_REQUIRED,
    21649: Reason.BUNDLE_REQUIRED,
}
_UPGRADE: Final = " It is a trial account, which may own one number: upgrade it in Twilio's Console."
_ADVICE: Final = {
    ACCOUNT_NOT_ACTIVE: " It is suspended or closed: have it made active in Twilio's Console.",
    TRIAL_ACCOUNT: _UPGRADE,
    ONE_NUMBER_OF_TRIAL: _UPGRADE,
}


class _ErrorBody(BaseModel):
    """Both shapes: the classic one has `message`, the RFC 9457 one `title` and `detail`."""

    code: int | None = None
    message: str | None = None
    title: str | None = None
    detail: str | None = None

    @property
    def text(self) -> str:
        return self.message or ": ".join(part for part in (self.title, self.detail) if part)


def judge_answer(answer: Answer, *, method: str, account: str, secrets: Sequence[str]) -> Refusal | None:
    """None for a good answer. `account` is how messages call it; `secrets` never stand in them."""
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    body = _read(answer.content)
    code = body.code or 0
    if answer.status == HTTPStatus.UNAUTHORIZED:
        code = _NOT_AUTHENTICATED
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or code == _TOO_MANY:
        # Such requests are never carried out (https://www.twilio.com/docs/errors/20429).
        return Refusal(_retryable(f"{account} is asked too often.", answer), unwell=True)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
        error = _retryable(
            f"{account} fails (HTTP {answer.status}).", answer, outcome_unknown=has_effect(method)
        )
        return Refusal(error, unwell=True)
    kind = _REFUSED.get(code)
    said = stable_message(body.text, secrets=secrets) or "no reason given"
    told = f"{account} refuses: {said} (code {code or answer.status}){_ADVICE.get(code, '')}"
    if kind is None:
        return Refusal(_retryable(told, answer))
    return Refusal(kind(stable_message(told), reason=_REASONS.get(code, Reason.REFUSED)))


def _retryable(message: str, answer: Answer, *, outcome_unknown: bool = False) -> Retryable:
    return Retryable(
        stable_message(message),
        reason=Reason.PROVIDER_UNAVAILABLE,
        after=answer.retry_after,
        outcome_unknown=outcome_unknown,
    )


def _read(content: bytes) -> _ErrorBody:
    """Without a code when the body is not Twilio's: a gateway's 404 does not say that something is gone."""
    try:
        return _ErrorBody.model_validate_json(content)
    except ValidationError:
        return _ErrorBody()
