"""A process knows when changes begin to reach it as they are made."""

import asyncio

import pytest

from controller.reconcile.tenant_object import TenantKey
from controller.runtime.watch_begun import WatchBegun

CAFE, SHOP = TenantKey("tenants", "cafe"), TenantKey("tenants", "shop")


async def has_begun(watch: WatchBegun) -> bool:
    try:
        await asyncio.wait_for(watch.wait(), 0.01)
    except TimeoutError:
        return False
    return True


async def test_it_has_when_the_list_has_told_of_all_that_was_there() -> None:
    watch = WatchBegun()
    watch.expect([CAFE, SHOP])
    watch.told(SHOP, initial=True)
    assert not await has_begun(watch)
    watch.told(CAFE, initial=True)
    assert await has_begun(watch)


async def test_it_has_when_anything_but_the_list_tells_something() -> None:
    watch = WatchBegun()
    watch.expect([CAFE, SHOP])
    watch.told(CAFE, initial=False)
    assert await has_begun(watch)


@pytest.mark.parametrize("told", [[], [SHOP]])
async def test_without_tenants_there_is_nothing_to_wait_for(told: list[TenantKey]) -> None:
    watch = WatchBegun()
    watch.expect([])
    for key in told:
        watch.told(key, initial=True)
    assert await has_begun(watch)
