"""What all tests share: the choice of the API server (`--cluster`), and the event loop that the commands run on."""

import asyncio
from collections.abc import Callable

from controller.cli.event_loop import new_event_loop

pytest_plugins = [
    "tests.controlplane.fixtures",
    "tests.crash_summary",
    "tests.recording_summary",
]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"of-the-commands": new_event_loop}
