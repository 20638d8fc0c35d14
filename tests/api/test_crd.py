"""The CRDs as they are shipped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.crd import HEADER, custom_resource_definitions, to_yaml, write_definitions
from controller.api.reference import write_reference

REPOSITORY = Path(__file__).parents[2]
DEFINITIONS = {
    definition["spec"]["names"]["kind"]: definition for definition in custom_resource_definitions()
}


def version(kind: str) -> dict[str, Any]:
    (only,) = DEFINITIONS[kind]["spec"]["versions"]
    assert isinstance(only, dict)
    return only


def root_schema(kind: str) -> dict[str, Any]:
    schema = version(kind)["schema"]["openAPIV3Schema"]
    assert isinstance(schema, dict)
    return schema


def fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below this one, with its path; items of lists as `path[]`."""
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")
    if "items" in schema:
        yield f"{path}[]", schema["items"]
        yield from fields(schema["items"], f"{path}[]")


ALL_FIELDS = [
    pytest.param(schema, id=f"{kind}{path}")
    for kind in DEFINITIONS
    for part in ("spec", "status")
    for path, schema in fields(root_schema(kind)["properties"][part], f".{part}")
]


@pytest.mark.parametrize(
    ("kind", "scope", "plural", "short_name"),
    [
        ("BusinessTenant", "Namespaced", "businesstenants", "bt"),
        ("PhoneProvider", "Cluster", "phoneproviders", "pp"),
        ("EvolutionServer", "Cluster", "evolutionservers", "evo"),
    ],
)
def test_names_by_which_kubectl_finds_a_kind(kind: str, scope: str, plural: str, short_name: str) -> None:
    definition = DEFINITIONS[kind]

    assert definition["apiVersion"] == "apiextensions.k8s.io/v1"
    assert definition["metadata"]["name"] == f"{plural}.x-sevenai.com"
    assert definition["spec"]["scope"] == scope
    assert definition["spec"]["names"] == {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        "shortNames": [short_name],
        "categories": ["x-sevenai"],
    }
    assert version(kind)["name"] == "v1alpha1"
    assert version(kind)["subresources"] == {"status": {}}


def test_columns_of_kubectl_get_bt() -> None:
    columns = version("BusinessTenant")["additionalPrinterColumns"]
    always = [column["name"] for column in columns if "priority" not in column]
    wide = [column["name"] for column in columns if column.get("priority") == 1]

    assert always == ["Phase", "Number", "WhatsApp", "AI", "Ready", "Age"]
    assert wide == ["Provider", "Cost", "Server", "Message"]


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_every_column_points_at_a_field(kind: str) -> None:
    known = {path for path, _ in fields(root_schema(kind), "")}
    for column in version(kind)["additionalPrinterColumns"]:
        path = column["jsonPath"].partition("[?")[0]
        assert path in known | {".metadata.creationTimestamp"}


@pytest.mark.parametrize("schema", ALL_FIELDS)
def test_every_field_is_structural(schema: dict[str, Any]) -> None:
    assert not schema.keys() & {"$ref", "anyOf", "allOf", "title", "default", "const"}
    assert schema["type"] in {"object", "array", "string", "integer", "boolean"}


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_conditions_are_told_apart_by_type(kind: str) -> None:
    conditions = root_schema(kind)["properties"]["status"]["properties"]["conditions"]

    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert {"type", "status", "reason", "message", "lastTransitionTime"} <= set(
        conditions["items"]["required"]
    )


def test_identity_of_a_provider_is_immutable() -> None:
    spec = root_schema("PhoneProvider")["properties"]["spec"]["properties"]
    for field in (spec["type"], spec["twilio"]["properties"]["accountSID"]):
        assert [rule["rule"] for rule in field["x-kubernetes-validations"]] == ["self == oldSelf"]


@pytest.mark.parametrize(
    "field", ["spec.phoneNumber.country", "spec.phoneNumber.type", "spec.whatsapp.channel"]
)
def test_rules_that_must_survive_remove_and_add_compare_with_status(field: str) -> None:
    (rule,) = [
        rule["rule"]
        for rule in root_schema("BusinessTenant")["x-kubernetes-validations"]
        if rule["message"].startswith(field)
    ]
    assert f"self.{field} == self.status." in rule


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_every_rule_says_what_is_wrong(kind: str) -> None:
    schemas = [root_schema(kind), *(schema for _, schema in fields(root_schema(kind), ""))]
    rules = [rule for schema in schemas for rule in schema.get("x-kubernetes-validations", [])]

    assert all(rule["message"].startswith("spec.") for rule in rules)


def test_yaml_reads_back_as_what_was_written() -> None:
    for definition in custom_resource_definitions():
        text = to_yaml(definition)
        assert text.startswith(HEADER)
        assert "&id" not in text
        assert yaml.safe_load(text) == definition


def test_committed_definitions_are_the_generated_ones(tmp_path: Path) -> None:
    for written in write_definitions(tmp_path):
        committed = REPOSITORY / "crds" / written.name
        assert committed.read_text("utf-8") == written.read_text("utf-8"), "run `make generate`"


def test_committed_reference_is_the_generated_one(tmp_path: Path) -> None:
    for written in write_reference(tmp_path):
        committed = REPOSITORY / "docs" / "reference" / written.name
        assert committed.read_text("utf-8") == written.read_text("utf-8"), "run `make generate`"
