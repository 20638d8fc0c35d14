"""Waiting for what the operator brings about."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")

TIMEOUT_SECONDS = 20.0
POLL_SECONDS = 0.02


async def eventually(
    look: Callable[[], Awaitable[Found | None]],
    *,
    within: float = TIMEOUT_SECONDS,
    told: Callable[[], str] = str,
) -> Found:
    """What `look` finds, once it is neither None nor False nor empty.

    Raises AssertionError after `within` seconds with what `told` says of the world.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        found = await look()
        if found:
            return found
        if loop.time() > deadline:
            raise AssertionError(f"Not within {within:g} s: {look.__qualname__}. {told()}")
        await asyncio.sleep(POLL_SECONDS)
