"""When an operator has come to rest after its start: every tenant that is its own is adopted."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Final

from bench.processes import MeasuredProcess
from bench.stage import Stage

WITHIN_SECONDS: Final = 180.0
RESTING_SECONDS: Final = 1.0
RESTING_SHARE: Final = 0.3
"""Of a core: polls alone take less, adopting takes more."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Both from the start of the process."""

    seconds: float
    cpu_seconds: float


async def at_rest(world: Stage, operator: MeasuredProcess, *, share: float = 1.0) -> Rest:
    """Wait until it has nothing to do. `share`: of all tenants, what it will have at least.

    That it rests is seen in /proc, which costs it nothing. Then it is asked, once, whether it has its tenants and
    nothing left to do with them. Raises ProcessFailedError, TimeoutError.
    """
    port = await operator.said(r"probes_port=(\d+)", within=WITHIN_SECONDS)
    deadline = time.monotonic() + WITHIN_SECONDS
    since, before = time.monotonic(), operator.usage().cpu_seconds
    while time.monotonic() < deadline:
        await asyncio.sleep(RESTING_SECONDS / 10)
        now, used = time.monotonic(), operator.usage().cpu_seconds
        if used - before > RESTING_SHARE * RESTING_SECONDS:
            since, before = now, used
        elif now - since >= RESTING_SECONDS:
            if await _has_nothing_to_do(world, port, share):
                return Rest(since - operator.started, used)
            since, before = time.monotonic(), operator.usage().cpu_seconds
    raise TimeoutError(f"The operator did not come to rest within {WITHIN_SECONDS:.0f} s of its start.")


async def _has_nothing_to_do(world: Stage, port: str, share: float) -> bool:
    async with world.outside.session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        text = await answer.text()
    busy = _sample(text, 'tenant_operator_queue_depth{queue="tenants",state="r')  # ready and running
    return _sample(text, "tenant_operator_shards_held_ratio") >= share and not busy


def _sample(text: str, beginning: str) -> float:
    """The sum of all samples whose line begins so."""
    found = re.findall(rf"^{re.escape(beginning)}\S* (\S+)$", text, re.MULTILINE)
    return sum(float(value) for value in found)
