"""DELETE, finalizers and preconditions."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, Answer, Objects

FINALIZER = "x-sevenai.com/conformance"


@pytest.fixture
def held(tenants: Objects) -> Answer:
    """An object that a finalizer holds."""
    body = bodies.tenant("held")
    body["metadata"]["finalizers"] = [FINALIZER]
    return tenants.create(body).done()


def test_what_is_deleted_is_gone(tenants: Objects) -> None:
    uid = tenants.create(bodies.tenant("cafe")).done().metadata["uid"]

    answer = tenants.delete("cafe").done()

    details = {"name": "cafe", "group": GROUP, "kind": "businesstenants", "uid": uid}
    assert (answer.code, answer.body["kind"], answer.body["status"]) == (200, "Status", "Success")
    assert answer.body["details"] == details
    assert tenants.get("cafe").code == 404


def test_what_is_not_there_cannot_be_deleted(tenants: Objects) -> None:
    answer = tenants.delete("nobody")

    assert answer.refusal == (404, "NotFound", f'businesstenants.{GROUP} "nobody" not found')


def test_a_finalizer_holds_what_is_deleted(tenants: Objects, held: Answer) -> None:
    answer = tenants.delete("held").done()

    assert answer.body["kind"] == "BusinessTenant"
    assert answer.metadata["deletionTimestamp"] >= answer.metadata["creationTimestamp"]
    assert answer.metadata["deletionGracePeriodSeconds"] == 0
    assert answer.metadata["finalizers"] == [FINALIZER]
    assert answer.metadata["generation"] == 2, "a deletion is a change of what is wanted"
    assert tenants.get("held").body == answer.body


def test_deleting_again_changes_nothing(tenants: Objects, held: Answer) -> None:
    first = tenants.delete("held").done()

    assert tenants.delete("held").done().body == first.body


def test_it_goes_with_its_last_finalizer(tenants: Objects, held: Answer) -> None:
    tenants.merge("held", {"metadata": {"finalizers": [FINALIZER, "x-sevenai.com/other"]}}).done()
    tenants.delete("held").done()

    tenants.merge("held", {"metadata": {"finalizers": [FINALIZER]}}).done()
    assert tenants.get("held").code == 200

    last = tenants.merge("held", {"metadata": {"finalizers": None}}).done()
    assert "deletionTimestamp" in last.metadata
    assert tenants.get("held").code == 404


def test_a_finalizer_removed_before_the_deletion_does_not_delete(tenants: Objects, held: Answer) -> None:
    tenants.merge("held", {"metadata": {"finalizers": []}}).done()

    assert "deletionTimestamp" not in tenants.get("held").done().metadata


def test_no_finalizer_is_added_to_what_is_going(tenants: Objects, held: Answer) -> None:
    tenants.delete("held").done()

    answer = tenants.merge("held", {"metadata": {"finalizers": [FINALIZER, "x-sevenai.com/late"]}})

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.causes[0] == (
        "FieldValueForbidden",
        "metadata.finalizers",
        (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
            '[]string{"x-sevenai.com/late"}'
        ),
    )


def test_what_is_going_can_still_be_written(tenants: Objects, held: Answer) -> None:
    tenants.delete("held").done()

    tenants.set_status("held", {"phase": "Deleting"}).done()
    after = tenants.merge("held", {"spec": {"paused": True}}).done()

    assert after.body["status"] == {"phase": "Deleting"}
    assert after.body["spec"]["paused"] is True
    assert after.metadata["generation"] == 3


def test_a_deletion_is_not_taken_back(tenants: Objects, held: Answer) -> None:
    deleted = tenants.delete("held").done()

    after = tenants.merge("held", {"metadata": {"deletionTimestamp": None}}).done()

    assert after.metadata["deletionTimestamp"] == deleted.metadata["deletionTimestamp"]


def test_a_finalizer_without_a_domain_is_warned_about(tenants: Objects, held: Answer) -> None:
    answer = tenants.merge("held", {"metadata": {"finalizers": ["plain"]}}).done()

    assert answer.warnings == (
        (
            'metadata.finalizers: "plain": prefer a domain-qualified finalizer name to avoid accidental conflicts '
            "with other finalizer writers"
        ),
    )


def test_a_deletion_may_name_the_object_it_means(tenants: Objects) -> None:
    uid = tenants.create(bodies.tenant("cafe")).done().metadata["uid"]

    answer = tenants.delete("cafe", {"preconditions": {"uid": "another"}})

    assert answer.refusal == (
        409,
        "Conflict",
        (
            f'Operation cannot be fulfilled on BusinessTenant.{GROUP} "cafe": the UID in the precondition '
            f"(another) does not match the UID in record ({uid}). The object might have been deleted and then "
            "recreated"
        ),
    )
    tenants.delete("cafe", {"preconditions": {"uid": uid}}).done()


def test_a_deletion_may_name_the_version_it_means(tenants: Objects) -> None:
    first = tenants.create(bodies.tenant("cafe")).done()
    second = tenants.merge("cafe", {"spec": {"paused": True}}).done()

    answer = tenants.delete("cafe", {"preconditions": {"resourceVersion": first.revision}})

    assert answer.refusal == (
        409,
        "Conflict",
        (
            f'Operation cannot be fulfilled on BusinessTenant.{GROUP} "cafe": the ResourceVersion in the '
            f"precondition ({first.revision}) does not match the ResourceVersion in record ({second.revision}). "
            "The object might have been modified"
        ),
    )
    tenants.delete("cafe", {"preconditions": {"resourceVersion": second.revision}}).done()


def test_a_collection_is_deleted_by_selector(tenants: Objects) -> None:
    for name, group in (("a", "x"), ("b", "x"), ("c", "y")):
        tenants.create(bodies.tenant(name, labels={"group": group})).done()

    answer = tenants.delete_all(labelSelector="group=x").done()

    assert answer.body["kind"] == "BusinessTenantList"
    assert answer.names == ["a", "b"]
    assert tenants.list().names == ["c"]


def test_a_collection_that_is_deleted_waits_for_finalizers(tenants: Objects, held: Answer) -> None:
    tenants.create(bodies.tenant("free")).done()

    tenants.delete_all().done()

    assert tenants.list().names == ["held"]
    assert "deletionTimestamp" in tenants.get("held").metadata


def test_a_name_can_be_used_again(tenants: Objects) -> None:
    first = tenants.create(bodies.tenant("cafe")).done()
    tenants.delete("cafe").done()

    second = tenants.create(bodies.tenant("cafe")).done()

    assert second.metadata["uid"] != first.metadata["uid"]
    assert int(second.revision) > int(first.revision)
