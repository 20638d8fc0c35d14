"""Whether the watch of tenants has begun: what is edited before is told only after the whole first list was."""

import asyncio
from collections.abc import Iterable

from controller.reconcile.tenant_object import TenantKey


class WatchBegun:
    """kopf lists all tenants, hands them out one by one, which takes it seconds, and only then begins to watch."""

    def __init__(self) -> None:
        self._untold: set[TenantKey] = set()
        self._begun = asyncio.Event()

    def expect(self, keys: Iterable[TenantKey]) -> None:
        """These are there, and the list will tell of each that does not go meanwhile."""
        self._untold = set(keys)
        if not self._untold:
            self._begun.set()

    def told(self, key: TenantKey, *, initial: bool) -> None:
        """The list or (not `initial`) the watch told of a tenant: a watch that tells anything has begun."""
        if self._begun.is_set():
            return
        self._untold.discard(key)
        if not initial or not self._untold:
            self._untold.clear()
            self._begun.set()

    async def wait(self) -> None:
        await self._begun.wait()
