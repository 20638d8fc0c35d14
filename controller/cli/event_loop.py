"""The event loop that commands run on."""

import asyncio
import importlib.util


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Uvloop where there is one (a sixth less CPU, no other difference), else asyncio's own."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not made for every platform

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
