"""When an object is looked at again by itself."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class NextLook:
    """After so many seconds, or (None) only when something changes."""

    after: float | None = None


ON_CHANGE: Final = NextLook()
AT_ONCE: Final = NextLook(0.0)


class BackOff(Protocol):
    """Growing delays of an object that keeps failing."""

    def delay_after_failure(self, key: Hashable, *, at_least: float | None) -> float:
        """Count a failure; seconds until the next try."""

    def forget(self, key: Hashable) -> None:
        """It did not fail this time."""
