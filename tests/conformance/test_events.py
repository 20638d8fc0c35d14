"""Events, which tell people what the operator did."""

import pytest

from tests.conformance.api_client import Api, Body, Objects

TIME = "2026-01-01T00:00:00Z"


@pytest.fixture
def events(api: Api, namespace: str) -> Objects:
    return api.core(namespace, "events")


def event(name: str, namespace: str, *, about: str = "cafe", reason: str = "Bought", **more: object) -> Body:
    involved = {
        "apiVersion": "x-sevenai.com/v1alpha1",
        "kind": "BusinessTenant",
        "name": about,
        "namespace": namespace,
        "uid": "0",
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": involved,
        "reason": reason,
        "message": "A number was bought.",
        "type": "Normal",
        "firstTimestamp": TIME,
        "lastTimestamp": TIME,
        "count": 1,
        "source": {"component": "tenant-operator"},
        **more,
    }


def test_an_event_is_stored_as_it_was_sent(events: Objects, namespace: str) -> None:
    body = event("cafe.1", namespace)

    answer = events.create(body).done()

    kept = {key: answer.body[key] for key in body if key != "metadata"}
    assert kept == {key: value for key, value in body.items() if key != "metadata"}
    # Always there, as the time of the old API may be missing.
    assert (answer.body["eventTime"], answer.body["reportingComponent"]) == (None, "")


def test_an_event_is_counted_up(events: Objects, namespace: str) -> None:
    events.create(event("cafe.1", namespace)).done()

    answer = events.merge("cafe.1", {"count": 2, "lastTimestamp": "2026-01-01T00:05:00Z"}).done()

    assert (answer.body["count"], answer.body["firstTimestamp"]) == (2, TIME)
    assert answer.body["lastTimestamp"] == "2026-01-01T00:05:00Z"


def test_an_event_may_get_its_name_from_the_server(events: Objects, namespace: str) -> None:
    body = {**event("", namespace), "metadata": {"generateName": "cafe-"}}

    assert events.create(body).done().metadata["name"].startswith("cafe-")


def test_an_event_is_in_the_namespace_of_what_it_is_about(events: Objects) -> None:
    answer = events.create(event("cafe.1", "elsewhere"))

    message = 'Invalid value: "elsewhere": does not match event.namespace'
    assert answer.refusal == (
        422,
        "Invalid",
        f'Event "cafe.1" is invalid: involvedObject.namespace: {message}',
    )


def test_an_event_about_what_has_no_namespace_is_in_the_default_one(api: Api, name: str) -> None:
    body = event(name, "", about="twilio-eu")
    del body["involvedObject"]["namespace"]

    events = api.core("default", "events")
    events.create(body).done()
    events.delete(name).done()


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("involvedObject.name=cafe", ["cafe.1", "cafe.2"]),
        ("involvedObject.name=cafe,reason=Lost", ["cafe.2"]),
        ("involvedObject.kind=BusinessTenant,involvedObject.name!=cafe", ["bar.1"]),
        ("type=Warning", ["cafe.2"]),
        ("involvedObject.uid=0,source=tenant-operator,type=Normal", ["bar.1", "cafe.1"]),
        ("involvedObject.kind=Pod", []),
    ],
)
def test_events_are_selected_by_what_they_are_about(
    events: Objects, namespace: str, selector: str, names: list[str]
) -> None:
    events.create(event("cafe.1", namespace)).done()
    events.create(event("cafe.2", namespace, reason="Lost", type="Warning")).done()
    events.create(event("bar.1", namespace, about="bar")).done()

    assert sorted(events.list(fieldSelector=selector).done().names) == names


def test_the_newer_group_serves_the_same_events(api: Api, events: Objects, namespace: str) -> None:
    events.create(event("cafe.1", namespace)).done()

    newer = api.objects(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events").get("cafe.1").done().body

    assert (newer["kind"], newer["apiVersion"]) == ("Event", "events.k8s.io/v1")
    assert (newer["note"], newer["regarding"]["name"]) == ("A number was bought.", "cafe")
    assert (newer["deprecatedCount"], newer["deprecatedSource"]) == (1, {"component": "tenant-operator"})


def test_the_newer_group_takes_events_too(api: Api, events: Objects, namespace: str) -> None:
    newer = api.objects(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")
    regarding = {"kind": "BusinessTenant", "name": "cafe", "namespace": namespace}
    body = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "cafe.1"},
        "regarding": regarding,
        "reason": "Bought",
        "action": "Buy",
        "note": "A number was bought.",
        "type": "Normal",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "x-sevenai.com/tenant-operator",
        "reportingInstance": "tenant-operator-0",
    }

    newer.create(body).done()

    older = events.get("cafe.1").done().body
    assert (older["message"], older["involvedObject"]) == ("A number was bought.", regarding)
    assert older["eventTime"] == "2026-01-01T00:00:00.000000Z"


def test_the_newer_group_asks_for_more(api: Api, namespace: str) -> None:
    newer = api.objects(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")
    body = {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "cafe.1"}, "type": "Odd"}

    answer = newer.create({**body, "regarding": {"namespace": namespace}, "reason": "Bought"})

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert ("FieldValueRequired", "eventTime", "Required value") in answer.causes
