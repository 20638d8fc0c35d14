"""No secret is seen anywhere: every world checks this when it ends; here it is shown that the check can fail."""

import pytest

from .conftest import StartWorld
from .tenants import tenant
from .world import WEBHOOK_TOKEN, World


async def test_the_check_reads_statuses_events_and_log_lines(start_world: StartWorld) -> None:
    async with start_world() as world:
        await world.ready(tenant())
        assert any("observedGeneration" in text for text in world.wire.texts)
        assert any("involvedObject" in text for text in world.wire.texts)
        assert any("change made" in str(line) for line in world.log_lines)
        assert world.instance().token in world.secrets()


async def test_a_secret_in_a_log_line_is_found(start_world: StartWorld) -> None:
    with pytest.raises(AssertionError, match="shown"):
        async with start_world() as world:
            world.log_lines.append({"event": f"authorization={WEBHOOK_TOKEN}"})


@pytest.mark.parametrize(
    ("request_", "facet"),
    [("POST /instance/create", "InstanceReady"), ("POST /webhook/set/*", "RoutingReady")],
)
async def test_a_refusal_that_repeats_the_header_does_not_bring_it_into_the_status(
    start_world: StartWorld, request_: str, facet: str
) -> None:
    async with start_world() as world:
        answer = {"status": 400, "error": "Bad Request", "response": {"message": [f"bad {WEBHOOK_TOKEN}"]}}
        faults = [
            {"match": request_, "action": "status:400", "body": answer},
            {"match": "GET /webhook/find/*", "action": "status:200", "body": None},
        ]
        await world.evolution_console("faults", faults)
        await world.ready(tenant())
        condition = await world.condition(facet)
        assert condition["status"] == "False"
        assert "bad" in condition["message"]


async def test_a_code_to_pair_with_in_a_log_line_is_found(start_world: StartWorld) -> None:
    with pytest.raises(AssertionError, match="shown"):
        async with start_world(manual_pairing=True) as world:
            await log_its_code(world)


async def log_its_code(world: World) -> None:
    await world.ready(tenant())
    offered = world.instance().qr
    assert offered is not None
    world.log_lines.append({"event": f"scan {offered.code}"})
