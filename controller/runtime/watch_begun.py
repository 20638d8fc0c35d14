"""Whether the watch of tenants has begun: what is edited before is told only after the whole first list was."""

from collections.abc import Iterable
from typing import Final

from controller.clock import Clock
from controller.reconcile.tenant_object import TenantKey

LOOK_SECONDS: Final = 0.5
QUIET_LOOKS: Final = 3
MOST_LOOKS: Final = 120
"""A minute: where a tenant went before it was listed and nobody edits any, nothing ever tells that all is told."""


class WatchBegun:
    """kopf lists all tenants, hands them out one by one, which takes it seconds, and begins to watch meanwhile.

    Until the last one was handed out, whatever else this process does waits behind them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._untold: set[TenantKey] = set()
        self._is_watching = False

    def expect(self, keys: Iterable[TenantKey]) -> None:
        """These are there, and the list will tell of each that does not go meanwhile."""
        self._untold = set(keys)

    def told(self, key: TenantKey, *, initial: bool) -> None:
        """The list or (not `initial`) the watch told of a tenant: where the watch tells anything, the list was read."""
        self._untold.discard(key)
        self._is_watching = self._is_watching or not initial

    async def wait(self) -> None:
        """Return once all were handed out; of those that went before the list was read nothing is ever told."""
        left, quiet = len(self._untold), 0
        for _ in range(MOST_LOOKS):
            if not self._untold or quiet == QUIET_LOOKS:
                return
            await self._clock.sleep(LOOK_SECONDS)
            moved = len(self._untold) != left or not self._is_watching
            left, quiet = len(self._untold), 0 if moved else quiet + 1
