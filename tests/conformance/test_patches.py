"""The three kinds of PATCH that say what to change."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, Answer, Api, Body, Objects
from tests.conformance.test_updates import MODIFIED

REJECTED = (422, "Invalid", "the server rejected our request due to an error in our request")
ACCEPTED_PATCHES = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
)


@pytest.fixture
def cafe(tenants: Objects) -> Answer:
    body = bodies.tenant("cafe", labels={"a": "b"}, ai={"route": "None", "features": ["menu", "delivery"]})
    return tenants.create(body).done()


def test_a_merge_patch_adds_changes_and_removes(tenants: Objects, cafe: Answer) -> None:
    change = {"metadata": {"labels": {"a": None, "c": "d"}}, "spec": {"business": {"about": "Open"}}}

    after = tenants.merge("cafe", change).done()

    assert after.metadata["labels"] == {"c": "d"}
    assert after.body["spec"]["business"] == {"name": "Cafe", "about": "Open"}
    assert after.metadata["generation"] == 2


def test_a_merge_patch_replaces_a_list_as_a_whole(tenants: Objects, cafe: Answer) -> None:
    after = tenants.merge("cafe", {"spec": {"ai": {"features": ["menu", "reservations"]}}}).done()

    assert after.body["spec"]["ai"]["features"] == ["menu", "reservations"]


@pytest.mark.parametrize("change", [{}, {"spec": {"paused": None}}, {"metadata": {"labels": {"a": "b"}}}])
def test_a_merge_patch_that_changes_nothing_is_no_new_version(
    tenants: Objects, cafe: Answer, change: Body
) -> None:
    assert tenants.merge("cafe", change).done().body == cafe.body


def test_a_merge_patch_may_name_the_version_it_is_for(tenants: Objects, cafe: Answer) -> None:
    change = {"metadata": {"resourceVersion": cafe.revision}, "spec": {"paused": True}}

    tenants.merge("cafe", change).done()

    assert tenants.merge("cafe", change).refusal == MODIFIED


def test_a_merge_patch_of_the_status_may_name_the_version_it_is_for(tenants: Objects, cafe: Answer) -> None:
    tenants.merge("cafe", {"spec": {"paused": True}}).done()
    change = {"metadata": {"resourceVersion": cafe.revision}, "status": {"phase": "Ready"}}

    assert tenants.merge("cafe", change, subresource="status").refusal == MODIFIED


def test_a_merge_patch_cannot_rename(tenants: Objects, cafe: Answer) -> None:
    assert tenants.merge("cafe", {"metadata": {"name": "bar"}}).refusal == (
        400,
        "BadRequest",
        "the name of the object (bar) does not match the name on the URL (cafe)",
    )


def test_a_merge_patch_of_what_is_not_there_is_not_found(tenants: Objects) -> None:
    answer = tenants.merge("nobody", {})

    assert answer.refusal == (404, "NotFound", f'businesstenants.{GROUP} "nobody" not found')


def test_a_merge_patch_is_an_object(tenants: Objects, cafe: Answer) -> None:
    assert tenants.merge("cafe", [1]).refusal == (
        400,
        "BadRequest",
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    )


def test_a_patch_is_validated(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.merge("cafe", {"spec": {"business": None}})

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.causes[0] == ("FieldValueRequired", "spec.business", "Required value")
    assert tenants.get("cafe").body == cafe.body


def test_a_json_patch_adds_replaces_and_removes(tenants: Objects, cafe: Answer) -> None:
    operations: list[Body] = [
        {"op": "add", "path": "/spec/paused", "value": True},
        {"op": "replace", "path": "/spec/business/name", "value": "Bar"},
        {"op": "remove", "path": "/metadata/labels/a"},
        {"op": "add", "path": "/spec/ai/features/-", "value": "reservations"},
        {"op": "add", "path": "/metadata/annotations", "value": {"x-sevenai.com/paused": "true"}},
    ]

    after = tenants.json_patch("cafe", operations).done()

    assert after.body["spec"] == {
        "paused": True,
        "business": {"name": "Bar"},
        "ai": {"route": "None", "features": ["menu", "delivery", "reservations"]},
    }
    assert "labels" not in after.metadata
    assert after.metadata["annotations"] == {"x-sevenai.com/paused": "true"}


def test_a_json_patch_escapes_slashes_in_keys(tenants: Objects, cafe: Answer) -> None:
    tenants.merge("cafe", {"metadata": {"annotations": {"x-sevenai.com/paused": "true"}}}).done()
    remove = {"op": "remove", "path": "/metadata/annotations/x-sevenai.com~1paused"}

    assert "annotations" not in tenants.json_patch("cafe", [remove]).done().metadata


def test_a_json_patch_tests_the_version_it_is_for(tenants: Objects, cafe: Answer) -> None:
    operations: list[Body] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": cafe.revision},
        {"op": "add", "path": "/spec/paused", "value": True},
    ]

    tenants.json_patch("cafe", operations).done()

    assert tenants.json_patch("cafe", operations).refusal == REJECTED


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/spec/nothing"},
        {"op": "replace", "path": "/spec/nothing/below", "value": 1},
        {"op": "test", "path": "/spec/business/name", "value": "Bar"},
        {"op": "shake", "path": "/spec"},
    ],
    ids=["remove-missing", "replace-missing", "failed-test", "unknown"],
)
def test_a_json_patch_that_cannot_be_applied_changes_nothing(
    tenants: Objects, cafe: Answer, operation: Body
) -> None:
    first = {"op": "add", "path": "/spec/paused", "value": True}

    assert tenants.json_patch("cafe", [first, operation]).refusal == REJECTED
    assert tenants.get("cafe").body == cafe.body


def test_a_json_patch_of_the_status_leaves_the_rest(tenants: Objects, cafe: Answer) -> None:
    operations: list[Body] = [
        {"op": "add", "path": "/status", "value": {"phase": "Ready"}},
        {"op": "add", "path": "/spec/paused", "value": True},
    ]

    after = tenants.json_patch("cafe", operations, subresource="status").done()

    assert after.body["status"] == {"phase": "Ready"}
    assert "paused" not in after.body["spec"]


def test_custom_kinds_know_no_strategic_merge(tenants: Objects, cafe: Answer) -> None:
    assert tenants.strategic_merge("cafe", {}).refusal == (415, "UnsupportedMediaType", ACCEPTED_PATCHES)


def test_a_patch_needs_its_media_type(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.send("PATCH", "cafe", {}, "application/json", {})

    assert answer.refusal == (415, "UnsupportedMediaType", ACCEPTED_PATCHES)


def test_built_in_kinds_are_merged_strategically(api: Api, namespace: str) -> None:
    config_maps = api.core(namespace, "configmaps")
    config_maps.create(bodies.core("ConfigMap", "menu", data={"a": "1", "b": "2"})).done()

    after = config_maps.strategic_merge("menu", {"data": {"a": None, "c": "3"}}).done()

    assert after.body["data"] == {"b": "2", "c": "3"}


def test_a_strategic_merge_joins_lists_by_their_key(api: Api, namespace: str) -> None:
    config_maps = api.core(namespace, "configmaps")
    owners = [config_maps.create(bodies.core("ConfigMap", name)).done() for name in ("a", "b")]
    first, second = (
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner.metadata["name"],
            "uid": owner.metadata["uid"],
        }
        for owner in owners
    )
    finalizers = ["x-sevenai.com/held"]
    body = bodies.core("ConfigMap", "owned", metadata={"ownerReferences": [first], "finalizers": finalizers})
    config_maps.create(body).done()

    change = {"metadata": {"ownerReferences": [second], "finalizers": ["x-sevenai.com/too"]}}
    after = config_maps.strategic_merge("owned", change).done()

    assert {owner["name"] for owner in after.metadata["ownerReferences"]} == {"a", "b"}
    assert sorted(after.metadata["finalizers"]) == ["x-sevenai.com/held", "x-sevenai.com/too"]
    config_maps.merge("owned", {"metadata": {"finalizers": None}})
