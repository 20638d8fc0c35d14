"""Nothing changed: nothing is written, and what is read does not grow with the tenants."""

import asyncio

from controller.api.group import Annotation
from tests.operator.eventually import eventually
from tests.operator.stage import Stage

TENANTS = tuple(f"tenant-{number}" for number in range(8))
BULK_READS = {
    "GET /2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json",
    "GET /2010-04-01/Accounts/{account}/Calls.json",
    "GET /metrics",
    "GET /instance/fetchInstances",
}
# The account itself, and what the numbers of each country cost.
ONCE_A_START = {
    "GET /2010-04-01/Accounts/{account}.json",
    "GET /2010-04-01/Accounts/{account}/AvailablePhoneNumbers/{country}.json",
    "GET /v1/PhoneNumbers/Countries/{country}",
}


async def test_several_polls_write_nothing_and_read_in_bulk(stage: Stage) -> None:
    await stage.start_operator()
    await _settle(stage)
    versions = await stage.versions()

    await stage.polls(5)

    assert await stage.versions() == versions
    assert set(await stage.telephony.requests() + await stage.evolution.requests()) <= BULK_READS


async def test_a_restart_over_ready_tenants_writes_nothing_and_reads_in_bulk(stage: Stage) -> None:
    operator = await stage.start_operator()
    await _settle(stage)
    versions = await stage.versions()
    await operator.stop()
    await stage.forget_requests()

    await stage.start_operator()
    await stage.polls(3)

    assert await stage.versions() == versions
    requests = await stage.telephony.requests() + await stage.evolution.requests()
    assert set(requests) <= BULK_READS | ONCE_A_START
    assert requests["GET /instance/fetchInstances"] == 1


async def test_a_request_to_look_now_is_answered_in_status(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.ready("bakery")

    await stage.annotate("bakery", Annotation.RECONCILE_REQUESTED_AT, "now-please")

    async def answered() -> bool:
        return (await stage.status("bakery")).get("lastHandledReconcileAt") == "now-please"

    await eventually(answered)


async def test_tenants_that_come_together_all_arrive(stage: Stage) -> None:
    await stage.start_operator()
    names = [f"shop-{number}" for number in range(24)]

    await asyncio.gather(*(stage.apply_tenants(name) for name in names))
    statuses = await stage.ready(*names)

    numbers = {status["phoneNumber"]["number"] for status in statuses}
    assert len(numbers) == len(names)
    assert sorted(await stage.telephony.charges()) == sorted(numbers)


async def _settle(stage: Stage) -> None:
    await stage.apply_tenants(*TENANTS)
    await stage.ready(*TENANTS)
    # Counts of the provider and the server follow the tenants at their next poll, events a moment later.
    await stage.polls(3)
    await stage.forget_requests()
