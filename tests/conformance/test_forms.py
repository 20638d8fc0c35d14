"""The other forms of an answer: tables for kubectl, metadata alone for caches."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import Answer, Api, Body, Objects

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

COLUMNS = [
    ("Name", 0),
    ("Phase", 0),
    ("Number", 0),
    ("WhatsApp", 0),
    ("AI", 0),
    ("Ready", 0),
    ("Age", 0),
    ("Provider", 1),
    ("Cost", 1),
    ("Server", 1),
    ("Message", 1),
]
STATUS: Body = {
    "phase": "Ready",
    "message": "Live.",
    "phoneNumber": {"number": "+37120123456", "provider": "twilio-eu", "monthlyCostText": "4.00 USD"},
    "instance": {"name": "cafe", "server": "evolution-eu", "state": "Open"},
    "routing": {"route": "Webhook"},
    "conditions": [bodies.condition("NumberReady", "False"), bodies.condition("Ready")],
}


@pytest.fixture
def cafe(tenants: Objects) -> Answer:
    tenants.create(bodies.tenant("cafe")).done()
    return tenants.set_status("cafe", STATUS).done()


def rows(table: Body) -> list[list[object]]:
    """Cells without the age, which moves on."""
    return [[*row["cells"][:6], *row["cells"][7:]] for row in table["rows"]]


def test_a_table_has_the_columns_of_the_definition(tenants: Objects, cafe: Answer) -> None:
    table = tenants.list(accept=TABLE).done().body

    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    columns = table["columnDefinitions"]
    assert [(column["name"], column["priority"]) for column in columns] == COLUMNS
    assert columns[0]["format"] == "name"
    assert columns[1] == {
        "name": "Phase",
        "type": "string",
        "format": "",
        "description": "Custom resource definition column (in JSONPath format): .status.phase",
        "priority": 0,
    }
    assert (columns[6]["type"], columns[6]["name"]) == ("date", "Age")


def test_a_row_shows_what_the_paths_find(tenants: Objects, cafe: Answer) -> None:
    table = tenants.list(accept=TABLE).done().body

    assert rows(table) == [
        [
            *("cafe", "Ready", "+37120123456", "Open", "Webhook", "True"),
            *("twilio-eu", "4.00 USD", "evolution-eu", "Live."),
        ]
    ]
    assert table["rows"][0]["cells"][6].endswith("s")


def test_what_a_path_does_not_find_is_nothing(tenants: Objects) -> None:
    tenants.create(bodies.tenant("new")).done()

    assert rows(tenants.get("new", accept=TABLE).done().body) == [["new", *[None] * 9]]


def test_numbers_in_a_table_are_numbers(api: Api, providers: Objects, name: str) -> None:
    providers.create(bodies.provider(name)).done()
    providers.set_status(name, {"tenants": 3, "numbersOwned": 0, "account": "AC1"}).done()

    table = providers.get(name, accept=TABLE).done().body

    assert table["rows"][0]["cells"][:6] == [name, "Twilio", "AC1", 3, 0, None]
    providers.set_status(name, {"tenants": 0}).done()
    providers.delete(name).done()


@pytest.mark.parametrize("include", ["", "Metadata"])
def test_a_row_comes_with_the_metadata(tenants: Objects, cafe: Answer, include: str) -> None:
    parameters = {"includeObject": include} if include else {}
    (row,) = tenants.list(accept=TABLE, **parameters).done().body["rows"]

    assert (row["object"]["kind"], row["object"]["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert row["object"]["metadata"]["uid"] == cafe.metadata["uid"]
    assert "spec" not in row["object"]


def test_a_row_may_come_with_the_object(tenants: Objects, cafe: Answer) -> None:
    (row,) = tenants.list(accept=TABLE, includeObject="Object").done().body["rows"]

    assert row["object"] == cafe.body


def test_a_row_may_come_alone(tenants: Objects, cafe: Answer) -> None:
    (row,) = tenants.list(accept=TABLE, includeObject="None").done().body["rows"]

    assert row["object"] is None


def test_a_row_comes_with_nothing_else(tenants: Objects, cafe: Answer) -> None:
    assert tenants.list(accept=TABLE, includeObject="All").refusal == (
        400,
        "BadRequest",
        (
            "Unable to convert to Table as requested: includeObject: Invalid value: \"All\": must be 'Metadata', "
            "'Object', 'None', or empty"
        ),
    )


def test_tables_are_paged(tenants: Objects) -> None:
    for name in ("a", "b", "c"):
        tenants.create(bodies.tenant(name)).done()

    first = tenants.list(accept=TABLE, limit="2").done()
    second = tenants.list(accept=TABLE, **{"continue": first.metadata["continue"]}).done()

    assert first.metadata["remainingItemCount"] == 1
    assert [row["cells"][0] for row in first.body["rows"] + second.body["rows"]] == ["a", "b", "c"]


def test_a_watch_of_tables_names_the_columns_once(tenants: Objects) -> None:
    revision = tenants.list().revision

    with tenants.watch(accept=TABLE, resourceVersion=revision) as watch:
        tenants.create(bodies.tenant("a")).done()
        tenants.create(bodies.tenant("b")).done()
        tenants.delete("a").done()
        events = watch.take(3)

    assert [event.type for event in events] == ["ADDED", "ADDED", "DELETED"]
    assert [event.object["kind"] for event in events] == ["Table"] * 3
    assert [bool(event.object["columnDefinitions"]) for event in events] == [True, False, False]
    assert [event.object["rows"][0]["cells"][0] for event in events] == ["a", "b", "a"]


def test_built_in_kinds_have_tables_too(api: Api, namespace: str) -> None:
    secrets = api.core(namespace, "secrets")
    secrets.create(bodies.core("Secret", "token", stringData={"a": "1", "b": "2"})).done()

    table = secrets.get("token", accept=TABLE).done().body

    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Type", "Data", "Age"]
    assert table["rows"][0]["cells"][:3] == ["token", "Opaque", 2]


def test_metadata_of_one_object(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.get("cafe", accept=METADATA).done()

    assert set(answer.body) == {"kind", "apiVersion", "metadata"}
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert answer.metadata == cafe.metadata


def test_metadata_of_a_list(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.list(accept=METADATA_LIST).done()

    assert (answer.body["kind"], answer.body["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    (item,) = answer.body["items"]
    assert set(item) - {"kind", "apiVersion"} == {"metadata"}
    assert item["metadata"] == cafe.metadata


def test_metadata_of_a_list_is_paged(tenants: Objects) -> None:
    for name in ("a", "b", "c"):
        tenants.create(bodies.tenant(name)).done()

    first = tenants.list(accept=METADATA_LIST, limit="2").done()
    second = tenants.list(accept=METADATA_LIST, **{"continue": first.metadata["continue"]}).done()

    assert first.names + second.names == ["a", "b", "c"]


def test_metadata_of_secrets_holds_no_secret(api: Api, namespace: str) -> None:
    secrets = api.core(namespace, "secrets")
    secrets.create(bodies.core("Secret", "token", stringData={"key": "fake-secret-value"})).done()

    assert "ZmFrZS" not in secrets.list(accept=METADATA_LIST).done().text


def test_metadata_is_watched(tenants: Objects) -> None:
    revision = tenants.list().revision

    with tenants.watch(accept=f"{METADATA},application/json", resourceVersion=revision) as watch:
        created = tenants.create(bodies.tenant("cafe")).done()
        tenants.set_status("cafe", {"phase": "Ready"}).done()
        events = watch.take(2)

    assert [event.type for event in events] == ["ADDED", "MODIFIED"]
    assert [event.object["kind"] for event in events] == ["PartialObjectMetadata"] * 2
    assert events[0].object["metadata"] == created.metadata
    assert all("status" not in event.object for event in events)


def test_a_list_is_not_one_object_s_metadata(tenants: Objects) -> None:
    answer = tenants.list(accept=METADATA)

    assert answer.refusal == (
        406,
        "NotAcceptable",
        (
            "you requested PartialObjectMetadata, but the requested object is a list "
            "(*unstructured.UnstructuredList)"
        ),
    )


def test_one_object_is_not_a_list_s_metadata(api: Api, namespace: str) -> None:
    assert api.namespaces.get(namespace, accept=METADATA_LIST).refusal == (
        406,
        "NotAcceptable",
        "you requested PartialObjectMetadataList, but the requested object is not a list (*core.Namespace)",
    )


def test_a_form_that_is_not_served_falls_back_to_the_next(tenants: Objects, cafe: Answer) -> None:
    accept = "application/json;as=Table;v=v99;g=meta.k8s.io,application/json"

    assert tenants.get("cafe", accept=accept).done().body["kind"] == "BusinessTenant"
