"""Whether processes are there, seen from outside."""

import os
import time
from collections.abc import Collection
from pathlib import Path

WAIT_SECONDS = 20.0


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def assert_vanish(folder: Path, pids: Collection[int]) -> None:
    """The processes and the folder go away within seconds; AssertionError names what stays."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and (folder.exists() or any(map(alive, pids))):
        time.sleep(0.05)
    assert not folder.exists()
    assert [pid for pid in pids if alive(pid)] == []
