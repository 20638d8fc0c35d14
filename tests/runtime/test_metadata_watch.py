import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, anonymous
from controller.runtime.kube_resources import CONFIG_MAPS, NAMESPACES, SECRETS
from controller.runtime.metadata_watch import MetadataWatch
from tests.runtime.eventually import until
from tests.runtime.manual_clock import ManualClock
from tests.runtime.scripted_server import (
    Handler,
    ScriptedServer,
    event,
    listing,
    refuses,
    says,
    status_object,
    streams,
)

Change = tuple[str, str, str]


class Changes(list[Change]):
    """What the watch told."""

    def __call__(self, kind: str, namespace: str, name: str) -> None:
        self.append((kind, namespace, name))


@asynccontextmanager
async def running(watch: MetadataWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def secret(name: str, token: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"token": token}}


async def test_versions_follow_the_cluster(api: KubeApi) -> None:
    changes = Changes()
    watch = MetadataWatch(api, changes)
    before = await api.create(SECRETS, secret("twilio", "one"), "default")
    async with running(watch):
        await asyncio.wait_for(watch.wait_synced(), 5)
        assert watch.version("Secret", "default", "twilio") == before["metadata"]["resourceVersion"]
        assert ("Secret", "default", "twilio") in changes

        changes.clear()
        after = await api.merge_patch(SECRETS, "twilio", {"stringData": {"token": "two"}}, "default")
        await until(lambda: ("Secret", "default", "twilio") in changes)
        assert watch.version("Secret", "default", "twilio") == after["metadata"]["resourceVersion"]

        changes.clear()
        await api.delete(SECRETS, "twilio", "default")
        await until(lambda: ("Secret", "default", "twilio") in changes)
        assert watch.version("Secret", "default", "twilio") is None


async def test_kinds_of_the_same_name_are_told_apart(api: KubeApi) -> None:
    watch = MetadataWatch(api, Changes())
    await api.create(SECRETS, secret("twilio", "one"), "default")
    async with running(watch):
        await asyncio.wait_for(watch.wait_synced(), 5)
        assert watch.version("Secret", "default", "twilio") is not None
        assert watch.version("ConfigMap", "default", "twilio") is None


async def test_only_the_given_namespaces_are_watched(api: KubeApi) -> None:
    for namespace in ("acme", "beta"):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await api.create(NAMESPACES, body)
        await api.create(SECRETS, secret("twilio", "one"), namespace)
    changes = Changes()
    watch = MetadataWatch(api, changes, namespaces=["acme"])
    async with running(watch):
        await asyncio.wait_for(watch.wait_synced(), 5)
        assert watch.version("Secret", "acme", "twilio") is not None
        assert watch.version("Secret", "beta", "twilio") is None
    assert {namespace for _, namespace, _ in changes} == {"acme"}


async def test_nothing_of_what_secrets_hold_is_kept(api: KubeApi) -> None:
    watch = MetadataWatch(api, Changes())
    await api.create(SECRETS, secret("twilio", "hunter2"), "default")
    async with running(watch):
        await asyncio.wait_for(watch.wait_synced(), 5)
        held = repr([scope.properties for scope in watch._watches])
    assert "twilio" in held
    assert "hunter2" not in held


def item(name: str, version: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "acme", "name": name, "resourceVersion": version}}


def expired_event() -> bytes:
    return orjson.dumps({"type": "ERROR", "object": status_object(410, "Expired")}) + b"\n"


BOOKMARK = orjson.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "70"}}}) + b"\n"


@asynccontextmanager
async def watching(
    *answers: Handler,
) -> AsyncIterator[tuple[MetadataWatch, Changes, ScriptedServer, ManualClock]]:
    """A watch of ConfigMaps on a server that gives the answers in turn."""
    clock, changes = ManualClock(), Changes()
    async with ScriptedServer(*answers) as server:
        connection = KubeConnection(anonymous(server.url), clock=clock, random_unit=lambda: 0.0)
        watch = MetadataWatch(
            KubeApi(connection), changes, resources=[CONFIG_MAPS], clock=clock, random_unit=lambda: 0.0
        )
        async with running(watch):
            yield watch, changes, server, clock
        await connection.close()


async def test_after_an_expired_watch_the_list_tells_what_was_missed() -> None:
    first = says(listing("5", item("kept", "1"), item("changed", "2"), item("gone", "3")))
    second = says(listing("9", item("kept", "1"), item("changed", "7"), item("new", "8")))
    async with watching(first, streams(expired_event()), second, streams(hang=True)) as (
        watch,
        changes,
        server,
        _,
    ):
        await until(lambda: len(server.requests) == 4)
        assert sorted(name for _, _, name in changes[3:]) == ["changed", "gone", "new"]
        assert watch.version("ConfigMap", "acme", "changed") == "7"
        assert watch.version("ConfigMap", "acme", "gone") is None


async def test_a_watch_that_breaks_goes_on_where_it_was_after_a_while() -> None:
    broken = streams(event("ADDED", "a", "6"), BOOKMARK, cut=True)
    async with watching(says(listing("5")), broken, streams(hang=True)) as (watch, changes, server, clock):
        await until(lambda: clock.next_wake is not None)
        assert len(server.requests) == 2
        await clock.advance(1)
        await until(lambda: len(server.requests) == 3)
        assert [request.query.get("resourceVersion") for request in server.requests] == [None, "5", "70"]
        assert changes == [("ConfigMap", "acme", "a")]
        assert watch.version("ConfigMap", "acme", "a") == "6"


async def test_a_server_that_ends_watches_at_once_is_not_asked_in_a_hot_loop() -> None:
    async with watching(says(listing("5")), streams()) as (_, _, server, clock):
        for watches in (1, 2, 3):
            await until(lambda: clock.next_wake is not None)
            assert len(server.requests) == 1 + watches
            await clock.advance(1)
            await until(lambda: len(server.requests) == 2 + watches)  # noqa: B023 - awaited at once


async def test_pauses_grow_while_the_lists_are_refused() -> None:
    async with watching(refuses(403, "Forbidden")) as (watch, _, server, clock):
        pauses = []
        for lists in range(1, 9):
            await until(lambda: len(server.requests) == lists and clock.next_wake is not None)  # noqa: B023
            assert clock.next_wake is not None
            pauses.append(clock.next_wake)
            await clock.advance(clock.next_wake)
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
        assert not watch.is_synced


async def test_the_wait_that_the_server_asks_for_is_kept() -> None:
    async with watching(says({}, 429, Retry_After="30")) as (_, _, _, clock):
        await until(lambda: clock.next_wake == 30)
