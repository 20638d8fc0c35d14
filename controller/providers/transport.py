"""One way out: HTTP with time limits, the account's limits, and every failure as one of our errors.

Nothing is ever repeated here, whatever the method: who repeats a purchase buys twice. Nothing is logged:
bodies, headers and queries hold keys and customers' numbers.
"""

import asyncio
import ssl
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache
from http import HTTPMethod
from typing import Final

import aiohttp
import certifi
import orjson
from aiohttp.connector import Connection
from yarl import URL

from controller.api.conditions import Reason
from controller.loop_turns import alone_in_this_turn
from controller.providers.clock import Clock
from controller.providers.errors import OutsideError, Retryable, Terminal
from controller.providers.limits import Limiter
from controller.providers.permit import require_permit

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 30.0
"""Twilio itself gives up after about 26 s (measured by others): waiting longer than that leaves fewer doubts.
"""
_KEEP_ALIVE: Final = 4.0
"""Seconds an idle connection is kept: less than the 5 s of Node.js, so that none is used as it is being
closed.
"""
_LONG_ANSWER: Final = 65_536
"""Bytes. A list of this size takes some milliseconds to read, one of 500 instances forty."""
_WITHOUT_EFFECT: Final = frozenset({HTTPMethod.GET, HTTPMethod.HEAD, HTTPMethod.OPTIONS})


class Result(StrEnum):
    """How a request ended, for metrics."""

    OK = "2xx"
    REDIRECTED = "3xx"
    REFUSED = "4xx"
    FAILED = "5xx"
    NO_CONNECTION = "no-connection"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    CANCELLED = "cancelled"

    @classmethod
    def of(cls, status: int) -> "Result":
        return {2: cls.OK, 3: cls.REDIRECTED, 4: cls.REFUSED}.get(status // 100, cls.FAILED)


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """One request that was sent, for metrics. `operation` is a template (`POST /instance/create`): no names,
    no ids.
    """

    system: str
    operation: str
    result: Result
    seconds: float


_USER_AGENT: Final = f"business-tenant-operator ({uuid.uuid4().hex[:8]})"
"""Whoever keeps the other side's logs can tell the operator's processes apart, and learns nothing else of them."""

Observer = Callable[[RequestOutcome], None]


def unobserved(_outcome: RequestOutcome) -> None:
    """Discard the outcome: the observer of those who keep no metrics."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read to its end."""

    status: int
    content: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    @property
    def retry_after(self) -> float | None:
        """Seconds that `Retry-After` asks for; None when it does not, or cannot be read."""
        asked = self.headers.get("retry-after", "")
        if asked.isascii() and asked.isdigit():
            return float(asked)
        try:
            # Both by the other side's clock: ours may differ.
            until, now = parsedate_to_datetime(asked), parsedate_to_datetime(self.headers.get("date", ""))
            return max(0.0, (until - now).total_seconds())
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error. `unwell`: the whole account or server fails, not just this request."""

    error: OutsideError
    unwell: bool = False


Judge = Callable[[Answer], Refusal | None]
"""Says whether an answer is an error; the one place that knows a system's error bodies."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `operation` names it in metrics and messages; not both of `form` and `json_body`."""

    method: str
    url: str
    operation: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json_body: object = field(default=None, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    read_timeout: float | None = None
    """Seconds to wait for the answer; None: the transport's own."""


@lru_cache(maxsize=1)
def trusted_authorities() -> ssl.SSLContext:
    """Public ones, and the machine's or SSL_CERT_FILE's for private gateways. Loaded once, which takes 0.2 s."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


class _PermittedRequest(aiohttp.ClientRequest):
    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        # To connect may take seconds, or the process was stopped meanwhile: whose work this is may have changed.
        require_permit()
        return await super().send(conn)


class Transport:
    """The way to one account or server: its connections, its limits, its metrics."""

    def __init__(
        self,
        *,
        system: str,
        limiter: Limiter,
        unavailable: Reason,
        observer: Observer = unobserved,
        read_timeout: float = READ_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        """`system` is the metrics' label; `unavailable` the reason of errors that pass by themselves."""
        self._system = system
        self._limiter = limiter
        self._unavailable = unavailable
        self._observer = observer
        self._read_timeout = read_timeout
        self._clock = clock or Clock()
        self._http: aiohttp.ClientSession | None = None

    async def send(self, call: Call, judge: Judge) -> Answer:
        """Send once, and return the answer that `judge` finds no error in.

        Raises what `judge` says; `Retryable` when there is no answer, with `outcome_unknown` when the request
        may have been carried out; `Terminal` when the URL cannot be used at all; `NotPermittedError` when the work it
        is for is no longer this process's.
        """
        async with self._limiter.slot() as slot:
            started = self._clock.monotonic()
            result = Result.CANCELLED
            try:
                answer = await self._exchange(call)
                result = Result.of(answer.status)
            except _NoAnswerError as failure:
                result = failure.result
                slot.failed()
                raise self._no_answer(call, failure) from failure.__cause__
            finally:
                seconds = self._clock.monotonic() - started
                self._observer(RequestOutcome(self._system, call.operation, result, seconds))
            refusal = judge(answer)
            if refusal is None or not refusal.unwell:
                slot.succeeded()
            else:
                slot.failed(answer.retry_after)
        if refusal is not None:
            raise refusal.error
        return answer

    async def close(self) -> None:
        """Close connections."""
        if self._http is not None:
            await self._http.close()

    async def _exchange(self, call: Call) -> Answer:
        # After all waiting for turns: whose work this is may have changed meanwhile.
        require_permit()
        wait = self._patience(call)
        body: bytes | Mapping[str, str] | None = call.form
        headers = dict(call.headers)
        if call.auth is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(*call.auth)
        if call.json_body is not None:
            body = orjson.dumps(call.json_body)
            headers.setdefault("Content-Type", "application/json")
        try:
            url = URL(call.url)
            if url.scheme not in ("http", "https") or not url.host:
                raise self._unusable(call)
            # aiohttp limits each read; an answer that trickles in is stopped by the second limit.
            async with (
                asyncio.timeout(CONNECT_TIMEOUT + 2 * wait),
                self._session().request(
                    call.method,
                    url,
                    headers=headers,
                    params=call.params or None,
                    data=body,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT, sock_read=wait),
                ) as response,
            ):
                content = await response.read()
                if len(content) > _LONG_ANSWER:
                    await alone_in_this_turn()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _NoAnswerError(Result.NO_CONNECTION, sent=False) from error
        except TimeoutError as error:
            raise _NoAnswerError(Result.TIMEOUT, sent=True) from error
        except ValueError as error:
            raise self._unusable(call) from error
        except RuntimeError as error:
            # Closed under us, because spec or credentials changed: the next pass has a new one.
            raise _NoAnswerError(Result.NO_CONNECTION, sent=False) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _NoAnswerError(Result.DISCONNECTED, sent=True) from error
        return Answer(response.status, content, response.headers)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            # As many connections as the limiter lets through; aiohttp's own limit would be a second queue.
            connector = aiohttp.TCPConnector(
                ssl=trusted_authorities(), limit=0, keepalive_timeout=_KEEP_ALIVE
            )
            self._http = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": _USER_AGENT},
                request_class=_PermittedRequest,
            )
            # It would send a GET, PUT or DELETE again when a kept connection turns out to be closed.
            self._http._retry_connection = False  # noqa: SLF001 - no public way
        return self._http

    def _patience(self, call: Call) -> float:
        return self._read_timeout if call.read_timeout is None else call.read_timeout

    def _no_answer(self, call: Call, failure: "_NoAnswerError") -> Retryable:
        what = {
            Result.NO_CONNECTION: "cannot be reached",
            Result.TIMEOUT: f"did not answer within {self._patience(call):g} s",
        }.get(failure.result, "closed the connection without an answer")
        return Retryable(
            f"{self._limiter.name} {what} ({call.operation}).",
            reason=self._unavailable,
            outcome_unknown=failure.sent and has_effect(call.method),
        )

    def _unusable(self, call: Call) -> Terminal:
        return Terminal(
            f"{self._limiter.name} cannot be asked ({call.operation}): its URL or its key cannot be sent over"
            " HTTP. Correct the URL in the spec or the value in the Secret.",
            reason=Reason.REFUSED,
        )


class _NoAnswerError(Exception):
    """No answer came; `sent` says whether the request may have arrived."""

    def __init__(self, result: Result, *, sent: bool) -> None:
        super().__init__(result)
        self.result = result
        self.sent = sent


def has_effect(method: str) -> bool:
    """Whether a request of this method may change something, so that its unknown outcome matters."""
    return method.upper() not in _WITHOUT_EFFECT
