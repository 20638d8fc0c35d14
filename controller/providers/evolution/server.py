"""One Evolution server as something to ask: a request goes out, a judged answer comes back."""

from collections.abc import Callable, Sequence
from http import HTTPMethod
from typing import TypeVar
from urllib.parse import quote, urlsplit

from controller.api.conditions import Reason
from controller.providers.clock import Clock
from controller.providers.errors import Retryable
from controller.providers.evolution.errors import Asked, judge_answer
from controller.providers.limits import Limiter
from controller.providers.transport import (
    READ_TIMEOUT,
    Answer,
    Call,
    Observer,
    Refusal,
    Transport,
    unobserved,
)

_Read = TypeVar("_Read")


class Server:
    """`name` is how messages call it."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        limiter: Limiter,
        observer: Observer = unobserved,
        read_timeout: float = READ_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        self._base = base_url.rstrip("/")
        # Without user and password, which a URL may hold.
        self.name = f"Evolution server {urlsplit(self._base).netloc.rpartition('@')[2]}"
        self._api_key = api_key
        self._transport = Transport(
            system="evolution",
            limiter=limiter,
            unavailable=Reason.SERVER_UNAVAILABLE,
            observer=observer,
            read_timeout=read_timeout,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"<{self.name}>"

    async def ask(
        self,
        method: HTTPMethod,
        path: str,
        *,
        name: str = "",
        id_: str = "",
        query: dict[str, str] | None = None,
        body: object = None,
        with_key: bool = True,
        login: tuple[str, str] | None = None,
        read_timeout: float | None = None,
        secrets: Sequence[str] = (),
        disconnected: Reason = Reason.SERVER_UNAVAILABLE,
    ) -> Answer:
        """One request. `path` is a template, and so what metrics and messages call it."""
        asked = Asked(
            server=self.name,
            method=method,
            operation=f"{method} {path}",
            secrets=[self._api_key, *secrets],
            disconnected=disconnected,
        )

        def judge(answer: Answer) -> Refusal | None:
            return judge_answer(answer, asked)

        filled = path.replace("{id}", quote(id_, safe="")).replace("{name}", quote(name, safe=""))
        call = Call(
            method=method,
            url=self._base + filled,
            operation=asked.operation,
            headers={"apikey": self._api_key} if with_key else {},
            params=query or {},
            json_body=body,
            auth=login,
            read_timeout=read_timeout,
        )
        return await self._transport.send(call, judge)

    def understand(self, answer: Answer, read: Callable[[bytes], _Read]) -> _Read:
        """Read the answer whole; half an understood list is no list."""
        try:
            return read(answer.content)
        except ValueError as error:
            # The error shows pieces of the answer, tokens among them: it must not be chained.
            kind = type(error).__name__
        raise Retryable(
            f"{self.name} gave an answer that cannot be understood ({kind}).",
            reason=Reason.SERVER_UNAVAILABLE,
        )

    async def close(self) -> None:
        """Close connections."""
        await self._transport.close()
