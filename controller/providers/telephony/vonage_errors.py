"""What Vonage's answers mean. Its Numbers API has one code, 420, for most refusals: only the text tells them apart."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.messages import stable_message
from controller.providers.transport import Answer, Refusal, has_effect

METHOD_FAILED: Final = 420
_NEEDS_ADDRESS: Final = re.compile(r"dashboard|local address", re.IGNORECASE)
_NEEDS_PARAMETER: Final = re.compile(r"\b(country|msisdn)\b.*\b(required|missing)\b", re.IGNORECASE)
_NEEDS_MONEY: Final = re.compile(r"balance|credit|funds|payment", re.IGNORECASE)


class _InvalidParameter(BaseModel):
    name: str = ""
    reason: str = ""


class _ErrorBody(BaseModel):
    """Both shapes: the Numbers API's `error-code`, and the Application API's RFC 7807."""

    model_config = ConfigDict(extra="ignore")

    code: str | None = Field(None, alias="error-code")
    label: str | None = Field(None, alias="error-code-label")
    title: str | None = None
    detail: str | None = None
    invalid_parameters: list[_InvalidParameter] = []

    @property
    def text(self) -> str:
        if self.label:
            return self.label
        wrong = ", ".join(f"{one.name} {one.reason}" for one in self.invalid_parameters)
        return ": ".join(part for part in (self.title, self.detail, wrong) if part)


def judge_answer(answer: Answer, *, method: str, account: str, secrets: Sequence[str]) -> Refusal | None:
    """None for a good answer, which says 200 in its body too where it has such a code."""
    body = _read(answer.content)
    status = _status_of(answer, body)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    said = stable_message(body.text, secrets=secrets) or "no reason given"
    told = stable_message(f"{account} refuses: {said} ({status})")
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return Refusal(Unauthorized(told, reason=Reason.WRONG_CREDENTIALS))
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Refusal(_retryable(f"{account} is asked too often.", answer), unwell=True)
        case HTTPStatus.BAD_REQUEST if body.title:
            return Refusal(Terminal(told, reason=Reason.REFUSED))
        case HTTPStatus.NOT_FOUND if body.title:
            return Refusal(NotFound(told, reason=Reason.PROVIDER_UNAVAILABLE))
        case _ if status == METHOD_FAILED and body.label and has_effect(method):
            return Refusal(_method_failed(told, body.label))
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            failing = f"{account} fails (HTTP {status})."
            return Refusal(_retryable(failing, answer, outcome_unknown=has_effect(method)), unwell=True)
        case _:
            return Refusal(_retryable(told, answer))


def _method_failed(told: str, label: str) -> OutsideError:
    if _NEEDS_ADDRESS.search(label):
        return Terminal(
            f"{told} Such numbers cannot be bought through Vonage's API: buy one in the dashboard and name it in"
            " spec.phoneNumber.number, or use another PhoneProvider.",
            reason=Reason.ADDRESS_REQUIRED,
        )
    if _NEEDS_MONEY.search(label) or _NEEDS_PARAMETER.search(label):
        return Terminal(told, reason=Reason.REFUSED)
    # Sold meanwhile, owned already, or just "method failed": whoever asked must look what is the case.
    return Conflict(told, reason=Reason.NO_NUMBER_FOR_SALE)


def _retryable(message: str, answer: Answer, *, outcome_unknown: bool = False) -> Retryable:
    return Retryable(
        stable_message(message),
        reason=Reason.PROVIDER_UNAVAILABLE,
        after=answer.retry_after,
        outcome_unknown=outcome_unknown,
    )


def _status_of(answer: Answer, body: _ErrorBody) -> int:
    """An error may come as HTTP 200 with its code in the body."""
    if answer.status == HTTPStatus.OK and body.code and body.code.isdecimal():
        return int(body.code)
    return answer.status


def _read(content: bytes) -> _ErrorBody:
    try:
        return _ErrorBody.model_validate_json(content)
    except ValidationError:
        return _ErrorBody.model_validate({})
