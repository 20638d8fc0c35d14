"""How much an account is asked, in good times and while it fails."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.conditions import Reason
from controller.providers.circuit import CircuitPolicy
from controller.providers.errors import Retryable
from controller.providers.limits import Limiter, Limits
from tests.providers.conftest import ManualTime

POLICY = CircuitPolicy(failures=3, first_pause=10, longest_pause=60)


def limiter_of(
    time: ManualTime, *, rate: float = 1000, concurrent: int = 10, burst: int | None = None
) -> Limiter:
    return Limiter(
        "Twilio account AC1",
        Limits(requests_per_second=rate, concurrent=concurrent, burst=burst, circuit=POLICY),
        unavailable=Reason.PROVIDER_UNAVAILABLE,
        clock=time.clock,
    )


async def fail(limiter: Limiter, *, after: float | None = None) -> None:
    async with limiter.slot() as slot:
        slot.failed(after)


async def succeed(limiter: Limiter) -> None:
    async with limiter.slot() as slot:
        slot.succeeded()


async def is_refused(limiter: Limiter) -> bool:
    try:
        await succeed(limiter)
    except Retryable:
        return True
    return False


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate(time: ManualTime) -> None:
    limiter = limiter_of(time, rate=2, burst=3)
    for _ in range(3):
        await succeed(limiter)
    assert time.slept == []
    await succeed(limiter)
    await succeed(limiter)
    assert time.slept == [0.5, 0.5]


async def test_half_a_share_is_half_the_rate(time: ManualTime) -> None:
    limiter = limiter_of(time, rate=4, concurrent=8, burst=1)
    limiter.share = 0.5
    await succeed(limiter)
    await succeed(limiter)
    assert time.slept == [0.5]


@pytest.mark.parametrize("share", [0, -1, 1.01])
def test_a_share_is_a_part(time: ManualTime, share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        limiter_of(time).share = share


@pytest.mark.parametrize(("share", "at_once"), [(1.0, 4), (0.5, 2), (0.01, 1)])
async def test_no_more_at_once_than_the_share_allows(time: ManualTime, share: float, at_once: int) -> None:
    limiter = limiter_of(time, concurrent=4)
    limiter.share = share
    running = most = 0

    async def request() -> None:
        nonlocal running, most
        async with limiter.slot() as slot:
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            slot.succeeded()

    await asyncio.gather(*(request() for _ in range(20)))
    assert most == at_once
    assert limiter.in_flight == 0


async def test_failures_in_a_row_stop_all_requests_at_once(time: ManualTime) -> None:
    limiter = limiter_of(time)
    for _ in range(3):
        await fail(limiter)
    with pytest.raises(Retryable) as refusal:
        await succeed(limiter)
    assert refusal.value.after == 10
    assert refusal.value.reason is Reason.PROVIDER_UNAVAILABLE
    assert not refusal.value.outcome_unknown
    assert time.slept == []


async def test_one_success_forgives_the_failures_before(time: ManualTime) -> None:
    limiter = limiter_of(time)
    for _ in range(2):
        await fail(limiter)
        await fail(limiter)
        await succeed(limiter)
    assert not await is_refused(limiter)


async def test_after_the_pause_one_request_probes_and_the_others_wait(time: ManualTime) -> None:
    limiter = limiter_of(time)
    for _ in range(3):
        await fail(limiter)
    time.pass_by(10)
    async with limiter.slot() as probe:
        assert await is_refused(limiter)
        probe.succeeded()
    assert not await is_refused(limiter)


async def test_pauses_double_up_to_a_limit_and_start_over_after_a_success(time: ManualTime) -> None:
    limiter = limiter_of(time)
    for _ in range(3):
        await fail(limiter)
    pauses = []
    for _ in range(5):
        pauses.append(limiter.paused_for)
        time.pass_by(limiter.paused_for)
        await fail(limiter)
    assert pauses == [10, 20, 40, 60, 60]
    time.pass_by(limiter.paused_for)
    await succeed(limiter)
    for _ in range(3):
        await fail(limiter)
    assert limiter.paused_for == 10


async def test_an_abandoned_probe_lets_another_one_probe(time: ManualTime) -> None:
    limiter = limiter_of(time)
    for _ in range(3):
        await fail(limiter)
    time.pass_by(10)
    async with limiter.slot():
        pass  # cancelled, say: it showed nothing
    assert not await is_refused(limiter)


async def test_requests_that_were_under_way_together_pause_once(time: ManualTime) -> None:
    limiter = limiter_of(time)
    all_under_way = asyncio.Barrier(10)

    async def request() -> None:
        async with limiter.slot() as slot:
            await all_under_way.wait()
            slot.failed()

    await asyncio.gather(*(request() for _ in range(10)))
    assert limiter.paused_for == 10


async def test_a_late_success_does_not_end_the_pause(time: ManualTime) -> None:
    limiter = limiter_of(time)
    async with limiter.slot() as early:
        for _ in range(3):
            await fail(limiter)
        early.succeeded()
    assert await is_refused(limiter)


async def test_who_asks_for_a_pause_gets_it_at_once(time: ManualTime) -> None:
    limiter = limiter_of(time)
    await fail(limiter, after=42)
    with pytest.raises(Retryable) as refusal:
        await succeed(limiter)
    assert refusal.value.after == 42
    time.pass_by(42)
    assert not await is_refused(limiter)


async def test_nobody_can_stop_us_for_more_than_an_hour(time: ManualTime) -> None:
    limiter = limiter_of(time)
    await fail(limiter, after=10**9)
    assert limiter.paused_for == 3600


async def test_those_who_waited_for_their_turn_are_not_sent_into_a_failing_server(time: ManualTime) -> None:
    limiter = limiter_of(time, concurrent=1)
    sent = 0

    async def request() -> None:
        nonlocal sent
        async with limiter.slot() as slot:
            sent += 1
            await asyncio.sleep(0)
            slot.failed()

    results = await asyncio.gather(*(request() for _ in range(20)), return_exceptions=True)
    assert sent == 3
    assert sum(isinstance(result, Retryable) for result in results) == 17


async def test_a_cancelled_wait_gives_its_token_back(time: ManualTime) -> None:
    limiter = limiter_of(time, rate=1, burst=1)
    await succeed(limiter)
    waiting = asyncio.create_task(succeed(limiter))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    time.slept.clear()
    time.pass_by(1)
    await succeed(limiter)
    assert time.slept == []
    assert limiter.in_flight == 0


@given(
    rate=st.floats(0.5, 50),
    burst=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
async def test_no_window_of_time_sees_more_than_burst_plus_rate(
    rate: float, burst: int, gaps: list[float]
) -> None:
    time = ManualTime()
    limiter = limiter_of(time, rate=rate, burst=burst)
    sent = []
    for gap in gaps:
        time.pass_by(gap)
        await succeed(limiter)
        sent.append(time.now)
    for first, start in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= burst + rate * (sent[last] - start) + 1e-6
