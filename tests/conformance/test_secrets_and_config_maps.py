"""Secrets and ConfigMaps, from which the operator reads and in which it leaves tokens."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import Api, Body, Objects

KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


@pytest.fixture
def secrets(api: Api, namespace: str) -> Objects:
    return api.core(namespace, "secrets")


@pytest.fixture
def config_maps(api: Api, namespace: str) -> Objects:
    return api.core(namespace, "configmaps")


def test_text_is_stored_encoded(secrets: Objects) -> None:
    answer = secrets.create(bodies.core("Secret", "token", stringData={"key": "fake"})).done()

    assert (answer.body["data"], answer.body["type"]) == ({"key": "ZmFrZQ=="}, "Opaque")
    assert "stringData" not in answer.body


def test_text_replaces_data_of_the_same_key(secrets: Objects) -> None:
    secrets.create(bodies.core("Secret", "token", data={"key": "YQ==", "other": "Yg=="})).done()

    answer = secrets.merge("token", {"stringData": {"key": "fake"}}).done()

    assert answer.body["data"] == {"key": "ZmFrZQ==", "other": "Yg=="}


def test_data_is_base64(secrets: Objects) -> None:
    answer = secrets.create(bodies.core("Secret", "token", data={"key": "!!"}))

    assert answer.refusal == (
        400,
        "BadRequest",
        'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0',
    )


@pytest.mark.parametrize(("kind", "plural"), [("Secret", "secrets"), ("ConfigMap", "configmaps")])
def test_keys_have_a_form(api: Api, shared_namespace: str, kind: str, plural: str) -> None:
    answer = api.core(shared_namespace, plural).create(bodies.core(kind, "wrong", data={"a b": "YQ=="}))

    assert answer.refusal == (
        422,
        "Invalid",
        f'{kind} "wrong" is invalid: data[a b]: Invalid value: "a b": {KEY_RULE}',
    )


@pytest.mark.parametrize(
    ("change", "field"), [({"data": {"key": "Yg=="}}, "data"), ({"immutable": False}, "immutable")]
)
def test_an_immutable_secret_stays(secrets: Objects, change: Body, field: str) -> None:
    secrets.create(bodies.core("Secret", "token", data={"key": "YQ=="}, immutable=True)).done()

    answer = secrets.merge("token", change)

    message = "Forbidden: field is immutable when `immutable` is set"
    assert answer.refusal == (422, "Invalid", f'Secret "token" is invalid: {field}: {message}')
    secrets.merge("token", {"metadata": {"labels": {"a": "b"}}}).done()
    secrets.delete("token").done()


def test_an_immutable_config_map_stays(config_maps: Objects) -> None:
    config_maps.create(bodies.core("ConfigMap", "menu", data={"a": "1"}, immutable=True)).done()

    answer = config_maps.merge("menu", {"data": {"a": "2"}})

    assert answer.causes == [
        ("FieldValueForbidden", "data", "Forbidden: field is immutable when `immutable` is set")
    ]


def test_the_type_of_a_secret_stays(secrets: Objects) -> None:
    secrets.create(bodies.core("Secret", "token")).done()

    assert secrets.merge("token", {"type": "x-sevenai.com/token"}).causes == [
        ("FieldValueInvalid", "type", 'Invalid value: "x-sevenai.com/token": field is immutable')
    ]


def test_a_type_wants_its_keys(api: Api, shared_namespace: str) -> None:
    secrets = api.core(shared_namespace, "secrets")

    answer = secrets.create(bodies.core("Secret", "wrong", type="kubernetes.io/tls"))

    assert [(field, message) for _, field, message in answer.causes] == [
        ("data[tls.crt]", "Required value"),
        ("data[tls.key]", "Required value"),
    ]


def test_values_of_a_config_map_are_strings(config_maps: Objects) -> None:
    assert config_maps.create(bodies.core("ConfigMap", "menu", data={"a": 1})).refusal == (
        400,
        "BadRequest",
        (
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go '
            "struct field ConfigMap.data of type string"
        ),
    )


def test_a_key_is_text_or_binary(config_maps: Objects) -> None:
    body = bodies.core("ConfigMap", "menu", data={"a": "1"}, binaryData={"a": "YQ=="})

    assert config_maps.create(body).causes == [
        ("FieldValueInvalid", "data[a]", 'Invalid value: "a": duplicate of key present in binaryData')
    ]


def test_built_in_kinds_need_not_be_named(config_maps: Objects) -> None:
    answer = config_maps.create({"metadata": {"name": "menu"}, "data": {"a": "1"}}).done()

    assert (answer.body["kind"], answer.body["apiVersion"]) == ("ConfigMap", "v1")


def test_built_in_kinds_may_be_replaced_without_a_version(config_maps: Objects) -> None:
    config_maps.create(bodies.core("ConfigMap", "menu", data={"a": "1"})).done()

    answer = config_maps.replace(bodies.core("ConfigMap", "menu", data={"b": "2"})).done()

    assert answer.body["data"] == {"b": "2"}


def test_built_in_kinds_are_not_replaced_at_an_older_version(config_maps: Objects) -> None:
    before = config_maps.create(bodies.core("ConfigMap", "menu")).done()
    config_maps.merge("menu", {"data": {"a": "1"}}).done()

    assert config_maps.replace(before.body).refusal == (
        409,
        "Conflict",
        (
            'Operation cannot be fulfilled on configmaps "menu": the object has been modified; please apply your '
            "changes to the latest version and try again"
        ),
    )


def test_built_in_kinds_have_no_generation(config_maps: Objects) -> None:
    assert "generation" not in config_maps.create(bodies.core("ConfigMap", "menu")).done().metadata


def test_values_survive_as_they_were_written(config_maps: Objects) -> None:
    text = 'Menü: 4,50 €\n\t"quoted" <b>&\u2028 \U0001f355'

    config_maps.create(bodies.core("ConfigMap", "menu", data={"menu.md": text})).done()

    assert config_maps.get("menu").done().body["data"]["menu.md"] == text


def test_a_service_account_can_be_created(api: Api, namespace: str) -> None:
    accounts = api.core(namespace, "serviceaccounts")

    accounts.create(bodies.core("ServiceAccount", "operator")).done()

    assert "operator" in accounts.list().names
