"""What every fake is: one listening HTTP server with faults, a request log, latency and control routes.

Control routes live under `/_sandbox/` and are never subject to faults, latency, authentication or the log:

- `GET|POST|DELETE /_sandbox/faults`: see `faults.parse_fault`;
- `GET|DELETE /_sandbox/requests` (`?detail=1` for the list): see `request_log`;
- `POST /_sandbox/latency {"seconds": 0.02}`: every provider request waits this long first;
- `GET /_sandbox/state`: everything the fake holds; `POST /_sandbox/reset`: forget it all.
"""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from controller.sandbox.fakes.faults import FaultKind, FaultRule, Faults, InvalidFaultError, parse_fault
from controller.sandbox.fakes.request_log import DROPPED, LoggedRequest, RequestLog
from controller.sandbox.fakes.wire import MalformedBodyError, json_response, read_json, read_object

CONTROL_PREFIX = "/_sandbox/"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeServer(ABC):
    """One listening fake. Subclasses give routes, error shapes and state."""

    logged_fields: frozenset[str] = frozenset()
    """Names of query, form and JSON fields that are safe to keep in the request log: never a secret."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.requests = RequestLog()
        self.latency = 0.0
        self.base_url = ""
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def configure(self, app: web.Application) -> None:
        """Add the provider's routes and the fake's own control routes, and anything these need."""

    @abstractmethod
    async def dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Guard and handle one provider request; expected refusals come back as responses."""

    @abstractmethod
    def error_response(self, request: web.Request, status: int) -> web.Response:
        """Answer `status` in the shape this provider gives to such an error (404: an unknown route)."""

    @abstractmethod
    def snapshot(self) -> Mapping[str, object]:
        """Everything the fake holds, ready for JSON."""

    @abstractmethod
    def clear(self) -> None:
        """Forget everything the fake holds."""

    @abstractmethod
    async def open(self) -> None:
        """Start what runs in the background. Called once the address is known."""

    @abstractmethod
    async def close(self) -> None:
        """Stop what runs in the background."""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the base URL. Port 0 takes a free port."""
        app = web.Application(middlewares=[self._around_every_request], client_max_size=16 * 2**20)
        app.add_routes(self._control_routes())
        self.configure(app)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, host, port, backlog=1024)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        listening_port = runner.addresses[0][1]
        self.base_url = f"http://{host}:{listening_port}"
        await self.open()
        return self.base_url

    async def stop(self) -> None:
        """Stop listening. A fake that never started, or has stopped already, is left alone."""
        if self._runner is None:
            return
        await self.close()
        await self._runner.cleanup()
        self._runner = None

    # ---- every request ------------------------------------------------------------------------------------

    @web.middleware
    async def _around_every_request(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await _control(request, handler)
        started = time.monotonic()
        status = DROPPED
        try:
            response = await self._answer(request, handler)
            if response is None:
                return _hang_up(request)
            status = response.status
            return response
        finally:
            self.requests.add(
                LoggedRequest(
                    method=request.method,
                    path=request.rel_url.raw_path,
                    template=_template(request),
                    status=status,
                    started=started,
                    finished=time.monotonic(),
                    fields=await self._fields_to_log(request),
                    agent=request.headers.get("User-Agent", ""),
                ),
            )

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse | None:
        """Return the response, or None when the connection is to be closed instead."""
        verdict = self.faults.take(request.method, request.rel_url.raw_path)
        if self.latency or verdict.delay:
            await asyncio.sleep(self.latency + verdict.delay)
        rule = verdict.rule
        if rule is None:
            return await self._dispatch(request, handler)
        if rule.kind is FaultKind.DROP_BEFORE:
            return None
        if rule.kind is FaultKind.STATUS:
            return self._ordered_answer(request, rule)
        await self._dispatch(request, handler)
        return self._ordered_answer(request, rule) if rule.kind is FaultKind.STATUS_AFTER else None

    async def _dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return self.error_response(request, 404)
        return await self.dispatch(request, handler)

    def _ordered_answer(self, request: web.Request, rule: FaultRule) -> web.Response:
        if rule.body is None:
            response = self.error_response(request, rule.status)
        elif isinstance(rule.body, str):
            response = web.Response(text=rule.body, status=rule.status)
        else:
            response = json_response(rule.body, rule.status)
        if rule.status == 429:  # noqa: PLR2004
            response.headers["Retry-After"] = "1"
        response.headers.update(rule.headers)
        return response

    async def _fields_to_log(self, request: web.Request) -> dict[str, object]:
        fields: dict[str, object] = dict(request.query)
        if request.can_read_body or request.content_length:
            # A client that hung up in the middle of its body left nothing to log.
            with contextlib.suppress(OSError, web.HTTPException, ValueError):
                fields |= _body_fields(request.content_type, await request.read())
        return {name: value for name, value in fields.items() if name in self.logged_fields}

    # ---- control routes -----------------------------------------------------------------------------------

    def _control_routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get("/_sandbox/faults", self._list_faults),
            web.post("/_sandbox/faults", self._add_faults),
            web.delete("/_sandbox/faults", self._clear_faults),
            web.get("/_sandbox/requests", self._list_requests),
            web.delete("/_sandbox/requests", self._clear_requests),
            web.post("/_sandbox/latency", self._set_latency),
            web.get("/_sandbox/state", self._show_state),
            web.post("/_sandbox/reset", self._reset),
        ]

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return json_response(self.faults.describe())

    async def _add_faults(self, request: web.Request) -> web.Response:
        orders = await read_json(request)
        if not isinstance(orders, list):
            raise MalformedBodyError("The body must be a list of faults.")
        self.faults.add([parse_fault(order) for order in orders])
        return json_response(self.faults.describe(), 201)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _list_requests(self, request: web.Request) -> web.Response:
        detailed = request.query.get("detail") in ("1", "true")
        return json_response(self.requests.details() if detailed else self.requests.counts())

    async def _clear_requests(self, _request: web.Request) -> web.Response:
        self.requests.clear()
        return web.Response(status=204)

    async def _set_latency(self, request: web.Request) -> web.Response:
        seconds = (await read_object(request)).get("seconds")
        if not isinstance(seconds, int | float) or seconds < 0:
            raise MalformedBodyError('The body must be {"seconds": <a number from 0>}.')
        self.latency = float(seconds)
        return json_response({"seconds": self.latency})

    async def _show_state(self, _request: web.Request) -> web.Response:
        return json_response(self.snapshot())

    async def _reset(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        self.requests.clear()
        self.latency = 0.0
        self.clear()
        return web.Response(status=204)


async def _control(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a control request; what it got wrong is told as `{"error": <sentence>}`."""
    try:
        return await handler(request)
    except (MalformedBodyError, InvalidFaultError) as error:
        return json_response({"error": str(error)}, 400)
    except LookupError as error:
        return json_response({"error": str(error.args[0]) if error.args else "Not found."}, 404)


def _hang_up(request: web.Request) -> web.Response:
    # A plain close, as of a crashed backend: the client sees the connection end without an answer.
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else request.rel_url.raw_path


def _body_fields(content_type: str, raw: bytes) -> dict[str, object]:
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw.decode(), keep_blank_values=True))
    decoded = orjson.loads(raw) if raw else None
    return decoded if isinstance(decoded, dict) else {}
