"""WATCH: what happens after a version, in order, until the client or the time is gone."""

import time

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import JSON, Api, Objects

FROM_THE_START = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}


def test_events_come_in_order_and_with_the_object(tenants: Objects) -> None:
    revision = tenants.list().revision

    with tenants.watch(resourceVersion=revision) as watch:
        created = tenants.create(bodies.tenant("cafe")).done()
        changed = tenants.merge("cafe", {"spec": {"paused": True}}).done()
        with_status = tenants.set_status("cafe", {"phase": "Paused"}).done()
        tenants.delete("cafe").done()
        events = watch.take(4)

    assert [event.type for event in events] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    assert [event.object for event in events[:3]] == [created.body, changed.body, with_status.body]
    versions = [int(event.object["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions)), "the deletion has a version of its own"
    assert events[3].object["spec"] == changed.body["spec"]


def test_a_watch_begins_behind_its_version(tenants: Objects) -> None:
    first = tenants.create(bodies.tenant("a")).done()
    tenants.create(bodies.tenant("b")).done()
    tenants.delete("a").done()

    with tenants.watch(resourceVersion=first.revision) as watch:
        events = watch.take(2)

    assert [event.summary for event in events] == [("ADDED", "b"), ("DELETED", "a")]


@pytest.mark.parametrize("parameters", [{}, {"resourceVersion": "0"}])
def test_a_watch_without_a_version_begins_with_what_is_there(
    tenants: Objects, parameters: dict[str, str]
) -> None:
    for name in ("a", "b"):
        tenants.create(bodies.tenant(name)).done()

    with tenants.watch(**parameters) as watch:
        present = watch.take(2)
        tenants.create(bodies.tenant("c")).done()
        later = watch.take(1)

    assert sorted(event.summary for event in present) == [("ADDED", "a"), ("ADDED", "b")]
    assert [event.summary for event in later] == [("ADDED", "c")]


def test_a_write_that_changes_nothing_is_no_event(tenants: Objects) -> None:
    revision = tenants.create(bodies.tenant("cafe")).done().revision

    with tenants.watch(resourceVersion=revision) as watch:
        tenants.merge("cafe", {"spec": {"paused": None}}).done()
        tenants.merge("cafe", {"spec": {"paused": False}}).done()
        (event,) = watch.take(1)

    assert event.object["spec"]["paused"] is False


def test_a_deletion_that_waits_is_a_modification(tenants: Objects) -> None:
    body = bodies.tenant("held")
    body["metadata"]["finalizers"] = ["x-sevenai.com/conformance"]
    revision = tenants.create(body).done().revision

    with tenants.watch(resourceVersion=revision) as watch:
        tenants.delete("held").done()
        tenants.merge("held", {"metadata": {"finalizers": None}}).done()
        events = watch.take(2)

    assert [event.type for event in events] == ["MODIFIED", "DELETED"]
    assert all("deletionTimestamp" in event.object["metadata"] for event in events)


def test_objects_come_and_go_as_they_match_a_label_selector(tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe", labels={"tier": "dev"})).done()
    revision = tenants.list().revision

    with tenants.watch(resourceVersion=revision, labelSelector="tier=prod") as watch:
        for tier in ("prod", "prod-2", "prod"):
            tenants.merge("cafe", {"metadata": {"labels": {"tier": tier}}}).done()
        tenants.merge("cafe", {"spec": {"paused": True}}).done()
        tenants.delete("cafe").done()
        events = watch.take(5)

    assert [event.type for event in events] == ["ADDED", "DELETED", "ADDED", "MODIFIED", "DELETED"]
    # What left the selection is told with its last state that matched, at the version at which it left.
    assert events[1].object["metadata"]["labels"] == {"tier": "prod"}
    versions = [int(event.object["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


def test_one_object_is_watched_by_its_name(tenants: Objects) -> None:
    revision = tenants.list().revision

    with tenants.watch(resourceVersion=revision, fieldSelector="metadata.name=b") as watch:
        for name in ("a", "b"):
            tenants.create(bodies.tenant(name)).done()
        tenants.delete("b").done()
        events = watch.take(2)

    assert [event.summary for event in events] == [("ADDED", "b"), ("DELETED", "b")]


def test_a_watch_of_a_namespace_sees_no_other(api: Api, tenants: Objects, shared_namespace: str) -> None:
    revision = tenants.list().revision

    with tenants.watch(resourceVersion=revision) as watch:
        body = bodies.tenant()
        body["metadata"] = {"generateName": "elsewhere-"}
        api.tenants(shared_namespace).create(body).done()
        tenants.create(bodies.tenant("here")).done()
        (event,) = watch.take(1)

    assert event.summary == ("ADDED", "here")


def test_a_watch_of_all_namespaces_sees_each(api: Api, tenants: Objects, namespace: str) -> None:
    everywhere = api.tenants()
    revision = everywhere.list().revision

    with everywhere.watch(resourceVersion=revision) as watch:
        tenants.create(bodies.tenant("here")).done()
        event = next(one for one in watch if one.object["metadata"]["namespace"] == namespace)

    assert event.summary == ("ADDED", "here")


def test_the_server_ends_a_watch_in_time(tenants: Objects) -> None:
    revision = tenants.list().revision
    started = time.monotonic()

    with tenants.watch(resourceVersion=revision, timeoutSeconds="1") as watch:
        assert list(watch) == []

    assert 0.5 < time.monotonic() - started < 5


def test_a_version_that_is_forgotten_ends_the_watch(tenants: Objects) -> None:
    with tenants.watch(resourceVersion="1") as watch:
        events = list(watch)

    assert [event.type for event in events] == ["ERROR"]
    status = events[0].object
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")


def test_a_list_can_be_had_as_a_watch(tenants: Objects) -> None:
    for name in ("a", "b", "c"):
        tenants.create(bodies.tenant(name, labels={"half": str(name < "c")})).done()
    newest = tenants.delete("b").done()

    with tenants.watch(**FROM_THE_START, allowWatchBookmarks="true") as watch:
        events = watch.take(3)
        tenants.create(bodies.tenant("d")).done()
        (later,) = watch.take(1)

    assert newest.code == 200
    assert [event.summary for event in events[:2]] == [("ADDED", "a"), ("ADDED", "c")]
    end = events[2]
    assert end.type == "BOOKMARK"
    assert end.object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert (end.object["kind"], end.object["apiVersion"]) == ("BusinessTenant", bodies.API_VERSION)
    assert int(end.object["metadata"]["resourceVersion"]) > int(
        events[1].object["metadata"]["resourceVersion"]
    )
    assert later.summary == ("ADDED", "d")


def test_a_list_as_a_watch_keeps_to_its_selector(tenants: Objects) -> None:
    for name in ("a", "b"):
        tenants.create(bodies.tenant(name, labels={"name": name})).done()

    parameters = {**FROM_THE_START, "allowWatchBookmarks": "true", "labelSelector": "name=b"}
    with tenants.watch(**parameters) as watch:
        events = watch.take(2)

    assert [event.type for event in events] == ["ADDED", "BOOKMARK"]
    assert events[0].summary == ("ADDED", "b")


def test_initial_events_need_the_match_not_older_than(tenants: Objects) -> None:
    answer = tenants.send("GET", "", None, JSON, {"watch": "true", "sendInitialEvents": "true"})

    message = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    assert answer.refusal == (
        422,
        "Invalid",
        f'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: {message}',
    )


def test_bookmarks_tell_who_asked_for_them_how_far_a_quiet_watch_is(tenants: Objects) -> None:
    created = tenants.create(bodies.tenant("cafe")).done()

    # They come near the end of a watch, whatever the usual interval is.
    parameters = {"timeoutSeconds": "5", "resourceVersion": created.revision}
    with (
        tenants.watch(**parameters) as plain,
        tenants.watch(**parameters, allowWatchBookmarks="true") as watch,
    ):
        changed = tenants.merge("cafe", {"spec": {"paused": True}}).done()
        events = list(watch)
        without = list(plain)

    assert [event.type for event in without] == ["MODIFIED"]
    assert events[0].type == "MODIFIED"
    assert {event.type for event in events[1:]} == {"BOOKMARK"}
    bookmark = events[-1].object
    assert set(bookmark) == {"apiVersion", "kind", "metadata"}
    assert int(bookmark["metadata"]["resourceVersion"]) >= int(changed.revision)


@pytest.mark.parametrize("truth", ["true", "1", "True"])
def test_a_watch_is_asked_for_by_any_truth(tenants: Objects, truth: str) -> None:
    revision = tenants.list().revision
    tenants.create(bodies.tenant("cafe")).done()

    with tenants.watch(watch=truth, resourceVersion=revision) as watch:
        assert [event.summary for event in watch.take(1)] == [("ADDED", "cafe")]


def test_built_in_kinds_are_watched_alike(api: Api, namespace: str) -> None:
    secrets = api.core(namespace, "secrets")
    revision = secrets.list().revision

    with secrets.watch(resourceVersion=revision, fieldSelector="metadata.name=token") as watch:
        secrets.create(bodies.core("Secret", "token", stringData={"a": "1"})).done()
        secrets.merge("token", {"stringData": {"a": "2"}}).done()
        secrets.delete("token").done()
        events = watch.take(3)

    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert [event.object["data"]["a"] for event in events] == ["MQ==", "Mg==", "Mg=="]
    assert {event.object["kind"] for event in events} == {"Secret"}
