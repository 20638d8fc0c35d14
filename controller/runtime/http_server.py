"""Serving one of the operator's web applications on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

_SHUTDOWN_SECONDS: Final = 1.0


@asynccontextmanager
async def serve(application: web.Application, port: int, *, host: str = "0.0.0.0") -> AsyncIterator[int]:
    """Serve while the context is open; gives the port, which the system chooses for port 0.

    Raises OSError when the port is taken.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
