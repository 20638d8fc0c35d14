"""Fields that the schema does not know: dropped, and told about as the client asks."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import Api, Body, Objects

STRICT = 'BusinessTenant in version "v1alpha1" cannot be handled as a BusinessTenant: strict decoding error: '
MISSPELLED: Body = {"business": {"name": "Cafe", "abuot": "Open"}, "pausd": True}
COST: Body = {
    "phoneNumber": {**bodies.NUMBER, "maxMonthlyCost": [{"amount": "1", "currency": "USD", "per": "m"}]}
}


@pytest.mark.parametrize("parameters", [{}, {"fieldValidation": "Warn"}])
def test_unknown_fields_are_dropped_with_a_warning(tenants: Objects, parameters: dict[str, str]) -> None:
    answer = tenants.create(bodies.tenant("cafe", **MISSPELLED), **parameters).done()

    assert answer.body["spec"] == {"business": {"name": "Cafe"}}
    assert answer.warnings == ('unknown field "spec.business.abuot"', 'unknown field "spec.pausd"')


def test_unknown_fields_can_be_dropped_silently(tenants: Objects) -> None:
    answer = tenants.create(bodies.tenant("cafe", **MISSPELLED), fieldValidation="Ignore").done()

    assert (answer.body["spec"], answer.warnings) == ({"business": {"name": "Cafe"}}, ())


@pytest.mark.parametrize(
    ("spec", "fields"),
    [(MISSPELLED, ["spec.business.abuot", "spec.pausd"]), (COST, ["spec.phoneNumber.maxMonthlyCost[0].per"])],
)
def test_unknown_fields_can_be_refused(tenants: Objects, spec: Body, fields: list[str]) -> None:
    answer = tenants.create(bodies.tenant("cafe", **spec), fieldValidation="Strict")

    told = ", ".join(f'unknown field "{field}"' for field in fields)
    assert answer.refusal == (400, "BadRequest", STRICT + told)
    assert tenants.get("cafe").code == 404


def test_unknown_metadata_can_be_refused(tenants: Objects) -> None:
    body = bodies.tenant("cafe")
    body["metadata"]["lables"] = {}

    answer = tenants.create(body, fieldValidation="Strict")

    assert answer.refusal == (400, "BadRequest", STRICT + 'unknown field "metadata.lables"')


def test_a_field_that_is_there_twice_can_be_refused(tenants: Objects) -> None:
    text = (
        f'{{"apiVersion": "{bodies.API_VERSION}", "kind": "BusinessTenant", "metadata": {{"name": "cafe"}}, '
        '"spec": {"paused": true, "paused": false, "business": {"name": "Cafe"}}}'
    ).encode()

    refused = tenants.send("POST", "", text, "application/json", {"fieldValidation": "Strict"})
    assert refused.refusal == (400, "BadRequest", STRICT + 'duplicate field "spec.paused"')

    warned = tenants.send("POST", "", text, "application/json", {}).done()
    assert warned.warnings == ('duplicate field "spec.paused"',)
    assert warned.body["spec"]["paused"] is False, "the last one counts"


@pytest.mark.parametrize("verb", ["update", "patch"])
def test_a_change_is_looked_at_alike(tenants: Objects, verb: str) -> None:
    before = tenants.create(bodies.tenant("cafe")).done()
    before.body["spec"]["pausd"] = True

    if verb == "update":
        refused = tenants.replace(before.body, fieldValidation="Strict")
        warned = tenants.replace(before.body).done()
    else:
        refused = tenants.merge("cafe", {"spec": {"pausd": True}}, fieldValidation="Strict")
        warned = tenants.merge("cafe", {"spec": {"pausd": True}}).done()

    assert (refused.code, refused.reason) == ((400, "BadRequest") if verb == "update" else (422, "Invalid"))
    assert 'unknown field "spec.pausd"' in refused.message
    assert warned.warnings == ('unknown field "spec.pausd"',)
    assert "pausd" not in warned.body["spec"]


def test_an_unknown_status_is_dropped(tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    answer = tenants.set_status("cafe", {"phase": "Ready", "kopf": {"progress": {}}}).done()

    assert answer.body["status"] == {"phase": "Ready"}


def test_built_in_kinds_are_looked_at_alike(api: Api, namespace: str) -> None:
    config_maps = api.core(namespace, "configmaps")
    body = bodies.core("ConfigMap", "menu", data={"a": "1"}, dta={})

    refused = config_maps.create(body, fieldValidation="Strict")
    warned = config_maps.create(body).done()

    assert refused.refusal == (
        400,
        "BadRequest",
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"',
    )
    assert warned.warnings == ('unknown field "dta"',)
    assert "dta" not in warned.body


def test_there_is_no_other_way_of_looking(tenants: Objects) -> None:
    answer = tenants.create(bodies.tenant("cafe"), fieldValidation="Hard")

    message = 'Unsupported value: "Hard": supported values: "", "Ignore", "Strict", "Warn"'
    assert answer.causes == [("FieldValueNotSupported", "fieldValidation", message)]
