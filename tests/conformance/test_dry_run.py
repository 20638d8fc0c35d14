"""dryRun=All: everything is checked and nothing is stored."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import Answer, Objects


@pytest.fixture
def cafe(tenants: Objects) -> Answer:
    return tenants.create(bodies.tenant("cafe")).done()


def test_a_creation(tenants: Objects) -> None:
    answer = tenants.create(bodies.tenant("cafe"), dryRun="All")

    assert answer.code == 201
    assert answer.metadata["uid"]
    assert "resourceVersion" not in answer.metadata
    assert tenants.get("cafe").code == 404


def test_a_creation_that_would_be_refused(tenants: Objects, cafe: Answer) -> None:
    assert tenants.create(bodies.tenant("cafe"), dryRun="All").reason == "AlreadyExists"
    assert tenants.create(bodies.tenant("bar", paused="no"), dryRun="All").reason == "Invalid"


def test_an_update(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.replace({**cafe.body, "spec": {"business": {"name": "Bar"}}}, dryRun="All").done()

    assert answer.body["spec"] == {"business": {"name": "Bar"}}
    assert answer.metadata["generation"] == 2
    assert tenants.get("cafe").body == cafe.body


def test_a_patch(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.merge("cafe", {"spec": {"paused": True}}, dryRun="All").done()

    assert answer.body["spec"]["paused"] is True
    assert answer.revision == cafe.revision
    assert tenants.get("cafe").body == cafe.body


def test_a_status(tenants: Objects, cafe: Answer) -> None:
    change = {"status": {"phase": "Ready"}}
    answer = tenants.merge("cafe", change, subresource="status", dryRun="All").done()

    assert answer.body["status"] == {"phase": "Ready"}
    assert tenants.get("cafe").body == cafe.body


def test_a_server_side_apply(tenants: Objects, cafe: Answer) -> None:
    created = tenants.apply(bodies.tenant("new"), "one", dryRun="All")
    changed = tenants.apply(bodies.tenant("cafe", paused=True), "one", dryRun="All").done()

    assert created.code == 201
    assert changed.body["spec"]["paused"] is True
    assert tenants.list().names == ["cafe"]
    assert tenants.get("cafe").body == cafe.body


def test_a_deletion(tenants: Objects, cafe: Answer) -> None:
    assert tenants.delete("cafe", dryRun="All").body["status"] == "Success"
    assert tenants.delete("cafe", {"dryRun": ["All"]}).body["status"] == "Success"
    assert tenants.delete_all(dryRun="All").done().names == ["cafe"]
    assert tenants.get("cafe").body == cafe.body


@pytest.mark.parametrize(("verb", "kind"), [("create", "CreateOptions"), ("delete", "DeleteOptions")])
def test_there_is_no_other_dry_run(tenants: Objects, cafe: Answer, verb: str, kind: str) -> None:
    if verb == "create":
        answer = tenants.create(bodies.tenant("bar"), dryRun="Some")
    else:
        answer = tenants.delete("cafe", dryRun="Some")

    message = 'Unsupported value: ["Some"]: supported values: "All"'
    assert answer.refusal == (422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: dryRun: {message}')
    assert answer.causes == [("FieldValueNotSupported", "dryRun", message)]
