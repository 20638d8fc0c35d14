"""Vonage's two error shapes: `error-code` of the Numbers API, RFC 7807 of the Application API."""

from collections.abc import Sequence

from aiohttp import web

from controller.sandbox.fakes.wire import json_response

_DOCUMENTATION = "https://developer.nexmo.com/api-errors"
_TITLES = {
    400: ("Bad Request", "The request failed due to validation errors"),
    401: ("Invalid credentials supplied", "You did not provide correct credentials."),
    404: ("Not Found", "The resource does not exist, or you do not have access"),
    415: ("Unsupported Content-Type header", "Unsupported Content-Type header provided."),
    429: ("Rate Limited", "You have exceeded your request limit"),
}
_LABELS = {401: "authentication failed", 429: "too many requests"}

NEEDS_DASHBOARD = (
    "Numbers from this country can be requested from the Dashboard (https://dashboard.nexmo.com/buy-numbers) as"
    " they require a valid local address to be provided before being purchased."
)


class VonageError(Exception):
    """A request Vonage refuses."""

    def __init__(self, status: int, text: str = "", invalid: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.invalid = invalid

    def response(self, path: str) -> web.Response:
        if path.startswith("/v2/"):
            return json_response(self._problem(), self.status)
        label = self.text or _LABELS.get(self.status, "method failed")
        return json_response({"error-code": str(self.status), "error-code-label": label}, self.status)

    def _problem(self) -> dict[str, object]:
        title, detail = _TITLES.get(self.status, ("Internal Error", "Something went wrong"))
        problem: dict[str, object] = {
            "type": f"{_DOCUMENTATION}#{title.lower().replace(' ', '-')}",
            "title": title,
            "detail": self.text or detail,
            "instance": "797a8f199c45014ab7b08bfe9cc1c12c",
        }
        if self.invalid:
            problem["invalid_parameters"] = [
                {"name": name, "reason": reason} for name, reason in self.invalid
            ]
        return problem


def method_failed(text: str = "method failed") -> VonageError:
    return VonageError(420, text)
