"""A logged-in HTTP connection to a Kubernetes API server: who we are, how much at once, how long to wait."""

import asyncio
import os
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
import orjson
import structlog
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config.incluster_config import (
    SERVICE_HOST_ENV_NAME,
    load_incluster_config,
)
from kubernetes.aio.config.kube_config import load_kube_config

from controller.clock import Clock, SystemClock
from controller.providers.permit import require_permit
from controller.runtime.kube_errors import ApiUnavailable, is_retryable

log = structlog.get_logger(__name__)

USER_AGENT: Final = "tenant-operator"
_READ_BUFFER: Final = 2**21
_CREDENTIALS_REFRESH: Final = 60.0
_READ_ATTEMPTS: Final = 3
_RETRY_BASE: Final = 0.2
_LONGEST_RETRY_WAIT: Final = 10.0
_CONNECT_TIMEOUT: Final = 10.0


async def login(
    *, kubeconfig: str | None = None, context: str | None = None, clock: Clock | None = None
) -> Configuration:
    """Credentials for a cluster, kept fresh for as long as they are used.

    With `kubeconfig` (a path) or `context`, from that; otherwise those of the pod's service account when
    run in one, otherwise the default kubeconfig (`$KUBECONFIG`, `~/.kube/config`). Exec plugins, OIDC and
    token files are supported as the official client supports them. Raises kubernetes' ConfigException.
    """
    configuration = Configuration()
    if SERVICE_HOST_ENV_NAME in os.environ and kubeconfig is None and context is None:
        # The library re-reads the service account's token file every minute.
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        return configuration
    loader = await load_kube_config(  # type: ignore[no-untyped-call]
        config_file=kubeconfig or os.environ.get("KUBECONFIG"),
        context=context,
        client_configuration=configuration,
        persist_config=False,
    )
    # The attribute's type is inferred from its default, None.
    refresh: Any = _refresher(loader.load_and_set, clock or SystemClock())
    configuration.refresh_api_key_hook = refresh
    return configuration


def anonymous(base_url: str) -> Configuration:
    """Connect without credentials, as to the sandbox's API server."""
    return Configuration(host=base_url.rstrip("/"))


def _refresher(
    load_and_set: Callable[[Configuration], Awaitable[None]], clock: Clock
) -> Callable[[Configuration], Awaitable[None]]:
    """Ask for credentials anew at most once a minute; what has not expired, the library does not renew.

    The library's own `refresh_token` loop knows only plugins that give tokens, not those that give
    certificates.
    """
    refreshed_at = clock.monotonic()

    async def refresh(configuration: Configuration) -> None:
        nonlocal refreshed_at
        if clock.monotonic() - refreshed_at < _CREDENTIALS_REFRESH:
            return
        refreshed_at = clock.monotonic()  # before the await: requests meanwhile go on with what there is
        try:
            await load_and_set(configuration)
        except Exception:
            # Plugins fail in their own ways. The credentials at hand may still be good; if not, the
            # API server says so.
            log.exception("The cluster's credentials could not be renewed; the old ones are used.")

    return refresh


class ApiCallObserver(Protocol):
    """Told about every request to the API server."""

    def __call__(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """`code` is the HTTP status, or `unreachable`; `seconds` until the answer was read."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `verb` and `resource` are Kubernetes' words for it, `subject` what it is about."""

    verb: str
    resource: str
    subject: str
    method: str
    path: str
    query: Mapping[str, str]
    body: object | None = None
    content_type: str = "application/json"
    accept: str = "application/json"

    def __str__(self) -> str:
        return f"Could not {self.verb} {self.resource} {self.subject}".rstrip()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `retry_after` in seconds."""

    status: int
    body: bytes
    retry_after: float | None


class KubeConnection:
    """Sends requests, at most `concurrency` at a time (watches do not count: they wait, they do not load).

    Reads are tried up to three times on 429, 5xx and broken connections; writes never, because only the
    caller knows whether a repeat is harmless. (aiohttp repeats a PUT or DELETE once when the connection breaks:
    with a resourceVersion or uid in it, the second finds nothing left to do.)
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        concurrency: int = 16,
        timeout: float = 30.0,
        clock: Clock | None = None,
        random_unit: Callable[[], float] = random.random,
        observer: ApiCallObserver | None = None,
    ) -> None:
        self._configuration = configuration
        look_for_proxy_once(configuration)
        self._tls = tls_of(configuration)
        self._http: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(concurrency)
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=_CONNECT_TIMEOUT)
        self._clock = clock or SystemClock()
        self._random_unit = random_unit
        self._observer = observer

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def send(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises ApiUnavailable when there is none."""
        attempts = _READ_ATTEMPTS if request.method == "GET" else 1
        for attempt in range(1, attempts + 1):
            unreachable: ApiUnavailable | None = None
            try:
                async with self._slots:
                    if request.method != "GET":
                        require_permit()
                    answer = await self._send_once(request)
                if not is_retryable(answer.status) or attempt == attempts:
                    return answer
                wait = answer.retry_after
            except ApiUnavailable as error:
                if attempt == attempts:
                    raise
                unreachable, wait = error, None
            if wait is None:
                wait = _RETRY_BASE * 2.0**attempt * (0.5 + self._random_unit() / 2.0)
            if unreachable is None and wait > _LONGEST_RETRY_WAIT:
                return answer  # the caller's queue waits that long without keeping a worker busy
            await self._clock.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def stream(self, request: Request, *, seconds: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is read as it comes, for at most `seconds`. Raises ApiUnavailable."""
        started = self._clock.monotonic()
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_TIMEOUT)
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._open(request, timeout)
            self._observe(request, str(response.status), started)
            yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if response is None:
                self._observe(request, "unreachable", started)
            raise _unreachable(request, error) from error
        finally:
            if response is not None:
                response.close()

    async def _send_once(self, request: Request) -> Answer:
        started = self._clock.monotonic()
        try:
            response = await self._open(request, self._timeout)
            async with response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._observe(request, "unreachable", started)
            raise _unreachable(request, error) from error
        self._observe(request, str(response.status), started)
        return Answer(response.status, body, _retry_after(response.headers.get("Retry-After")))

    async def _open(self, request: Request, limits: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        headers = {"Accept": request.accept, "Content-Type": request.content_type}
        token = (await self._configuration.auth_settings()).get("BearerToken")
        if token is not None and token["value"]:
            headers[token["key"]] = token["value"]
        url = f"{self._configuration.host}{request.path}"
        if request.query:
            url = f"{url}?{urlencode(request.query)}"
        return await self._session().request(
            request.method,
            url,
            headers=headers,
            data=None if request.body is None else orjson.dumps(request.body),
            timeout=limits,
            proxy=self._configuration.proxy,
            proxy_headers=self._configuration.proxy_headers,
            server_hostname=self._configuration.tls_server_name,
        )

    def _session(self) -> aiohttp.ClientSession:
        """Requests of our own over the official client's credentials: its own layer copies every body and answer."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
                read_bufsize=_READ_BUFFER,
            )
        return self._http

    def _observe(self, request: Request, code: str, started: float) -> None:
        if self._observer:
            self._observer(request.verb, request.resource, code, self._clock.monotonic() - started)


def tls_of(configuration: Configuration) -> ssl.SSLContext:
    """Certificates and checks as the kubeconfig or the pod's service account wants them."""
    context: ssl.SSLContext = RESTClientObject(configuration).ssl_context
    return context


def look_for_proxy_once(configuration: Configuration) -> None:
    """Left to itself aiohttp looks for a proxy and into netrc before every request, each in another thread."""
    server = urlsplit(configuration.host)
    if configuration.proxy is None and server.hostname and not proxy_bypass(server.hostname):
        configuration.proxy = getproxies_environment().get(server.scheme)


def _unreachable(request: Request, error: Exception) -> ApiUnavailable:
    never_sent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return ApiUnavailable(
        f"{request}: the API server did not answer ({type(error).__name__}).", outcome_unknown=not never_sent
    )


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait; the API server never sends the header's date form."""
    return float(header) if header is not None and header.isdecimal() else None
