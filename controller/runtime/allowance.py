"""How often something may be asked for: a handful at once, then one after the other."""

from collections.abc import Hashable
from typing import Final

from controller.clock import Clock

AT_ONCE: Final = 10
SECONDS_EACH: Final = 1.0


class Allowance:
    """A bucket a key; what has filled up again is forgotten."""

    def __init__(self, clock: Clock, *, at_once: int = AT_ONCE, seconds_each: float = SECONDS_EACH) -> None:
        self._clock = clock
        self._at_once = at_once
        self._seconds_each = seconds_each
        self._free_at: dict[Hashable, float] = {}

    def wait(self, key: Hashable) -> float:
        """Take one; answers 0, or takes none and answers the seconds until there is one."""
        now, full = self._clock.monotonic(), self._at_once * self._seconds_each
        for known in [known for known, free_at in self._free_at.items() if free_at <= now]:
            del self._free_at[known]
        taken_until = max(now, self._free_at.get(key, now)) + self._seconds_each
        if taken_until - now > full:
            return taken_until - now - full
        self._free_at[key] = taken_until
        return 0.0
