"""Tenants of a start-up wave wait for the lists that they are compared with, so that each is passed over once."""

from collections.abc import Iterable
from typing import Final

from controller.clock import Clock
from controller.reconcile.fleet import Fleet
from controller.reconcile.fleet_object import FleetKey
from controller.reconcile.ports import Shards
from controller.reconcile.tenant_object import TenantKey
from controller.runtime.queue import Priority, WorkQueue

# One account that does not answer must not hold up the tenants of the others for longer.
HELD_SECONDS: Final = 5.0


class FirstLists:
    """Holds keys back until every account and server was listed, or failed, since tenants last became ours.

    A key that is held stands in the queue for the end of the wait: a fresh edit or a deletion takes it out of there at
    once, and nothing has to come for the rest to be worked on.
    """

    def __init__(
        self, queue: WorkQueue[TenantKey | FleetKey], fleet: Fleet, shards: Shards, clock: Clock
    ) -> None:
        self._queue = queue
        self._fleet = fleet
        self._shards = shards
        self._clock = clock
        self._held: set[TenantKey] = set()
        self._until = float("-inf")

    def begin(self, keys: Iterable[TenantKey]) -> None:
        """These tenants are ours from now on, and lists from before prove nothing about them."""
        self._until = self._clock.monotonic() + HELD_SECONDS
        self.add(keys)

    def add(self, keys: Iterable[TenantKey]) -> None:
        """Have these tenants worked on with the start-up wave; at once when there is nothing to wait for."""
        delay = self._until - self._clock.monotonic() if self._are_awaited() else 0.0
        for key in keys:
            self._queue.add(key, delay=delay, priority=Priority.STARTUP)
            if delay > 0:
                self._held.add(key)

    def look(self) -> None:
        """An account or server was looked at: perhaps it was the last one that the tenants waited for."""
        if self._held and not self._are_awaited():
            held, self._held = self._held, set()
            self.add(held)

    def _are_awaited(self) -> bool:
        return self._clock.monotonic() < self._until and self._fleet.awaits_lists(
            self._shards.newest_acquisition()
        )
