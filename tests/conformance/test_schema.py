"""What the schemas of our definitions refuse, with the field and the text that a person sees."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, GROUP_PATH, Api, Body

NOT_CHECKED = (
    "FieldValueInvalid",
    "<nil>",
    (
        "Invalid value: null: some validation rules were not checked because the object was invalid; correct the "
        "existing errors to complete validation"
    ),
)
"""Said after every error that keeps CEL rules from being evaluated."""


@dataclass(frozen=True, slots=True)
class Case:
    """One wrong value of a tenant's spec."""

    name: str
    spec: Body
    reason: str
    field: str
    message: str
    blocks_rules: bool = True

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        return [(self.reason, self.field, self.message), *([NOT_CHECKED] if self.blocks_rules else [])]


def wrong_type(name: str, spec: Body, field: str, given: str, wanted: str) -> Case:
    text = f'Invalid value: "{given}": {field} in body must be of type {wanted}: "{given}"'
    return Case(name, spec, "FieldValueTypeInvalid", field, text)


def not_matching(name: str, spec: Body, field: str, given: str, pattern: str) -> Case:
    text = f"Invalid value: {given}: {field} in body should match '{pattern}'"
    return Case(name, spec, "FieldValueInvalid", field, text, blocks_rules=False)


def required(name: str, spec: Body, field: str) -> Case:
    return Case(name, spec, "FieldValueRequired", field, "Required value")


def business(**fields: Any) -> Body:
    return {"business": {"name": "Cafe", **fields}}


def number(**fields: Any) -> Body:
    return {"phoneNumber": {**bodies.NUMBER, **fields}}


CASES = [
    required("business-null", {"business": None}, "spec.business"),
    required("business-name", {"business": {}}, "spec.business.name"),
    required("number-type", {"phoneNumber": {"country": "LV"}}, "spec.phoneNumber.type"),
    required("channel", {"whatsapp": {}}, "spec.whatsapp.channel"),
    required("reference-name", number(providerRef={}), "spec.phoneNumber.providerRef.name"),
    Case(
        "enum",
        number(type="Fax"),
        "FieldValueNotSupported",
        "spec.phoneNumber.type",
        'Unsupported value: "Fax": supported values: "Local", "Mobile", "National", "TollFree"',
    ),
    Case(
        "enum-in-list",
        number(capabilities=["Voice", "Fax"]),
        "FieldValueNotSupported",
        "spec.phoneNumber.capabilities[1]",
        'Unsupported value: "Fax": supported values: "Voice", "SMS"',
    ),
    not_matching("pattern", number(country="lv"), "spec.phoneNumber.country", '"lv"', "^[A-Z]{2}$"),
    not_matching(
        "pattern-with-backslash",
        business(email="cafe"),
        "spec.business.email",
        '"cafe"',
        r"^[^@\s]+@[^@\s]+$",
    ),
    not_matching(
        "pattern-in-list",
        business(languages=["lv", "english"]),
        "spec.business.languages[1]",
        '"english"',
        "^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$",
    ),
    Case(
        "maxLength",
        business(about="x" * 140),
        "FieldValueTooLong",
        "spec.business.about",
        "Too long: may not be more than 139 bytes",
    ),
    Case(
        "maxLength-counts-characters",
        business(name="ā" * 101),
        "FieldValueTooLong",
        "spec.business.name",
        "Too long: may not be more than 100 bytes",
    ),
    Case(
        "minLength",
        business(name=""),
        "FieldValueInvalid",
        "spec.business.name",
        'Invalid value: "": spec.business.name in body should be at least 1 chars long',
        blocks_rules=False,
    ),
    Case(
        "maxItems",
        business(websites=["https://a.example", "https://b.example", "https://c.example"]),
        "FieldValueTooMany",
        "spec.business.websites",
        "Too many: 3: must have at most 2 items",
    ),
    Case(
        "minItems",
        business(languages=[]),
        "FieldValueInvalid",
        "spec.business.languages",
        "Invalid value: 0: spec.business.languages in body should have at least 1 items",
        blocks_rules=False,
    ),
    Case(
        "set",
        business(languages=["lv", "en", "lv"]),
        "FieldValueDuplicate",
        "spec.business.languages[2]",
        'Duplicate value: "lv"',
        blocks_rules=False,
    ),
    Case(
        "list-map",
        number(maxMonthlyCost=[{"amount": "1", "currency": "USD"}, {"amount": "2", "currency": "USD"}]),
        "FieldValueDuplicate",
        "spec.phoneNumber.maxMonthlyCost[1]",
        'Duplicate value: {"currency":"USD"}',
        blocks_rules=False,
    ),
    required(
        "list-map-key",
        number(maxMonthlyCost=[{"amount": "1"}]),
        "spec.phoneNumber.maxMonthlyCost[0].currency",
    ),
    wrong_type("number-for-string", business(name=5), "spec.business.name", "integer", "string"),
    wrong_type("string-for-boolean", {"paused": "yes"}, "spec.paused", "string", "boolean"),
    wrong_type("number-for-boolean", {"paused": 1}, "spec.paused", "integer", "boolean"),
    wrong_type("string-for-list", business(languages="lv"), "spec.business.languages", "string", "array"),
    wrong_type("string-for-object", {"business": "Cafe"}, "spec.business", "string", "object"),
    wrong_type("list-for-object", {"business": ["Cafe"]}, "spec.business", "array", "object"),
    wrong_type("boolean-for-string", business(id=True), "spec.business.id", "boolean", "string"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wrong_value_is_refused_by_field(api: Api, shared_namespace: str, case: Case) -> None:
    answer = api.tenants(shared_namespace).create(bodies.tenant("wrong", **case.spec))

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.causes == case.causes
    texts = [f"{field}: {message}" for _, field, message in case.causes]
    summary = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    assert answer.message == f'BusinessTenant.{GROUP} "wrong" is invalid: {summary}'
    assert answer.body["details"]["kind"] == "BusinessTenant"


def test_the_spec_is_needed(api: Api, shared_namespace: str) -> None:
    body = bodies.tenant("wrong")
    del body["spec"]

    causes = api.tenants(shared_namespace).create(body).causes

    assert causes == [("FieldValueRequired", "spec", "Required value"), NOT_CHECKED]


def test_all_that_is_wrong_is_told_at_once(api: Api, shared_namespace: str) -> None:
    wrong = {"phoneNumber": {"country": "lv", "type": "Fax"}, "whatsapp": {}, "business": {"name": ""}}

    causes = api.tenants(shared_namespace).create(bodies.tenant("wrong", **wrong)).causes

    assert {field for _, field, _ in causes} == {
        "spec.phoneNumber.country",
        "spec.phoneNumber.type",
        "spec.whatsapp.channel",
        "spec.business.name",
        "<nil>",
    }


@pytest.mark.parametrize(
    ("priority", "reason", "message"),
    [
        (
            -1,
            "FieldValueInvalid",
            "Invalid value: -1: spec.priority in body should be greater than or equal to 0",
        ),
        (
            1001,
            "FieldValueInvalid",
            "Invalid value: 1001: spec.priority in body should be less than or equal to 1000",
        ),
        (
            "1",
            "FieldValueTypeInvalid",
            'Invalid value: "string": spec.priority in body must be of type integer: "string"',
        ),
        (
            1.5,
            "FieldValueTypeInvalid",
            'Invalid value: "float64": spec.priority in body must be of type int32: "float64"',
        ),
    ],
    ids=["minimum", "maximum", "string", "fraction"],
)
def test_a_wrong_number_is_refused(api: Api, priority: object, reason: str, message: str) -> None:
    providers = api.objects(f"{GROUP_PATH}/phoneproviders")

    answer = providers.create(bodies.provider("wrong", priority=priority))

    assert answer.code == 422
    assert answer.causes[0] == (reason, "spec.priority", message)


def test_a_server_needs_its_key(api: Api) -> None:
    servers = api.objects(f"{GROUP_PATH}/evolutionservers")

    answer = servers.create(bodies.server("wrong", apiKeySecretRef={"name": "evolution"}))

    missing = "spec.apiKeySecretRef.key: Required value"
    assert answer.refusal == (
        422,
        "Invalid",
        f'EvolutionServer.{GROUP} "wrong" is invalid: [{missing}, <nil>: {NOT_CHECKED[2]}]',
    )


def test_there_is_nothing_but_what_was_written(api: Api, namespace: str) -> None:
    spec: Body = {"phoneNumber": bodies.NUMBER, "whatsapp": {"channel": "Baileys", "settings": {}}}

    answer = api.tenants(namespace).create(bodies.tenant("cafe", **spec)).done()

    assert answer.body["spec"] == {"business": {"name": "Cafe"}, **spec}, "no defaults"


def test_a_null_is_as_if_left_out(api: Api, namespace: str) -> None:
    answer = api.tenants(namespace).create(bodies.tenant("cafe", phoneNumber=None, paused=None)).done()

    assert answer.body["spec"] == {"business": {"name": "Cafe"}}
