"""The status subresource: what the operator writes and what users write do not touch."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, MANAGER, Answer, Objects
from tests.conformance.test_updates import MODIFIED


@pytest.fixture
def cafe(tenants: Objects) -> Answer:
    tenants.create(bodies.tenant("cafe")).done()
    return tenants.set_status("cafe", {"phase": "Pending"}).done()


def test_a_new_object_has_no_status(tenants: Objects) -> None:
    answer = tenants.create({**bodies.tenant("cafe"), "status": {"phase": "Ready"}}).done()

    assert "status" not in answer.body


def test_a_write_to_the_object_leaves_the_status(tenants: Objects, cafe: Answer) -> None:
    cafe.body["spec"]["paused"] = True

    after = tenants.replace({**cafe.body, "status": {"phase": "Ready"}}).done()

    assert after.body["status"] == {"phase": "Pending"}
    assert after.body["spec"]["paused"] is True


def test_a_put_without_the_status_leaves_it(tenants: Objects, cafe: Answer) -> None:
    del cafe.body["status"]
    cafe.body["spec"]["paused"] = True

    assert tenants.replace(cafe.body).done().body["status"] == {"phase": "Pending"}


def test_a_patch_of_the_status_at_the_object_does_nothing(tenants: Objects, cafe: Answer) -> None:
    assert tenants.merge("cafe", {"status": {"phase": "Ready"}}).done().body == cafe.body


def test_a_write_to_the_status_leaves_everything_else(tenants: Objects, cafe: Answer) -> None:
    change = {
        "status": {"phase": "Ready"},
        "spec": {"paused": True},
        "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["x-sevenai.com/f"]},
    }

    after = tenants.merge("cafe", change, subresource="status").done()

    assert after.body["status"] == {"phase": "Ready"}
    assert after.body["spec"] == cafe.body["spec"]
    assert not {"labels", "annotations", "finalizers"} & after.metadata.keys()


def test_a_put_to_the_status_replaces_it(tenants: Objects, cafe: Answer) -> None:
    body = {**cafe.body, "status": {"message": "Live."}, "spec": {"business": {"name": "Bar"}}}

    after = tenants.replace(body, subresource="status").done()

    assert after.body["status"] == {"message": "Live."}
    assert after.body["spec"] == {"business": {"name": "Cafe"}}


def test_a_put_to_the_status_names_the_version(tenants: Objects, cafe: Answer) -> None:
    tenants.set_status("cafe", {"phase": "Ready"}).done()

    assert tenants.replace(cafe.body, subresource="status").refusal == MODIFIED


def test_a_new_status_is_a_new_version_but_no_new_generation(tenants: Objects, cafe: Answer) -> None:
    after = tenants.set_status("cafe", {"phase": "Ready"}).done()

    assert after.metadata["generation"] == 1
    assert int(after.revision) > int(cafe.revision)


def test_the_same_status_is_no_new_version(tenants: Objects, cafe: Answer) -> None:
    assert tenants.set_status("cafe", {"phase": "Pending"}).done().revision == cafe.revision


def test_the_status_can_be_read_by_itself_and_is_the_whole_object(tenants: Objects, cafe: Answer) -> None:
    assert tenants.get("cafe", subresource="status").done().body == cafe.body


def test_the_status_is_remembered_under_its_subresource(cafe: Answer) -> None:
    entries = [
        (entry["manager"], entry.get("subresource", ""), entry["fieldsV1"])
        for entry in cafe.metadata["managedFields"]
    ]

    assert entries == [
        (MANAGER, "", {"f:spec": {".": {}, "f:business": {".": {}, "f:name": {}}}}),
        (MANAGER, "status", {"f:status": {".": {}, "f:phase": {}}}),
    ]


def test_the_status_is_validated(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.set_status("cafe", {"phase": "Perfect"})

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.causes[0] == (
        "FieldValueNotSupported",
        "status.phase",
        (
            'Unsupported value: "Perfect": supported values: "Pending", "Provisioning", "WaitingForPairing", '
            '"WaitingForApproval", "Ready", "Degraded", "Stalled", "Paused", "Deleting"'
        ),
    )


def test_a_condition_is_complete(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.set_status("cafe", {"conditions": [{"type": "Ready"}]})

    missing = [(field, message) for _, field, message in answer.causes]
    assert missing[:4] == [
        (f"status.conditions[0].{name}", "Required value")
        for name in ("status", "reason", "message", "lastTransitionTime")
    ]


def test_a_condition_is_there_once(tenants: Objects, cafe: Answer) -> None:
    twice = {"conditions": [bodies.condition("Ready"), bodies.condition("Ready", "False")]}

    answer = tenants.set_status("cafe", twice)

    assert answer.causes == [
        ("FieldValueDuplicate", "status.conditions[1]", 'Duplicate value: {"type":"Ready"}')
    ]


def test_a_time_is_a_time(tenants: Objects, cafe: Answer) -> None:
    late = {"conditions": [bodies.condition("Ready", lastTransitionTime="yesterday")]}

    answer = tenants.set_status("cafe", late)

    assert answer.causes[0] == (
        "FieldValueTypeInvalid",
        "status.conditions[0].lastTransitionTime",
        (
            'Invalid value: "yesterday": conditions[0].lastTransitionTime in body must be of type date-time: '
            '"yesterday"'
        ),
    )


def test_there_is_no_status_of_what_is_not_there(tenants: Objects) -> None:
    answer = tenants.set_status("nobody", {"phase": "Ready"})

    assert answer.refusal == (404, "NotFound", f'businesstenants.{GROUP} "nobody" not found')
