"""How much one account or server is asked: requests a second, requests at once, and none while it fails."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from anyio import CapacityLimiter, WouldBlock

from controller.api.conditions import Reason
from controller.providers.circuit import Admission, CircuitBreaker, CircuitPolicy
from controller.providers.clock import Clock
from controller.providers.errors import Retryable


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be asked of one account or server by all replicas together.

    `burst` is how many requests may go at once after a quiet time; None: one second's worth.
    """

    requests_per_second: float
    concurrent: int
    burst: int | None = None
    circuit: CircuitPolicy = field(default_factory=CircuitPolicy)


class TokenBucket:
    """Requests a second. A caller takes a token in its turn and is told how long to wait for it."""

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._clock = clock
        self._rate, self._burst = rate, burst
        self._tokens = burst
        self._filled_at = clock.monotonic()

    def resize(self, rate: float, burst: float) -> None:
        self._fill()
        self._rate, self._burst = rate, burst
        self._tokens = min(self._tokens, burst)

    def take(self) -> float:
        """Take one token, also one that is still to come; seconds until it is there."""
        self._fill()
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def give_back(self) -> None:
        """The request was not sent."""
        self._tokens = min(self._burst, self._tokens + 1)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now


class Slot:
    """Leave to send one request. Say how it went; a slot left without a word (cancelled) teaches nothing."""

    def __init__(self, circuit: CircuitBreaker, admission: Admission) -> None:
        self._circuit = circuit
        self._admission = admission
        self._settled = False

    def succeeded(self) -> None:
        """The other side is well: it answered, also when it refused the request."""
        self._settled = True
        self._circuit.succeeded(self._admission)

    def failed(self, after: float | None = None) -> None:
        """The other side fails as a whole. `after`: the pause in seconds that it asked for."""
        self._settled = True
        self._circuit.failed(self._admission, after)

    def close(self) -> None:
        if not self._settled:
            self._circuit.abandoned(self._admission)


class Limiter:
    """The limits of one account or server; every request to it passes `slot`.

    `name` is what messages call it, `unavailable` the reason that they carry.
    """

    def __init__(self, name: str, limits: Limits, *, unavailable: Reason, clock: Clock | None = None) -> None:
        self.name = name
        self._limits = limits
        self._unavailable = unavailable
        self._clock = clock or Clock()
        self._share = 1.0
        self._concurrency = CapacityLimiter(limits.concurrent)
        self._bucket = TokenBucket(limits.requests_per_second, self._full_burst, self._clock)
        self._circuit = CircuitBreaker(limits.circuit, self._clock)

    @property
    def _full_burst(self) -> float:
        burst = self._limits.burst
        return max(1.0, self._limits.requests_per_second if burst is None else burst)

    @property
    def share(self) -> float:
        """Part of the budget that this replica has, above 0 and at most 1. At least one request at once
        remains.
        """
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"A share of a budget is above 0 and at most 1, not {share}.")
        self._share = share
        self._concurrency.total_tokens = max(1, int(self._limits.concurrent * share))
        self._bucket.resize(self._limits.requests_per_second * share, max(1.0, self._full_burst * share))

    @property
    def paused_for(self) -> float:
        """Seconds for which nothing is sent, because the other side fails or asked for it; else 0."""
        return self._circuit.remaining

    @property
    def in_flight(self) -> int:
        return self._concurrency.borrowed_tokens

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[Slot]:
        """Wait for the turn to send one request.

        Raises `Retryable` at once, and sends nothing, while the circuit is open.
        """
        self._refuse_while_paused()
        turn = object()
        try:
            self._concurrency.acquire_on_behalf_of_nowait(turn)
        except WouldBlock:
            await self._concurrency.acquire_on_behalf_of(turn)
        try:
            self._refuse_while_paused()
            await self._wait_for_token()
            # It may have begun to fail while we waited.
            admission = self._circuit.admit()
            if admission is None:
                self._bucket.give_back()
                raise self._paused()
            slot = Slot(self._circuit, admission)
            try:
                yield slot
            finally:
                slot.close()
        finally:
            self._concurrency.release_on_behalf_of(turn)

    async def _wait_for_token(self) -> None:
        wait = self._bucket.take()
        if not wait:
            return
        try:
            await self._clock.sleep(wait)
        except BaseException:
            self._bucket.give_back()
            raise

    def _refuse_while_paused(self) -> None:
        if self._circuit.remaining > 0:
            raise self._paused()

    def _paused(self) -> Retryable:
        return Retryable(
            f"{self.name} failed repeatedly or asked for a pause; it is asked again by itself.",
            reason=self._unavailable,
            after=self._circuit.remaining,
        )
