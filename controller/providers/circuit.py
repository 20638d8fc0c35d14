"""A circuit breaker: a failing account or server is asked less, never more.

Closed: everybody may ask. After several failures in a row it opens: nobody may. When the pause is over, one
request probes: its success closes the circuit, its failure opens it again for twice as long.
"""

from dataclasses import dataclass

from controller.providers.clock import Clock


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When to stop asking, and for how many seconds."""

    failures: int = 5
    first_pause: float = 5.0
    longest_pause: float = 300.0
    longest_asked_pause: float = 3600.0
    """A Retry-After beyond this is a mistake of the other side, or a way to stop us for good."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to send one request. `opening` tells reports of requests sent before the circuit opened from
    later ones.
    """

    opening: int
    probe: bool


class CircuitBreaker:
    """Counts how requests went, and says whether another may be sent."""

    def __init__(self, policy: CircuitPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._failures = 0
        self._pauses = 0
        self._opening = 0
        self._closed = True
        self._paused_until = 0.0
        self._probing = False

    @property
    def remaining(self) -> float:
        """Seconds for which nobody may ask; 0 when somebody may."""
        if self._closed:
            return 0.0
        if self._probing:
            return self._policy.first_pause
        return max(0.0, self._paused_until - self._clock.monotonic())

    def admit(self) -> Admission | None:
        """Leave to send one request, or None while the circuit is open. Every admission must be settled."""
        if self._closed:
            return Admission(self._opening, probe=False)
        if self.remaining > 0:
            return None
        self._probing = True
        return Admission(self._opening, probe=True)

    def succeeded(self, admission: Admission) -> None:
        # A success of a request sent before the circuit opened says nothing about now.
        if admission.opening != self._opening:
            return
        self._failures = self._pauses = 0
        self._closed, self._probing = True, False

    def failed(self, admission: Admission, after: float | None = None) -> None:
        """`after`: seconds for which the other side asked not to be asked."""
        asked = min(after or 0.0, self._policy.longest_asked_pause)
        if admission.opening != self._opening:
            # One of several that were under way together: the pause they have caused is not doubled by each.
            self._pause_at_least(asked)
            return
        self._failures += 1
        if admission.probe or self._failures >= self._policy.failures:
            self._open(max(asked, self._next_pause()))
        elif asked:
            self._open(asked)

    def abandoned(self, admission: Admission) -> None:
        """The request was given up before it showed anything; another may probe."""
        if admission.probe and admission.opening == self._opening:
            self._probing = False

    def _next_pause(self) -> float:
        pause = min(self._policy.longest_pause, self._policy.first_pause * 2.0**self._pauses)
        self._pauses = min(self._pauses + 1, 32)
        return pause * (0.75 + 0.5 * self._clock.random())

    def _open(self, pause: float) -> None:
        self._opening += 1
        self._closed = self._probing = False
        self._pause_at_least(pause)

    def _pause_at_least(self, pause: float) -> None:
        self._paused_until = max(self._paused_until, self._clock.monotonic() + pause)
