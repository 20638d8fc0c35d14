"""Refusals: the `metav1.Status` bodies of kube-apiserver, as exceptions that end a request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from .field_errors import FieldError


class ApiError(Exception):
    """A refusal with the HTTP status and the `metav1.Status` body that a client sees."""

    def __init__(
        self, code: int, reason: str, message: str, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if not self.reason:
            del status["reason"]
        if self.details:
            status["details"] = {key: value for key, value in self.details.items() if value not in ("", [])}
        status["code"] = self.code
        return status


def success(*, details: dict[str, Any]) -> dict[str, Any]:
    """The body that answers a deletion which is already done."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def not_found(group: str, resource: str, name: str) -> ApiError:
    return ApiError(
        HTTPStatus.NOT_FOUND,
        "NotFound",
        f"{_qualified(resource, group)} {quoted(name)} not found",
        {"name": name, "group": group, "kind": resource},
    )


def no_such_resource() -> ApiError:
    """The group and version exist, the resource in them does not."""
    return ApiError(
        HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource", {}
    )


def already_exists(group: str, resource: str, name: str) -> ApiError:
    return ApiError(
        HTTPStatus.CONFLICT,
        "AlreadyExists",
        f"{_qualified(resource, group)} {quoted(name)} already exists",
        {"name": name, "group": group, "kind": resource},
    )


def conflict(group: str, resource: str, name: str, why: str) -> ApiError:
    return ApiError(
        HTTPStatus.CONFLICT,
        "Conflict",
        f"Operation cannot be fulfilled on {_qualified(resource, group)} {quoted(name)}: {why}",
        {"name": name, "group": group, "kind": resource},
    )


OBJECT_MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def apply_conflict(message: str, causes: list[dict[str, Any]]) -> ApiError:
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, {"causes": causes})


def forbidden(group: str, resource: str, name: str, why: str) -> ApiError:
    subject = f" {quoted(name)}" if name else ""
    return ApiError(
        HTTPStatus.FORBIDDEN,
        "Forbidden",
        f"{_qualified(resource, group)}{subject} is forbidden: {why}",
        {"name": name, "group": group, "kind": resource},
    )


def bad_request(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> ApiError:
    """Validation failed: 422 with one cause a field; repeated messages are named once, as Go does."""
    messages = list(dict.fromkeys(map(str, errors)))
    summary = messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid",
        f"{_qualified(kind, group)} {quoted(name)} is invalid: {summary}",
        {"name": name, "group": group, "kind": kind, "causes": [error.as_cause() for error in errors]},
    )


def unprocessable_patch(message: str) -> ApiError:
    """A JSON patch that cannot be applied, a failed `test` included."""
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid",
        "the server rejected our request due to an error in our request",
        {"causes": [{"message": message}]},
    )


def expired(message: str) -> ApiError:
    return ApiError(HTTPStatus.GONE, "Expired", message)


def method_not_allowed() -> ApiError:
    return ApiError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        {},
    )


def not_acceptable(supported: Sequence[str]) -> ApiError:
    return ApiError(
        HTTPStatus.NOT_ACCEPTABLE,
        "NotAcceptable",
        f"only the following media types are accepted: {', '.join(supported)}",
    )


def unsupported_media_type(supported: Sequence[str]) -> ApiError:
    return ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {', '.join(supported)}",
    )


def too_large_resource_version(wanted: int, current: int) -> ApiError:
    return ApiError(
        HTTPStatus.GATEWAY_TIMEOUT,
        "Timeout",
        f"Timeout: Too large resource version: {wanted}, current: {current}",
        {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
    )


def internal(message: str) -> ApiError:
    return ApiError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "InternalError",
        f"Internal error occurred: {message}",
        {"causes": [{"message": message}]},
    )
