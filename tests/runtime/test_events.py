import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from controller.runtime.cluster import KubeApi
from controller.runtime.events import EventRecorder, EventSubject
from controller.runtime.kube_connection import KubeConnection, anonymous
from controller.runtime.kube_resources import BUSINESS_TENANTS, EVENTS, PHONE_PROVIDERS
from tests.runtime.eventually import until
from tests.runtime.manual_clock import ManualClock, settle
from tests.runtime.scripted_server import ScriptedServer, breaks, refuses, says

TENANT = EventSubject(BUSINESS_TENANTS, "default", "shop", "uid-1")
PROVIDER = EventSubject(PHONE_PROVIDERS, None, "twilio", "uid-2")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@asynccontextmanager
async def recording(
    api: KubeApi, clock: ManualClock, on_dropped: Callable[[], None] | None = None
) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(api, instance="replica-1", clock=clock, on_dropped=on_dropped)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        task.cancel()
        await asyncio.wait([task])


async def written(recorder: EventRecorder) -> None:
    """Wait until everything whose time has come is written."""
    await settle()
    await until(lambda: not recorder._queue.depth().ready and not recorder._queue.depth().running)


async def events(api: KubeApi) -> list[dict[str, Any]]:
    return list((await api.list(EVENTS)).items)


async def test_an_event_tells_what_happened_to_what(api: KubeApi, clock: ManualClock) -> None:
    async with recording(api, clock) as recorder:
        recorder.normal(TENANT, "NumberBought", "Bought +37120000001.")
        await written(recorder)
    (event,) = await events(api)
    assert event["metadata"]["namespace"] == "default"
    assert event["involvedObject"] == {
        "apiVersion": "x-sevenai.com/v1alpha1",
        "kind": "BusinessTenant",
        "namespace": "default",
        "name": "shop",
        "uid": "uid-1",
    }
    assert (event["type"], event["reason"], event["message"]) == (
        "Normal",
        "NumberBought",
        "Bought +37120000001.",
    )
    assert (event["count"], event["firstTimestamp"]) == (1, "2026-01-01T00:00:00Z")
    assert event["reportingInstance"] == "replica-1"


async def test_events_of_cluster_scoped_objects_stand_in_the_default_namespace(
    api: KubeApi, clock: ManualClock
) -> None:
    async with recording(api, clock) as recorder:
        recorder.warning(PROVIDER, "Unauthorized", "The credentials are refused.")
        await written(recorder)
    (event,) = await events(api)
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["involvedObject"]


async def test_repeats_are_counted_on_one_event_at_most_once_a_minute(
    api: KubeApi, clock: ManualClock
) -> None:
    async with recording(api, clock) as recorder:
        versions = set()
        for _ in range(30):
            recorder.warning(TENANT, "ProviderUnavailable", "Twilio does not answer.")
            await clock.advance(10)
            await written(recorder)
            (event,) = await events(api)
            versions.add(event["metadata"]["resourceVersion"])
        await clock.advance(60)
        await written(recorder)
        (event,) = await events(api)
    assert event["count"] == 30
    assert len(versions) <= 6
    assert event["lastTimestamp"] == "2026-01-01T00:04:50Z"


async def test_what_happens_again_after_ten_minutes_is_a_new_event(api: KubeApi, clock: ManualClock) -> None:
    async with recording(api, clock) as recorder:
        recorder.normal(TENANT, "Repaired", "The webhook was repaired.")
        await written(recorder)
        await clock.advance(601)
        recorder.normal(TENANT, "Repaired", "The webhook was repaired.")
        await written(recorder)
    assert [event["count"] for event in await events(api)] == [1, 1]


async def test_different_sentences_are_different_events(api: KubeApi, clock: ManualClock) -> None:
    async with recording(api, clock) as recorder:
        recorder.normal(TENANT, "Repaired", "The webhook was repaired.")
        recorder.warning(TENANT, "Repaired", "The webhook was repaired.")
        recorder.normal(TENANT, "Repaired", "The settings were repaired.")
        await written(recorder)
    assert len(await events(api)) == 3


async def test_an_event_that_expired_meanwhile_is_told_anew(api: KubeApi, clock: ManualClock) -> None:
    async with recording(api, clock) as recorder:
        recorder.normal(TENANT, "Repaired", "The webhook was repaired.")
        await written(recorder)
        (event,) = await events(api)
        await api.delete(EVENTS, event["metadata"]["name"], "default")
        recorder.normal(TENANT, "Repaired", "The webhook was repaired.")
        await clock.advance(60)
        await written(recorder)
    (event,) = await events(api)
    assert event["count"] == 2


async def test_an_object_that_tells_too_much_is_cut_short_and_others_are_not(
    api: KubeApi, clock: ManualClock
) -> None:
    dropped: list[None] = []
    async with recording(api, clock, lambda: dropped.append(None)) as recorder:
        for number in range(40):
            recorder.normal(TENANT, "Told", f"Sentence {number}.")
        recorder.normal(PROVIDER, "Told", "Another object.")
        await written(recorder)
        assert len(await events(api)) == 26
        assert len(dropped) == 15
        await clock.advance(300)
        recorder.normal(TENANT, "Told", "Five minutes later.")
        recorder.normal(TENANT, "Told", "Once more.")
        await written(recorder)
    assert len(await events(api)) == 27


@pytest.mark.parametrize("answer", [refuses(403, "Forbidden"), refuses(503, "ServiceUnavailable"), breaks()])
async def test_a_refused_event_is_given_up_and_the_next_is_written(clock: ManualClock, answer: Any) -> None:
    dropped: list[None] = []
    async with ScriptedServer(answer) as server:
        connection = KubeConnection(anonymous(server.url), clock=clock)
        async with recording(KubeApi(connection), clock, lambda: dropped.append(None)) as recorder:
            recorder.normal(TENANT, "Told", "First.")
            for _ in range(4):
                await written(recorder)
                await clock.advance(10)
            assert len(dropped) == 1
            assert 1 <= len(server.requests) <= 3
            server.answers[:] = [says({"metadata": {}})]
            server.requests.clear()
            recorder.normal(TENANT, "Told", "Second.")
            await written(recorder)
            assert len(server.requests) == 1
        await connection.close()


async def test_memory_is_bounded_whatever_is_told(api: KubeApi, clock: ManualClock) -> None:
    recorder = EventRecorder(api, instance="replica-1", clock=clock)
    for number in range(6000):
        recorder.normal(EventSubject(BUSINESS_TENANTS, "default", "shop", f"uid-{number}"), "Told", "Hello.")
    assert len(recorder._series) == 4096
    assert len(recorder._buckets) == 4096
    await settle()
    recorder._queue.shutdown()
