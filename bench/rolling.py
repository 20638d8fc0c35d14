"""A rolling update of two replicas, as the Deployment of manifests/base makes it: one comes, then one goes, twice."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.edits import Editor, Edits
from bench.processes import MeasuredProcess
from bench.rest import at_rest
from bench.stage import Stage

_HAS_SHARDS: Final = r"held=([1-9]\d*) of="
READY_SECONDS: Final = 120.0
HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class RollingUpdate:
    """`seconds` from the start of the first successor until the last of the old replicas has ended."""

    seconds: float
    edits: Edits


async def rolling_update(
    world: Stage, operator: MeasuredProcess, editor: Editor, least: int
) -> tuple[RollingUpdate, Sequence[MeasuredProcess]]:
    """Edit tenants while both replicas are replaced; what was measured, and the replicas that run then.

    `operator` is one of the two to be replaced; the other is started first. All processes end when this raises.
    """
    running = [operator]
    try:
        running.append(await _joined(world, "ours-b"))
        for process in running:
            await at_rest(world, process, share=HALF)
        took = 0.0

        async def replace_both() -> None:
            nonlocal took
            began = time.monotonic()
            for name in ("ours-c", "ours-d"):
                running.append(await _joined(world, name))
                await running.pop(0).stop()
            took = time.monotonic() - began

        edits = await editor.during(replace_both(), least)
    except BaseException:
        for process in running:
            await process.stop()
        raise
    return RollingUpdate(took, edits), running


async def _joined(world: Stage, name: str) -> MeasuredProcess:
    """One more replica, ready and with a part of the tenants."""
    process = await world.start_ours(name)
    try:
        await process.said(_HAS_SHARDS, within=READY_SECONDS)
    except BaseException:
        await process.stop()
        raise
    return process
