"""Things that happen by themselves a while later, such as a QR code being scanned."""

import asyncio
from collections.abc import Callable


class Timers:
    """Callbacks after a delay. Cheap enough for one or two per instance at 10,000 instances."""

    def __init__(self) -> None:
        self._pending: set[asyncio.TimerHandle] = set()

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        def run() -> None:
            self._pending.discard(handle)
            callback()

        handle = asyncio.get_running_loop().call_later(seconds, run)
        self._pending.add(handle)

    def cancel_all(self) -> None:
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()
