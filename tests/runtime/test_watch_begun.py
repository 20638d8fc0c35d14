"""A process knows when changes begin to reach it as they are made."""

import asyncio

import pytest

from controller.reconcile.tenant_object import TenantKey
from controller.runtime.watch_begun import LOOK_SECONDS, MOST_LOOKS, QUIET_LOOKS, WatchBegun
from tests.runtime.manual_clock import ManualClock, settle

CAFE, SHOP = TenantKey("tenants", "cafe"), TenantKey("tenants", "shop")
LONG = 10 * QUIET_LOOKS * LOOK_SECONDS


class Start:
    """A process that waits for its watch of two tenants."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.watch = WatchBegun(self.clock)
        self.watch.expect([CAFE, SHOP])
        self.waiting = asyncio.create_task(self.watch.wait())

    async def has_begun(self, after: float = LOOK_SECONDS) -> bool:
        for _ in range(round(after / LOOK_SECONDS)):
            await settle()
            await self.clock.advance(LOOK_SECONDS)
        await settle()
        return self.waiting.done()


@pytest.fixture
async def start() -> Start:
    start = Start()
    await settle()
    return start


async def test_it_has_when_the_list_has_told_of_all_that_was_there(start: Start) -> None:
    start.watch.told(SHOP, initial=True)
    assert not await start.has_begun(LONG)
    start.watch.told(CAFE, initial=True)
    assert await start.has_begun()


async def test_while_the_list_is_still_told_of_what_the_watch_tells_proves_nothing(start: Start) -> None:
    start.watch.told(CAFE, initial=False)
    assert not await start.has_begun()
    start.watch.told(SHOP, initial=True)
    assert await start.has_begun()


async def test_a_tenant_that_went_before_it_was_listed_is_not_waited_for(start: Start) -> None:
    start.watch.told(CAFE, initial=False)
    assert await start.has_begun(LONG)


async def test_a_watch_that_stays_silent_is_not_waited_for_longer_than_a_minute(start: Start) -> None:
    start.watch.told(SHOP, initial=True)
    assert not await start.has_begun((MOST_LOOKS - 1) * LOOK_SECONDS)
    assert await start.has_begun()


async def test_without_tenants_there_is_nothing_to_wait_for() -> None:
    await asyncio.wait_for(WatchBegun(ManualClock()).wait(), 1)
