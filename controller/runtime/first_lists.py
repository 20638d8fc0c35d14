"""Tenants of a start-up wave wait for the lists that they are compared with, so that each is passed over once."""

from collections.abc import Iterable
from typing import Final

from controller.api.group import Kind
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
        self._awaited: set[FleetKey] = set()
        self._held: set[TenantKey] = set()
        self._until = float("-inf")

    def begin(self, keys: Iterable[TenantKey]) -> None:
        """These tenants are ours from now on, and lists from before prove nothing about them."""
        now = self._clock.monotonic()
        if now >= self._until:
            self._held.clear()  # they came when the last wait was over
        self._until = now + HELD_SECONDS
        members = (
            *(FleetKey(Kind.PHONE_PROVIDER, name) for name in self._fleet.accounts),
            *(FleetKey(Kind.EVOLUTION_SERVER, name) for name in self._fleet.servers),
        )
        self._awaited = {member for member in members if self._is_awaited(member)}
        self.add(keys)

    def add(self, keys: Iterable[TenantKey]) -> None:
        """Have these tenants worked on with the start-up wave; at once when there is nothing to wait for."""
        delay = self._until - self._clock.monotonic() if self._awaited else 0.0
        for key in keys:
            self._queue.add(key, delay=delay, priority=Priority.STARTUP)
            if delay > 0:
                self._held.add(key)

    def looked_at(self, member: FleetKey) -> None:
        """A pass over an account or server has ended, and with it the waking of its tenants."""
        if member not in self._awaited or self._is_awaited(member):
            return
        self._awaited.discard(member)
        if self._awaited:
            return
        held, self._held = self._held, set()
        if self._clock.monotonic() < self._until:  # later they have come by themselves
            self.add(held)

    def _is_awaited(self, member: FleetKey) -> bool:
        members = self._fleet.accounts if member.kind is Kind.PHONE_PROVIDER else self._fleet.servers
        found = members.get(member.name)
        return found is not None and found.is_awaited(self._shards.newest_acquisition())
