"""Server-side apply: who wants which field, and what happens when two want the same."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import Answer, Body, Objects


@pytest.fixture
def cafe(tenants: Objects) -> Answer:
    """Applied by `one`."""
    return tenants.apply(bodies.tenant("cafe"), "one").done()


def owned(answer: Answer) -> dict[tuple[str, str, str], Body]:
    """The fields of each manager, by manager, operation and subresource."""
    return {
        (entry["manager"], entry["operation"], entry.get("subresource", "")): entry["fieldsV1"]
        for entry in answer.metadata["managedFields"]
    }


def test_what_is_not_there_is_created(tenants: Objects) -> None:
    answer = tenants.apply(bodies.tenant("cafe", paused=True), "one")

    assert (answer.code, answer.metadata["generation"]) == (201, 1)
    assert answer.body["spec"] == {"business": {"name": "Cafe"}, "paused": True}
    assert tenants.get("cafe").body == answer.body


def test_the_fields_belong_to_who_applied_them(cafe: Answer) -> None:
    (entry,) = cafe.metadata["managedFields"]

    assert {key: value for key, value in entry.items() if key != "time"} == {
        "manager": "one",
        "operation": "Apply",
        "apiVersion": bodies.API_VERSION,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:business": {"f:name": {}}}},
    }


def test_applying_again_changes_nothing(tenants: Objects, cafe: Answer) -> None:
    again = tenants.apply(bodies.tenant("cafe"), "one")

    assert (again.code, again.body) == (200, cafe.body)


def test_a_changed_value_is_an_update(tenants: Objects, cafe: Answer) -> None:
    after = tenants.apply(bodies.tenant("cafe", business={"name": "Bar"}), "one").done()

    assert after.body["spec"]["business"]["name"] == "Bar"
    assert after.metadata["generation"] == 2


def test_a_field_that_is_no_longer_applied_is_removed(tenants: Objects, cafe: Answer) -> None:
    tenants.apply(bodies.tenant("cafe", paused=True, labels={"a": "b"}), "one").done()

    after = tenants.apply(bodies.tenant("cafe"), "one").done()

    assert after.body["spec"] == {"business": {"name": "Cafe"}}
    assert "labels" not in after.metadata
    assert owned(after) == {("one", "Apply", ""): {"f:spec": {"f:business": {"f:name": {}}}}}


def test_two_may_apply_different_fields(tenants: Objects, cafe: Answer) -> None:
    second = bodies.tenant("cafe", labels={"a": "b"}, paused=True)
    second["spec"].pop("business")

    after = tenants.apply(second, "two").done()

    assert after.body["spec"] == {"business": {"name": "Cafe"}, "paused": True}
    assert owned(after) == {
        ("one", "Apply", ""): {"f:spec": {"f:business": {"f:name": {}}}},
        ("two", "Apply", ""): {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:paused": {}}},
    }


def test_a_field_of_two_is_removed_when_both_have_left_it(tenants: Objects, cafe: Answer) -> None:
    with_pause = bodies.tenant("cafe", paused=True)
    tenants.apply(with_pause, "one").done()
    tenants.apply(with_pause, "two").done()

    assert tenants.apply(bodies.tenant("cafe"), "one").done().body["spec"]["paused"] is True
    assert "paused" not in tenants.apply(bodies.tenant("cafe"), "two").done().body["spec"]


def test_another_value_for_another_s_field_is_a_conflict(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.apply(bodies.tenant("cafe", business={"name": "Bar"}), "two")

    assert answer.refusal == (
        409,
        "Conflict",
        'Apply failed with 1 conflict: conflict with "one": .spec.business.name',
    )
    assert answer.causes == [("FieldManagerConflict", ".spec.business.name", 'conflict with "one"')]
    assert tenants.get("cafe").body == cafe.body


def test_the_same_value_is_no_conflict(tenants: Objects, cafe: Answer) -> None:
    after = tenants.apply(bodies.tenant("cafe"), "two").done()

    fields: Body = {"f:spec": {"f:business": {"f:name": {}}}}
    assert owned(after) == {("one", "Apply", ""): fields, ("two", "Apply", ""): fields}


def test_force_takes_the_field(tenants: Objects, cafe: Answer) -> None:
    after = tenants.apply(bodies.tenant("cafe", business={"name": "Bar"}), "two", force="true").done()

    assert after.body["spec"]["business"]["name"] == "Bar"
    assert owned(after) == {("two", "Apply", ""): {"f:spec": {"f:business": {"f:name": {}}}}}


def test_what_a_plain_write_changed_is_a_conflict_too(tenants: Objects, cafe: Answer) -> None:
    change = {"spec": {"business": {"name": "Bar"}, "paused": True}}
    tenants.merge("cafe", change, fieldManager="kubectl-edit").done()

    answer = tenants.apply(bodies.tenant("cafe", paused=False), "one")

    assert answer.refusal == (
        409,
        "Conflict",
        (
            f'Apply failed with 2 conflicts: conflicts with "kubectl-edit" using {bodies.API_VERSION}:\n'
            "- .spec.paused\n- .spec.business.name"
        ),
    )


def test_a_plain_write_takes_the_fields_it_changes(tenants: Objects, cafe: Answer) -> None:
    after = tenants.merge("cafe", {"spec": {"business": {"name": "Bar"}}}, fieldManager="editor").done()

    assert owned(after) == {
        ("editor", "Update", ""): {"f:spec": {"f:business": {"f:name": {}}}},
    }


def test_lists_of_values_are_joined(tenants: Objects) -> None:
    def applied(*languages: str, by: str) -> list[str]:
        body = bodies.tenant("cafe", business={"name": "Cafe", "languages": languages})
        found: list[str] = tenants.apply(body, by).done().body["spec"]["business"]["languages"]
        return found

    applied("lv", "en", by="one")
    assert applied("en", "ru", by="two") == ["lv", "en", "ru"]
    assert applied("en", by="one") == ["en", "ru"]
    assert applied("et", by="two") == ["en", "et"]


def test_lists_of_objects_are_joined_by_their_key(tenants: Objects) -> None:
    def applied(by: str, **amounts: str) -> dict[str, str]:
        costs = [{"currency": currency, "amount": amount} for currency, amount in amounts.items()]
        body = bodies.tenant("cafe", phoneNumber={**bodies.NUMBER, "maxMonthlyCost": costs})
        after = tenants.apply(body, by).done().body
        return {cost["currency"]: cost["amount"] for cost in after["spec"]["phoneNumber"]["maxMonthlyCost"]}

    applied("one", USD="5.00")
    assert applied("two", EUR="4.00") == {"USD": "5.00", "EUR": "4.00"}
    assert applied("one", GBP="3.00") == {"GBP": "3.00", "EUR": "4.00"}


def test_an_entry_of_a_list_is_owned_by_its_key(tenants: Objects) -> None:
    costs = [{"currency": "USD", "amount": "5.00"}]
    body = bodies.tenant("cafe", phoneNumber={**bodies.NUMBER, "maxMonthlyCost": costs})

    fields = owned(tenants.apply(body, "one").done())[("one", "Apply", "")]

    assert fields["f:spec"]["f:phoneNumber"]["f:maxMonthlyCost"] == {
        'k:{"currency":"USD"}': {".": {}, "f:amount": {}, "f:currency": {}}
    }


def test_conditions_of_two_managers_live_together(tenants: Objects, cafe: Answer) -> None:
    def apply_condition(type_: str, status: str, by: str) -> Answer:
        conditions = [bodies.condition(type_, status)]
        body = {**bodies.tenant("cafe"), "status": {"conditions": conditions}}
        del body["spec"]
        return tenants.apply(body, by, subresource="status").done()

    apply_condition("Ready", "True", "operator")
    apply_condition("Audited", "True", "auditor")
    after = apply_condition("Ready", "False", "operator")

    conditions = {one["type"]: one["status"] for one in after.body["status"]["conditions"]}
    assert conditions == {"Ready": "False", "Audited": "True"}
    assert ("auditor", "Apply", "status") in owned(after)


def test_the_status_is_not_applied_with_the_object(tenants: Objects, cafe: Answer) -> None:
    tenants.set_status("cafe", {"phase": "Pending"}).done()

    after = tenants.apply({**bodies.tenant("cafe", paused=True), "status": {"phase": "Ready"}}, "one").done()

    assert after.body["status"] == {"phase": "Pending"}


def test_the_object_is_not_applied_with_the_status(tenants: Objects, cafe: Answer) -> None:
    body = {**bodies.tenant("cafe", paused=True), "status": {"phase": "Ready"}}

    after = tenants.apply(body, "operator", subresource="status").done()

    assert after.body["status"] == {"phase": "Ready"}
    assert "paused" not in after.body["spec"]


def test_what_is_applied_is_validated(tenants: Objects, cafe: Answer) -> None:
    answer = tenants.apply(bodies.tenant("cafe", phoneNumber={"country": "lv", "type": "Local"}), "one")

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert tenants.get("cafe").body == cafe.body


def test_the_manager_is_needed(tenants: Objects) -> None:
    answer = tenants.apply(bodies.tenant("cafe"), "")

    assert answer.refusal == (
        422,
        "Invalid",
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    )


def test_managed_fields_are_the_server_s(tenants: Objects) -> None:
    body = bodies.tenant("cafe")
    body["metadata"]["managedFields"] = []

    assert tenants.apply(body, "one").refusal == (400, "BadRequest", "metadata.managedFields must be nil")


def test_a_field_that_is_not_in_the_schema_is_an_error(tenants: Objects) -> None:
    answer = tenants.apply(bodies.tenant("cafe", pausd=True), "one")

    assert answer.code == 500
    assert answer.message.endswith(": .spec.pausd: field not declared in schema")
    assert tenants.get("cafe").code == 404


def test_a_version_may_be_named(tenants: Objects, cafe: Answer) -> None:
    tenants.set_status("cafe", {"phase": "Ready"}).done()
    body = bodies.tenant("cafe", paused=True)
    body["metadata"]["resourceVersion"] = cafe.revision

    assert tenants.apply(body, "one").reason == "Conflict"
