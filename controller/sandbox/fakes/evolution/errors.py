"""The error bodies Evolution 2.3.7 sends (measured): their shape differs by place."""

from http import HTTPStatus

from aiohttp import web

from controller.sandbox.fakes.wire import json_response


class RefusalError(Exception):
    """A request the server refuses. `message` is a text, a list of texts or a nested list, by the place."""

    def __init__(self, status: int, message: object, *, error: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.error = error

    def response(self) -> web.Response:
        return error_response(self.status, self.message, error=self.error)


def error_response(status: int, message: object, *, error: str | None = None) -> web.Response:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    return json_response(
        {"status": status, "error": error or phrase, "response": {"message": message}},
        status,
    )


def bad_request(*texts: object) -> RefusalError:
    return RefusalError(400, list(texts))


def invalid_body(texts: list[str]) -> RefusalError:
    """Texts of a JSON-schema check: a list in a list."""
    return RefusalError(400, [texts])


def malformed_json(raw: str) -> RefusalError:
    return RefusalError(400, raw, error="Internal Server Error")


def unauthorized() -> RefusalError:
    return RefusalError(401, "Unauthorized")


def name_taken(name: str) -> RefusalError:
    return RefusalError(403, [f'This name "{name}" is already in use.'])


def unknown_instance(name: str) -> RefusalError:
    return RefusalError(404, [f'The "{name}" instance does not exist'])


def not_loaded(names: str, *, plural: bool = False) -> RefusalError:
    return RefusalError(404, [f'Instance{"s" if plural else ""} "{names}" not found'])


def unknown_route(method: str, path: str) -> RefusalError:
    return RefusalError(404, [f"Cannot {method} {path}"])


def thrown(message: object) -> RefusalError:
    """An error the server did not foresee: status 500, the message a bare text or a list."""
    return RefusalError(500, message)


def database_text(call: str, last_line: str) -> str:
    """A text of the server's database layer: it names a call, not always the right one, and shows its source."""
    frame = "      at Proxy.<anonymous> (/evolution/dist/main.js:1:1)\n" * 8
    return f"\nInvalid `{call}` invocation in\n{frame}\n{last_line}"


def database_error(last_line: str, status: int) -> RefusalError:
    text = database_text("a.integrationSession.update()", last_line)
    return RefusalError(status, [text] if status == 400 else text)  # noqa: PLR2004
