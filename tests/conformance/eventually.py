"""Waiting for what controllers and caches of a real cluster do in their own time."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.05


def eventually(holds: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    """Whether it holds within the time; asks again and again."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
