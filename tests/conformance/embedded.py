"""The sandbox's API server on a loop of its own, so that tests may block."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.sandbox.apiserver import ApiServer

START_SECONDS = 20.0


@contextmanager
def embedded_server(kubeconfig: Path) -> Iterator[None]:
    """An empty server for the length of the block; its kubeconfig is written to the path."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="embedded API server", daemon=True)
    thread.start()
    server = ApiServer()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(START_SECONDS)
        server.write_kubeconfig(kubeconfig)
        yield
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(START_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
