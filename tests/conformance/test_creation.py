"""POST and GET."""

import re

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, MANAGER, Api, Body, Objects

LONG_NAME = "a" * 254
NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def test_an_object_gets_its_identity_from_the_server(tenants: Objects, namespace: str) -> None:
    answer = tenants.create(bodies.tenant("cafe"))

    assert answer.code == 201
    metadata = answer.metadata
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["creationTimestamp"])
    assert metadata["resourceVersion"].isdigit()
    assert (metadata["name"], metadata["namespace"], metadata["generation"]) == ("cafe", namespace, 1)
    assert tenants.get("cafe").body == answer.body


def test_what_was_written_is_remembered_by_manager_and_field(tenants: Objects) -> None:
    metadata = tenants.create(bodies.tenant("cafe", labels={"team": "a"})).done().metadata

    (entry,) = metadata["managedFields"]
    assert entry.pop("time") == metadata["creationTimestamp"]
    assert entry == {
        "manager": MANAGER,
        "operation": "Update",
        "apiVersion": bodies.API_VERSION,
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {"f:labels": {".": {}, "f:team": {}}},
            "f:spec": {".": {}, "f:business": {".": {}, "f:name": {}}},
        },
    }


def test_a_client_may_name_its_field_manager(tenants: Objects) -> None:
    metadata = tenants.create(bodies.tenant("cafe"), fieldManager="kopf").done().metadata

    assert [entry["manager"] for entry in metadata["managedFields"]] == ["kopf"]


def test_identity_that_a_client_invents_is_overwritten(tenants: Objects) -> None:
    body = bodies.tenant("cafe")
    invented = {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7}
    body["metadata"].update(invented)

    metadata = tenants.create(body).done().metadata

    assert metadata["generation"] == 1
    assert metadata["uid"] != "mine"
    assert metadata["creationTimestamp"] > "2020"


def test_a_name_can_be_generated(tenants: Objects) -> None:
    body = bodies.tenant()
    body["metadata"] = {"generateName": "cafe-"}

    names = {tenants.create(body).done().metadata["name"] for _ in range(3)}

    assert len(names) == 3
    assert all(re.fullmatch(r"cafe-[a-z0-9]{5}", name) for name in names)


def test_a_name_is_taken_once(tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    answer = tenants.create(bodies.tenant("cafe"))

    assert answer.refusal == (409, "AlreadyExists", f'businesstenants.{GROUP} "cafe" already exists')
    assert answer.body["details"] == {"name": "cafe", "group": GROUP, "kind": "businesstenants"}


def test_the_same_name_in_another_namespace_is_another_object(
    api: Api, tenants: Objects, shared_namespace: str
) -> None:
    first = tenants.create(bodies.tenant("twin")).done()
    second = api.tenants(shared_namespace).create(bodies.tenant("twin")).done()

    assert first.metadata["uid"] != second.metadata["uid"]


def test_what_is_not_there_is_not_found(tenants: Objects) -> None:
    answer = tenants.get("nobody")

    assert answer.refusal == (404, "NotFound", f'businesstenants.{GROUP} "nobody" not found')
    assert answer.body["details"] == {"name": "nobody", "group": GROUP, "kind": "businesstenants"}
    assert answer.body["status"] == "Failure"


def test_nothing_is_created_in_a_namespace_that_is_not_there(api: Api) -> None:
    answer = api.tenants("no-such-namespace").create(bodies.tenant())

    assert answer.refusal == (404, "NotFound", 'namespaces "no-such-namespace" not found')


def test_a_namespace_that_is_not_there_lists_nothing(api: Api) -> None:
    assert api.tenants("no-such-namespace").list().done().names == []


def test_the_namespace_of_body_and_path_must_agree(tenants: Objects) -> None:
    body = bodies.tenant()
    body["metadata"]["namespace"] = "elsewhere"

    assert tenants.create(body).refusal == (
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
    )


def test_a_new_object_has_no_version_yet(tenants: Objects) -> None:
    body = bodies.tenant()
    body["metadata"]["resourceVersion"] = "5"

    answer = tenants.create(body)

    assert (answer.code, answer.message) == (
        500,
        "resourceVersion should not be set on objects to be created",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"apiVersion": f"{GROUP}/v1"},
            (
                f"the API version in the data ({GROUP}/v1) does not match the expected API version "
                f"({bodies.API_VERSION})"
            ),
        ),
        (
            {"apiVersion": "v1"},
            f"the API version in the data (v1) does not match the expected API version ({bodies.API_VERSION})",
        ),
    ],
)
def test_another_version_is_refused(tenants: Objects, change: Body, message: str) -> None:
    assert tenants.create({**bodies.tenant(), **change}).refusal == (400, "BadRequest", message)


def test_another_kind_is_refused(tenants: Objects) -> None:
    answer = tenants.create({**bodies.tenant("cafe"), "kind": "PhoneProvider"})

    message = 'Invalid value: "PhoneProvider": must be BusinessTenant'
    assert answer.refusal == (422, "Invalid", f'PhoneProvider.{GROUP} "cafe" is invalid: kind: {message}')
    assert answer.causes == [("FieldValueInvalid", "kind", message)]


def test_a_body_without_a_kind_is_not_recognised(tenants: Objects) -> None:
    answer = tenants.create({"metadata": {"name": "b"}})

    assert answer.refusal == (
        400,
        "BadRequest",
        (
            "the object provided is unrecognized (must be of type BusinessTenant): Object 'Kind' is missing in "
            """'{"metadata": {"name": "b"}}' ({"metadata": {"name": "b"}})"""
        ),
    )


def test_a_body_that_is_not_json_is_not_recognised(tenants: Objects) -> None:
    answer = tenants.send("POST", "", b"{", "application/json", {})

    assert answer.refusal == (
        400,
        "BadRequest",
        (
            "the object provided is unrecognized (must be of type BusinessTenant): couldn't get version/kind; "
            "json parse error: unexpected end of JSON input ({)"
        ),
    )


def test_a_body_may_be_yaml(tenants: Objects) -> None:
    text = (
        f"apiVersion: {bodies.API_VERSION}\nkind: BusinessTenant\nmetadata: {{name: cafe}}\n"
        'spec: {business: {name: "Yes"}, paused: Yes}\n'
    )

    answer = tenants.send("POST", "", text.encode(), "application/yaml", {})

    assert answer.done().body["spec"] == {"business": {"name": "Yes"}, "paused": True}


@pytest.mark.parametrize(
    ("metadata", "field", "message"),
    [
        ({"name": "Cafe_1"}, "metadata.name", f'Invalid value: "Cafe_1": {NAME_RULE}'),
        (
            {"name": LONG_NAME},
            "metadata.name",
            f'Invalid value: "{LONG_NAME}": must be no more than 253 characters',
        ),
        ({"name": "a", "labels": {"a b": "c"}}, "metadata.labels", f'Invalid value: "a b": {KEY_RULE}'),
        ({"name": "a", "labels": {"a": "c d"}}, "metadata.labels", f'Invalid value: "c d": {VALUE_RULE}'),
        (
            {"name": "a", "annotations": {"a b": ""}},
            "metadata.annotations",
            f'Invalid value: "a b": {KEY_RULE}',
        ),
    ],
    ids=["name", "long-name", "label-key", "label-value", "annotation-key"],
)
def test_names_labels_and_annotations_have_a_form(
    api: Api, shared_namespace: str, metadata: Body, field: str, message: str
) -> None:
    answer = api.tenants(shared_namespace).create({**bodies.tenant(), "metadata": metadata})

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.causes[0] == ("FieldValueInvalid", field, message)


def test_a_name_is_needed(api: Api, shared_namespace: str) -> None:
    answer = api.tenants(shared_namespace).create({**bodies.tenant(), "metadata": {}})

    assert answer.causes[0] == (
        "FieldValueRequired",
        "metadata.name",
        "Required value: name or generateName is required",
    )


def test_a_label_is_a_string(api: Api, shared_namespace: str) -> None:
    body = bodies.tenant()
    body["metadata"]["labels"] = {"a": 1}

    assert api.tenants(shared_namespace).create(body).refusal == (
        400,
        "BadRequest",
        (
            'BusinessTenant in version "v1alpha1" cannot be handled as a BusinessTenant: json: cannot unmarshal '
            "number into Go struct field ObjectMeta.labels of type string"
        ),
    )


@pytest.mark.parametrize("accept", ["*/*", "application/json, */*", "application/json;q=0.9", ""])
def test_json_is_what_is_meant_by_anything(tenants: Objects, accept: str) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    assert tenants.get("cafe", accept=accept).done().metadata["name"] == "cafe"


def test_yaml_can_be_asked_for(tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    answer = tenants.get("cafe", accept="application/yaml").done()

    assert answer.media_type == "application/yaml"
    assert "\nspec:\n  business:\n    name: Cafe\n" in answer.text


def test_a_form_that_is_not_served_is_not_acceptable(tenants: Objects) -> None:
    answer = tenants.list(accept="text/html")

    assert answer.code == 406
    assert "only the following media types are accepted: application/json, application/yaml" in answer.message
