"""How soon an edit is acted on: people's edits, one after the other, and the first outside call about each."""

import asyncio
import math
import re
import statistics
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final

from bench import objects
from bench.stage import Stage
from controller.runtime.kube_resources import BUSINESS_TENANTS

SEEN_SECONDS: Final = 30.0
_STEP: Final = 7
"""From one tenant to the next that is edited, so that neighbours in shards and servers are not edited in a row."""
_INSTANCE: Final = re.compile(r"/(?P<tenant>[a-z]+-\d{5})-")


@dataclass(frozen=True, slots=True)
class Edits:
    """Seconds from sending an edit to its first outside call."""

    seconds: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        """By nearest rank: the slowest of up to a hundred."""
        return sorted(self.seconds)[math.ceil(0.99 * len(self.seconds)) - 1]


class Editor:
    """Edits the webhooks of Ready tenants, one every few seconds; each time of those not edited for the longest."""

    def __init__(self, world: Stage, names: Sequence[str], every: float) -> None:
        self._world = world
        self._names = names
        self._every = every
        self._made = 0

    async def during(self, event: Awaitable[None], least: int) -> Edits:
        """Edits from when `event` begins until it is over, at least `least`; none of a tenant twice.

        Raises TimeoutError when one of them is not acted on, or when there are not tenants enough.
        """
        await self._world.outside.forget_requests()
        happening = asyncio.ensure_future(event)
        try:
            sent = await self._edit(happening, least)
            await happening
        finally:
            happening.cancel()
            await asyncio.wait([happening])
        return Edits(await self._acted_on(sent))

    async def _edit(self, happening: asyncio.Future[None], least: int) -> dict[str, float]:
        """When each edit was sent, by tenant."""
        sent: dict[str, float] = {}
        began = time.monotonic()
        while len(sent) < least or not happening.done():
            if len(sent) == len(self._names):
                raise TimeoutError(f"All {len(sent)} tenants were edited, and it was not over.")
            name = self._names[self._made * _STEP % len(self._names)]
            self._made += 1
            sent[name] = time.monotonic()
            patch = {"spec": {"ai": {"webhook": {"url": f"{objects.webhook_url(name)}{self._made}"}}}}
            await self._world.api.merge_patch(BUSINESS_TENANTS, name, patch, objects.NAMESPACE)
            await asyncio.sleep(max(0.0, began + len(sent) * self._every - time.monotonic()))
        return sent

    async def _acted_on(self, sent: dict[str, float]) -> list[float]:
        """Seconds until the first outside call about each; both clocks are the machine's monotonic one."""
        deadline = time.monotonic() + SEEN_SECONDS
        while True:
            first = await self._first_calls(sent)
            missing = sent.keys() - first.keys()
            if not missing:
                return [first[name] - at for name, at in sent.items()]
            if time.monotonic() > deadline:
                raise TimeoutError(f"Edits were not acted on within {SEEN_SECONDS:.0f} s: {sorted(missing)}.")
            await asyncio.sleep(0.5)

    async def _first_calls(self, sent: dict[str, float]) -> dict[str, float]:
        """When the first request about each tenant began after its edit, of all servers."""
        first: dict[str, float] = {}
        for url in self._world.outside.evolution:
            for request in await self._world.outside.details(url):
                found, began = _INSTANCE.search(request["path"]), float(request["started"])
                name = found["tenant"] if found is not None else ""
                if name in sent and sent[name] <= began < first.get(name, math.inf):
                    first[name] = began
        return first
