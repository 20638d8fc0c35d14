"""Refusals: the `metav1.Status` bodies of kube-apiserver, as exceptions that end a request."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from .field_errors import FieldError


class ApiError(Exception):
    """A refusal with the HTTP status and the `metav1.Status` body that a client sees."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
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
        if self.details is not None:
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
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource", {})


def already_exists(group: str, resource: str, name: str, *, is_terminating: bool = False) -> ApiError:
    going = "object is being deleted: " if is_terminating else ""
    return ApiError(
        HTTPStatus.CONFLICT,
        "AlreadyExists",
        f"{going}{_qualified(resource, group)} {quoted(name)} already exists",
        {"name": name, "group": group, "kind": resource},
    )


def conflict(group: str, resource: str, name: str, why: str) -> ApiError:
    return ApiError(
        HTTPStatus.CONFLICT,
        "Conflict",
        f"Operation cannot be fulfilled on {_qualified(resource, group)} {quoted(name)}: {why}",
        {"name": name, "group": group, "kind": resource},
    )


_QUOTED_BODY: Final = 1024
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


def namespace_terminating(group: str, resource: str, name: str, namespace: str) -> ApiError:
    """New content for a namespace that is going."""
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    refusal = forbidden(group, resource, name, why)
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    refusal.details = {**(refusal.details or {}), "causes": [cause]}
    return refusal


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


def unprocessable_patch() -> ApiError:
    """A JSON patch that cannot be applied, a failed `test` included: the real server does not say why either."""
    message = "the server rejected our request due to an error in our request"
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, {})


def unrecognized(kind: str, why: str, body: bytes) -> ApiError:
    """A body that is not an object of any kind; the text quotes it as the real server does."""
    start = body[:_QUOTED_BODY]
    quote = start.decode(errors="replace") if start.startswith(b"{") else start.hex()
    more = " ..." if len(body) > _QUOTED_BODY else ""
    shown = f"{quote}{more}" if body else "<empty>"
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({shown})")


def verb_not_supported(group: str, resource: str, verb: str) -> ApiError:
    return ApiError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        f"{verb} is not supported on resources of kind {quoted(_qualified(resource, group))}",
        {"group": group, "kind": resource},
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


def wrong_form(group: str, kind: str, *, is_custom: bool, is_list: bool) -> ApiError:
    """Metadata of one object was asked for where the answer is a list, or the other way round."""
    if is_list:
        form, problem = "PartialObjectMetadata", "is a list"
        go_type = (
            "unstructured.UnstructuredList"
            if is_custom
            else f"{group.partition('.')[0] or 'core'}.{kind}List"
        )
    else:
        form, problem = "PartialObjectMetadataList", "is not a list"
        go_type = "unstructured.Unstructured" if is_custom else f"{group.partition('.')[0] or 'core'}.{kind}"
    return ApiError(
        HTTPStatus.NOT_ACCEPTABLE,
        "NotAcceptable",
        f"you requested {form}, but the requested object {problem} (*{go_type})",
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
