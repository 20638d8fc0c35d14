"""Whatever is killed whenever: one number for one tenant, and everything arrives in the end."""

import pytest

from tests.operator.eventually import eventually
from tests.operator.outside import BUY
from tests.operator.stage import Stage


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("delay:1s", id="while the request is under way"),
        pytest.param("drop-after", id="after the purchase, before the answer"),
        pytest.param("drop-before", id="before the purchase"),
    ],
)
async def test_a_process_killed_while_it_buys_is_followed_by_one_that_buys_nothing_twice(
    stage: Stage, fault: str
) -> None:
    await stage.telephony.order_fault(BUY, fault)
    operator = await stage.start_operator_process()
    await stage.apply_tenants("bakery")
    await eventually(stage.telephony.fault_hits)
    intent = (await stage.status("bakery"))["phoneNumber"]["purchase"]

    await operator.kill()
    await stage.telephony.clear_faults()
    await stage.start_operator()
    [status] = await stage.ready("bakery")

    assert status["phoneNumber"]["number"] == intent["candidate"], "the number that was begun"
    assert await stage.telephony.charges() == [intent["candidate"]]
    assert [*await stage.telephony.numbers()] == [intent["candidate"]]
    assert await stage.claims() == [], "a claim ends with its purchase"


async def test_an_answer_that_got_lost_is_looked_up_not_repeated(stage: Stage) -> None:
    await stage.telephony.order_fault(BUY, "drop-after", times=1)
    await stage.start_operator()

    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")

    assert await stage.telephony.charges() == [status["phoneNumber"]["number"]]
    assert (await stage.telephony.writes())[f"POST {_NUMBERS}"] == 1


@pytest.mark.parametrize(
    "request_of_evolution",
    [
        "POST /instance/create",
        "GET /webhook/find/*",
        "GET /instance/connect/*",
        "POST /chat/updateProfileName/*",
    ],
)
async def test_an_operator_cut_off_anywhere_is_continued_by_the_next(
    stage: Stage, request_of_evolution: str
) -> None:
    await stage.evolution.order_fault(request_of_evolution, "delay:1s")
    operator = await stage.start_operator(drain_seconds=0)
    await stage.apply_tenants("bakery")
    await eventually(stage.evolution.fault_hits)

    await operator.kill()
    await stage.evolution.clear_faults()
    await stage.start_operator()
    [status] = await stage.ready("bakery")

    assert [*await stage.evolution.instances()] == [status["instance"]["name"]]
    assert await stage.telephony.charges() == [status["phoneNumber"]["number"]]


async def test_an_operator_that_is_told_to_stop_finishes_what_is_under_way(stage: Stage) -> None:
    await stage.telephony.order_fault(BUY, "delay:0.5s", times=1)
    operator = await stage.start_operator_process()
    await stage.apply_tenants("bakery")
    await eventually(stage.telephony.fault_hits)

    await operator.stop()

    status = await stage.status("bakery")
    assert "purchase" not in status["phoneNumber"]
    assert status["phoneNumber"]["number"] in await stage.telephony.numbers()


_NUMBERS = "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json"
