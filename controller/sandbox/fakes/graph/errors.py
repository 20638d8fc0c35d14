"""Graph's error bodies: `{"error": {message, type, code, error_subcode?, ..., fbtrace_id}}`."""

import secrets
from http import HTTPStatus

from aiohttp import web

from controller.sandbox.fakes.wire import json_response

_DOCUMENTATION = "https://developers.facebook.com/docs/graph-api"


class GraphRefusalError(Exception):
    """A request that Graph refuses. `title` and `sentence` are what it means for people."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        kind: str = "OAuthException",
        subcode: int | None = None,
        title: str = "",
        sentence: str = "",
        details: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.kind = kind
        self.subcode = subcode
        self.title = title
        self.sentence = sentence
        self.details = details

    def response(self) -> web.Response:
        error: dict[str, object] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.title:
            error |= {
                "is_transient": False,
                "error_user_title": self.title,
                "error_user_msg": self.sentence,
            }
        # Another one with every answer, as with the real ones.
        error["fbtrace_id"] = f"A{secrets.token_urlsafe(16)}"
        return json_response({"error": error}, self.status)


def unknown_object(method: str, id_: str) -> GraphRefusalError:
    """Graph does not tell an object that is not there from one that the token may not see."""
    return GraphRefusalError(
        400,
        100,
        f"Unsupported {method.lower()} request. Object with ID '{id_}' does not exist, cannot be loaded due to"
        " missing permissions, or does not support this operation. Please read the Graph API documentation at"
        f" {_DOCUMENTATION}",
        kind="GraphMethodException",
        subcode=33,
    )


def unknown_path(path: str) -> GraphRefusalError:
    return GraphRefusalError(400, 2500, f"Unknown path components: {path}")


def no_token() -> GraphRefusalError:
    return GraphRefusalError(
        401,
        190,
        "An access token is required to request this resource.",
    )


def unknown_token() -> GraphRefusalError:
    return GraphRefusalError(401, 190, "Invalid OAuth access token - Cannot parse access token")


def expired_token(expired: str, now: str) -> GraphRefusalError:
    return GraphRefusalError(
        401,
        190,
        f"Error validating access token: Session has expired on {expired}. The current time is {now}.",
        subcode=463,
    )


def revoked_token() -> GraphRefusalError:
    return GraphRefusalError(
        401,
        190,
        "Error validating access token: The session has been invalidated because the user changed their"
        " password or Facebook has changed the session for security reasons.",
        subcode=460,
    )


def no_permission(permission: str) -> GraphRefusalError:
    return GraphRefusalError(
        403, 200, f"(#200) You do not have the necessary permission {permission} for this WhatsApp account"
    )


def invalid_parameter(
    title: str = "", sentence: str = "", *, subcode: int | None = None, status: int = 400
) -> GraphRefusalError:
    return GraphRefusalError(
        status, 100, "Invalid parameter", subcode=subcode, title=title, sentence=sentence
    )


def refused_parameter(message: str) -> GraphRefusalError:
    return GraphRefusalError(400, 100, f"(#100) {message}")


def being_deleted() -> GraphRefusalError:
    return invalid_parameter(
        "Message template language is being deleted",
        "New content can't be added while the existing content is being deleted.",
        subcode=2388023,
    )


def language_exists(language: str) -> GraphRefusalError:
    return invalid_parameter(
        "Content in this language already exists",
        f"There is already {language} content for this template. You can create a new template and try again.",
        subcode=2388024,
    )


def missing_component_field(component: str, field: str) -> GraphRefusalError:
    return invalid_parameter(
        'Message template "components" param is missing expected field(s)',
        f"component of type {component} is missing expected field(s) ({field})",
        subcode=2388043,
    )


def template_not_found(name: str) -> GraphRefusalError:
    return invalid_parameter(
        "Message Template Not Found",
        f"The message template {name} was not found.",
        subcode=2593002,
        status=404,
    )


def not_sent(status: int, code: int, message: str, details: str) -> GraphRefusalError:
    """A message that WhatsApp does not take."""
    return GraphRefusalError(status, code, f"(#{code}) {message}", details=details)


def by_status(status: int) -> GraphRefusalError:
    """The error Graph gives with a status when nothing more is known."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return unknown_token()
        case HTTPStatus.FORBIDDEN:
            return no_permission("whatsapp_business_management")
        case HTTPStatus.TOO_MANY_REQUESTS:
            return GraphRefusalError(
                status, 80007, "(#80007) There have been too many calls to this WhatsApp Business account."
            )
        case HTTPStatus.NOT_FOUND:
            return GraphRefusalError(status, 803, "(#803) Some of the aliases you requested do not exist")
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return GraphRefusalError(
                status, 2, "Service temporarily unavailable", title="Try again", sentence="Try again later."
            )
    return GraphRefusalError(status, 100, "Invalid parameter")
