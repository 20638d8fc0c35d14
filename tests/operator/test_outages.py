"""The API server is away for a while: nothing that changed meanwhile is missed, and nothing else is touched."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.operator.eventually import eventually
from tests.operator.fast_clock import SPEED
from tests.operator.line import Line
from tests.operator.stage import Stage

BYSTANDERS = tuple(f"bystander-{number}" for number in range(6))
CUT_SECONDS = 0.5
CALLS_A_SECOND = 15
"""On the operator's clock: some watches and a heartbeat, each of which tries again in a rhythm of its own; none of them
for each tenant.
"""


@dataclass
class Operated:
    """A stage with Ready tenants, and the line of the operator that made them so."""

    stage: Stage
    line: Line


@pytest.fixture
async def operated(stage: Stage, tmp_path: Path) -> AsyncIterator[Operated]:
    line, cluster = await Line.to(stage.cluster, tmp_path)
    operator = await stage.start_operator(cluster=cluster)
    await stage.apply_tenants("bakery", "cafe", *BYSTANDERS)
    await stage.ready("bakery", "cafe", *BYSTANDERS)
    await stage.polls(3)  # counts of provider and server follow the tenants
    yield Operated(stage, line)
    line.mend()
    await operator.kill()
    await line.close()


@pytest.mark.parametrize("history", ["kept", "forgotten"])
async def test_what_changes_in_an_outage_is_not_missed(operated: Operated, history: str) -> None:
    stage, line = operated.stage, operated.line
    if history == "forgotten" and stage.cluster.forget_history is None:
        pytest.skip("A real API server forgets after minutes: run it with TEST_CLUSTER=sandbox.")
    before = await _bystanders(stage)

    line.cut()
    await stage.patch("bakery", {"ai": {"features": ["menu"]}})
    await stage.apply_tenants("newcomer")
    await stage.delete("cafe")
    await asyncio.sleep(CUT_SECONDS)
    if history == "forgotten" and stage.cluster.forget_history is not None:
        stage.cluster.forget_history()
    line.mend()

    await stage.ready("bakery", "newcomer")
    await stage.gone("cafe")
    await stage.polls(2)
    assert await _bystanders(stage) == before


async def test_nobody_storms_a_server_that_is_away(operated: Operated) -> None:
    operated.line.cut()

    await asyncio.sleep(CUT_SECONDS)

    assert 0 < operated.line.hung_up <= CALLS_A_SECOND * SPEED * CUT_SECONDS


async def test_a_purchase_that_an_outage_interrupts_is_made_once(operated: Operated) -> None:
    stage, line = operated.stage, operated.line
    bought = len(await stage.telephony.charges())

    async def buying() -> bool:
        return len(await stage.telephony.charges()) > bought

    await stage.apply_tenants("newcomer")
    await eventually(buying)
    line.cut()
    await asyncio.sleep(CUT_SECONDS)
    line.mend()

    await stage.ready("newcomer")
    assert len(await stage.telephony.charges()) == bought + 1


async def _bystanders(stage: Stage) -> dict[str, str]:
    """Versions of the tenants that nobody changes, and of what belongs to them."""
    return {name: at for name, at in (await stage.versions()).items() if "bystander" in name}
