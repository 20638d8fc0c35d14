"""Twilio's error bodies: `{code, message, more_info, status}`, or as RFC 9457 has it."""

from enum import StrEnum

from aiohttp import web

from controller.sandbox.fakes.wire import json_response

_MORE_INFO = "https://www.twilio.com/docs/errors/"
_BY_STATUS = {
    400: (20001, "Bad request"),
    401: (20003, "Authenticate"),
    403: (20003, "Permission Denied"),
    429: (20429, "Too Many Requests"),
    503: (20503, "Service unavailable"),
}


class ErrorShape(StrEnum):
    """How an API writes its errors: the older ones and the newer ones differ."""

    CLASSIC = "classic"
    PROBLEM = "problem"


class TwilioError(Exception):
    """A request Twilio refuses."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self, shape: ErrorShape) -> web.Response:
        if shape is ErrorShape.CLASSIC:
            told = {"message": self.message, "more_info": f"{_MORE_INFO}{self.code}"}
        else:
            told = {"type": f"{_MORE_INFO}{self.code}", "title": self.message}
        return json_response({"code": self.code, "status": self.status, **told}, self.status)


def not_found(path: str) -> TwilioError:
    return TwilioError(404, 20404, f"The requested resource {path} was not found")


def unauthenticated() -> TwilioError:
    return TwilioError(401, 20003, "Authenticate")


def refused(code: int, message: str) -> TwilioError:
    return TwilioError(400, code, message)


def by_status(status: int, path: str) -> TwilioError:
    """The error Twilio gives with a status when nothing more is known."""
    if status == 404:  # noqa: PLR2004
        return not_found(path)
    default = (20500, "An internal server error has occurred") if status >= 500 else (20001, "Bad request")  # noqa: PLR2004
    code, message = _BY_STATUS.get(status, default)
    return TwilioError(status, code, message)
