"""PUT, generations and versions."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, Answer, Objects

MODIFIED = (
    409,
    "Conflict",
    (
        f'Operation cannot be fulfilled on businesstenants.{GROUP} "cafe": the object has been modified; please '
        "apply your changes to the latest version and try again"
    ),
)


@pytest.fixture
def cafe(tenants: Objects) -> Answer:
    return tenants.create(bodies.tenant("cafe")).done()


def test_a_change_of_the_spec_is_a_new_version_and_generation(tenants: Objects, cafe: Answer) -> None:
    after = tenants.replace({**cafe.body, "spec": {"business": {"name": "Bar"}}}).done()

    assert after.body["spec"] == {"business": {"name": "Bar"}}
    assert int(after.revision) > int(cafe.revision)
    assert after.metadata["generation"] == 2
    assert after.metadata["uid"] == cafe.metadata["uid"]


def test_a_put_drops_what_it_leaves_out(tenants: Objects) -> None:
    before = tenants.create(bodies.tenant("cafe", labels={"a": "b"}, paused=True)).done()
    del before.body["metadata"]["labels"]
    del before.body["spec"]["paused"]

    after = tenants.replace(before.body).done()

    assert "labels" not in after.metadata
    assert after.body["spec"] == {"business": {"name": "Cafe"}}


def test_labels_and_annotations_are_no_new_generation(tenants: Objects, cafe: Answer) -> None:
    cafe.body["metadata"] |= {"labels": {"a": "b"}, "annotations": {"c": "d"}}

    after = tenants.replace(cafe.body).done()

    assert (after.metadata["labels"], after.metadata["annotations"]) == ({"a": "b"}, {"c": "d"})
    assert after.metadata["generation"] == 1
    assert after.revision != cafe.revision


def test_writing_what_is_there_already_is_no_new_version(tenants: Objects, cafe: Answer) -> None:
    assert tenants.replace(cafe.body).done().body == cafe.body


def test_identity_cannot_be_changed(tenants: Objects, cafe: Answer) -> None:
    changed = {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 9}

    after = tenants.replace({**cafe.body, "metadata": {**cafe.metadata, **changed}}).done()

    assert after.body == cafe.body


def test_an_older_version_is_a_conflict(tenants: Objects, cafe: Answer) -> None:
    tenants.merge("cafe", {"spec": {"paused": True}}).done()

    answer = tenants.replace({**cafe.body, "spec": {"business": {"name": "Bar"}}})

    assert answer.refusal == MODIFIED
    assert tenants.get("cafe").body["spec"] == {"business": {"name": "Cafe"}, "paused": True}


def test_a_put_names_the_version_it_replaces(tenants: Objects, cafe: Answer) -> None:
    del cafe.body["metadata"]["resourceVersion"]

    answer = tenants.replace(cafe.body)

    message = "Invalid value: 0: must be specified for an update"
    assert answer.refusal == (
        422,
        "Invalid",
        f'businesstenants.{GROUP} "cafe" is invalid: metadata.resourceVersion: {message}',
    )
    assert answer.causes == [("FieldValueInvalid", "metadata.resourceVersion", message)]


def test_another_object_of_the_same_name_is_a_conflict(tenants: Objects, cafe: Answer) -> None:
    other = "00000000-0000-0000-0000-000000000000"
    cafe.body["metadata"] |= {"uid": other}
    uid = tenants.get("cafe").metadata["uid"]

    answer = tenants.replace(cafe.body)

    assert (answer.code, answer.reason) == (409, "Conflict")
    expected = f"Precondition failed: UID in precondition: {other}, UID in object meta: {uid}"
    assert answer.message.endswith(expected)


def test_the_name_of_body_and_path_must_agree(tenants: Objects, cafe: Answer) -> None:
    cafe.body["metadata"]["name"] = "bar"

    assert tenants.replace(cafe.body, name="cafe").refusal == (
        400,
        "BadRequest",
        "the name of the object (bar) does not match the name on the URL (cafe)",
    )


def test_a_put_does_not_create(tenants: Objects, cafe: Answer) -> None:
    cafe.body["metadata"] |= {"name": "bar"}

    answer = tenants.replace(cafe.body)

    assert answer.refusal == (404, "NotFound", f'businesstenants.{GROUP} "bar" not found')


def test_an_update_is_validated(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.replace({**cafe.body, "spec": {"business": {"name": ""}}})

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert tenants.get("cafe").body == cafe.body
