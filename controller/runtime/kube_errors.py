"""What a request to the Kubernetes API server can end in, told apart by what the caller must do about it.

Status codes and reasons: https://kubernetes.io/docs/reference/using-api/api-concepts/ and, for
`Status.reason`, `k8s.io/apimachinery/pkg/apis/meta/v1`.
"""

# ruff: noqa: N818 - the names say what happened, and read so in `except` clauses.

from collections.abc import Mapping
from http import HTTPStatus
from http.client import responses
from typing import Any, Final

import orjson

_MESSAGE_LENGTH: Final = 512


class ApiError(Exception):
    """The API server did not do what was asked. `status` is the HTTP status, 0 when there was no answer."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class ApiNotFound(ApiError):
    """The object, its namespace or the whole resource (a CRD that is not installed) does not exist."""


class ApiConflict(ApiError):
    """A precondition (resourceVersion, uid) no longer holds: read again and decide anew."""


class ApiAlreadyExists(ApiError):
    """An object of that name exists."""


class ApiForbidden(ApiError):
    """RBAC or admission refuses; only a change of permissions or policy helps."""


class ApiUnauthorized(ApiError):
    """The API server does not accept the credentials."""


class ApiInvalid(ApiError):
    """The request is refused as it stands (also: a failed JSON patch `test`)."""


class ResourceExpired(ApiError):
    """The resourceVersion is too old to watch or continue from: list again."""


class ApiUnavailable(ApiError):
    """No useful answer now. `after`: seconds the server asked to wait, if it did.

    `outcome_unknown`: the request may have been carried out; look before repeating what is not idempotent.
    """

    def __init__(
        self, message: str, *, status: int = 0, after: float | None = None, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message, status=status)
        self.after = after
        self.outcome_unknown = outcome_unknown


_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    HTTPStatus.BAD_REQUEST: ApiInvalid,
    HTTPStatus.UNAUTHORIZED: ApiUnauthorized,
    HTTPStatus.FORBIDDEN: ApiForbidden,
    HTTPStatus.NOT_FOUND: ApiNotFound,
    HTTPStatus.CONFLICT: ApiConflict,
    HTTPStatus.GONE: ResourceExpired,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ApiInvalid,
    HTTPStatus.UNPROCESSABLE_ENTITY: ApiInvalid,
}


def is_retryable(status: int) -> bool:
    """Whether an answer says "not now" and not "not like this"."""
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def parse_status(body: bytes) -> dict[str, Any]:
    """The `Status` object of an error answer; empty when the body is something else (a proxy's page)."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) and parsed.get("kind") == "Status" else {}


def error_from_status(
    request: str,
    status: int,
    answer: Mapping[str, Any],
    *,
    retry_after: float | None = None,
    quiet: bool = False,
) -> ApiError:
    """The error that an answer stands for.

    `request` tells in words what was asked; `answer` is the Status object, `retry_after` the header's value.
    `quiet` leaves the server's message out: for Secrets it may repeat what they hold.
    """
    reason = answer.get("reason") or responses.get(status, "")
    told = "" if quiet else str(answer.get("message") or "")
    message = f"{request}: the API server answered {status} {reason}".rstrip() + (
        f": {told}" if told else "."
    )
    message = message[:_MESSAGE_LENGTH]
    if is_retryable(status):
        after = (answer.get("details") or {}).get("retryAfterSeconds") if retry_after is None else retry_after
        return ApiUnavailable(
            message,
            status=status,
            after=float(after) if after is not None else None,
            # 429 is said before anything is done; a 5xx may come from between us and a finished write.
            outcome_unknown=status != HTTPStatus.TOO_MANY_REQUESTS,
        )
    if reason == "AlreadyExists":
        return ApiAlreadyExists(message, status=status)
    return _BY_STATUS.get(status, ApiError)(message, status=status)
