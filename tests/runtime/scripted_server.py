"""An API server that says what a test tells it to: for answers that a healthy one does not give."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

import orjson
from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class ScriptedServer:
    """Gives its answers in turn, the last one for ever; remembers requests and how many ran at once."""

    def __init__(self, *answers: Handler) -> None:
        self.answers = list(answers)
        self.requests: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []
        self.most_at_once = 0
        self._at_once = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._handle), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.requests.append(request)
            self.bodies.append(await request.read())
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            return await answer(request)
        finally:
            self._at_once -= 1


def says(body: Any, status: int = 200, **headers: str) -> Handler:
    """A JSON answer; `_` in header names stands for `-`."""

    async def answer(_: web.BaseRequest) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(
            body=orjson.dumps(body), status=status, headers=named, content_type="application/json"
        )

    return answer


def refuses(code: int, reason: str, message: str = "no", **details: Any) -> Handler:
    """A `Status` as the API server answers with."""
    return says(status_object(code, reason, message, **details), status=code)


def status_object(code: int, reason: str, message: str = "no", **details: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }


def streams(*chunks: bytes, hang: bool = False, cut: bool = False) -> Handler:
    """A watch that sends chunks as they are; then it ends, hangs, or the connection breaks."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(0.01)
        if hang:
            await asyncio.Event().wait()
        if cut:
            assert request.transport is not None
            request.transport.abort()
        return response

    return answer


def breaks() -> Handler:
    """The connection breaks instead of an answer."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return answer


def listing(version: str, *items: dict[str, Any], continuation: str = "") -> dict[str, Any]:
    return {
        "kind": "List",
        "metadata": {"resourceVersion": version, "continue": continuation},
        "items": [*items],
    }


def event(event_type: str, name: str, version: str, *, namespace: str = "acme") -> bytes:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": version}
    return orjson.dumps({"type": event_type, "object": {"metadata": metadata}}) + b"\n"
