"""Calls the fake makes itself: to bots, to OpenAI, to the Graph API. Loopback only."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import orjson
from yarl import URL

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_FIRST_FAILING_STATUS = 400


class OutboundError(Exception):
    """A call that failed. `status` is None when no answer came; `body` is the decoded answer otherwise."""

    def __init__(self, status: int | None, body: object = None) -> None:
        super().__init__(f"The call ended with status {status}." if status else "No answer came.")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is the decoded JSON, or None when it was none."""

    status: int
    text: str
    body: object

    @classmethod
    def of(cls, status: int, text: str) -> "Answer":
        return cls(status, text, _decoded(text))

    def field(self, *path: str | int) -> object:
        """Follow names and positions into the body; None where it ends early."""
        found = self.body
        for step in path:
            if isinstance(step, str) and isinstance(found, dict):
                found = found.get(step)
            elif isinstance(step, int) and isinstance(found, list) and step < len(found):
                found = found[step]
            else:
                return None
        return found


class Outbound:
    """One HTTP session for all such calls. A sandbox sends nothing to the outside."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        url: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send JSON and return the answer. Raises OutboundError, also for an address that is not loopback."""
        try:
            target = URL(url)
        except ValueError as error:
            raise OutboundError(None) from error
        if self._session is None or target.host not in LOOPBACK:
            raise OutboundError(None)
        sent = {"User-Agent": "axios/1.13.2", **(headers or {})}
        try:
            async with self._session.request(method, target, json=body, headers=sent) as response:
                text = await response.text()
                status = response.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OutboundError(None) from error
        answer = Answer.of(status, text)
        if status >= _FIRST_FAILING_STATUS:
            raise OutboundError(status, answer.body)
        return answer


def _decoded(text: str) -> object:
    try:
        decoded: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return decoded
