"""Tenants of a start-up wave wait for the lists that they are compared with, so that each is passed over once."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from controller.api.group import Kind
from controller.reconcile.fleet import Fleet
from controller.reconcile.fleet_object import FleetKey
from controller.reconcile.ports import Shards
from controller.reconcile.tenant_object import TenantKey
from controller.runtime.queue import Priority, WorkQueue


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
        self._accounts: set[str] = set()
        self._servers: set[str] = set()
        self._held: set[TenantKey] = set()

    def begin(self, keys: Iterable[TenantKey]) -> None:
        """These tenants are ours from now on, and lists from before prove nothing about them."""
        since = self._shards.newest_acquisition()
        self._accounts = {name for name, one in self._fleet.accounts.items() if one.is_awaited(since)}
        self._servers = {name for name, one in self._fleet.servers.items() if one.is_awaited(since)}
        self.add(keys)

    def add(self, keys: Iterable[TenantKey]) -> None:
        """Have these tenants worked on with the start-up wave; at once when they have nothing to wait for."""
        for key in keys:
            if self._waits(key):
                self._held.add(key)
            else:
                self._queue.add(key, priority=Priority.STARTUP)

    def looked_at(self, member: FleetKey) -> None:
        """A pass over an account or server has ended, and with it the waking of its tenants."""
        awaited = self._accounts if member.kind is Kind.PHONE_PROVIDER else self._servers
        if member.name not in awaited or self._is_awaited(member):
            return
        awaited.discard(member.name)
        held, self._held = self._held, set()
        self.add(held)

    def _waits(self, key: TenantKey) -> bool:
        needs = self._needs_of(key)
        if needs is None:
            return False
        by_account = needs.account in self._accounts if needs.account is not None else needs.any_account
        by_server = needs.server in self._servers if needs.server is not None else needs.any_server
        return (by_account and bool(self._accounts)) or (by_server and bool(self._servers))

    def _is_awaited(self, member: FleetKey) -> bool:
        members = self._fleet.accounts if member.kind is Kind.PHONE_PROVIDER else self._fleet.servers
        found = members.get(member.name)
        return found is not None and found.is_awaited(self._shards.newest_acquisition())
