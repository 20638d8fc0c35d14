import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], *, within: float = 5.0) -> None:
    """Wait for something that the network brings; a manual clock does not move for it."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event to set
            await asyncio.sleep(0.002)
