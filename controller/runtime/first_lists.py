"""Tenants of a start-up wave wait for the lists that they are compared with, so that each is passed over once."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from controller.api.group import Kind
from controller.reconcile.fleet import Fleet
from controller.reconcile.fleet_object import FleetKey
from controller.reconcile.ports import Shards
from controller.reconcile.tenant_object import TenantKey
from controller.runtime.queue import Priority, WorkQueue

ACCOUNT: Final = Kind.PHONE_PROVIDER
SERVER: Final = Kind.EVOLUTION_SERVER


class Needs(NamedTuple):
    """Whose lists a tenant is compared with: those that it is recorded on, or any, where it is recorded on none."""

    account: str | None
    server: str | None
    any_account: bool
    any_server: bool


class FirstLists:
    """Holds keys back until the accounts and servers that they need were listed, or failed, since they became ours.

    An account that does not answer holds up its own tenants, and those that may be in it: they could not go on without
    its list either. Fresh edits and deletions do not pass here.
    """

    def __init__(
        self,
        queue: WorkQueue[TenantKey | FleetKey],
        fleet: Fleet,
        shards: Shards,
        needs_of: Callable[[TenantKey], Needs | None],
    ) -> None:
        self._queue = queue
        self._fleet = fleet
        self._shards = shards
        self._needs_of = needs_of
        self._awaited: set[FleetKey] = set()
        # Each by one of those that it waits for: whose list ends one wait may find it at another.
        self._held: dict[FleetKey, set[TenantKey]] = {}

    def begin(self, keys: Iterable[TenantKey]) -> None:
        """These tenants are ours from now on, and lists from before prove nothing about them."""
        self._awaited = {
            member
            for kind, names in ((ACCOUNT, self._fleet.accounts), (SERVER, self._fleet.servers))
            for member in (FleetKey(kind, name) for name in names)
            if self._is_awaited(member)
        }
        held, self._held = self._held, {}
        for waiting in held.values():
            self.add(waiting)
        self.add(keys)

    def add(self, keys: Iterable[TenantKey]) -> None:
        """Have these tenants worked on with the start-up wave; at once when they have nothing to wait for."""
        for key in keys:
            member = self._waits_for(key)
            if member is not None:
                self._held.setdefault(member, set()).add(key)
            else:
                self._queue.add(key, priority=Priority.STARTUP)

    def looked_at(self, member: FleetKey) -> None:
        """A pass over an account or server has ended, and with it the waking of its tenants."""
        if member not in self._awaited or self._is_awaited(member):
            return
        self._awaited.discard(member)
        self.add(self._held.pop(member, ()))

    def _waits_for(self, key: TenantKey) -> FleetKey | None:
        """One of the members whose lists are still to come that the tenant needs; None where it needs none of them."""
        needs = self._needs_of(key)
        if needs is None:
            return None
        return self._awaited_of(ACCOUNT, needs.account, or_any=needs.any_account) or self._awaited_of(
            SERVER, needs.server, or_any=needs.any_server
        )

    def _awaited_of(self, kind: Kind, name: str | None, *, or_any: bool) -> FleetKey | None:
        if name is not None:
            member = FleetKey(kind, name)
            return member if member in self._awaited else None
        return next((member for member in self._awaited if member.kind is kind), None) if or_any else None

    def _is_awaited(self, member: FleetKey) -> bool:
        members = self._fleet.accounts if member.kind is ACCOUNT else self._fleet.servers
        found = members.get(member.name)
        return found is not None and found.is_awaited(self._shards.newest_acquisition())
