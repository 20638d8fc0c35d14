"""Label and field selectors of LIST."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import Api, Objects

LABELS: dict[str, dict[str, str]] = {
    "dev-a": {"tier": "dev", "team": "a"},
    "dev-b": {"tier": "dev", "team": "b"},
    "none": {},
    "prod-a": {"tier": "prod", "team": "a"},
}


UNPARSED = "unable to parse requirement"


@pytest.fixture(scope="module")
def labelled(api: Api, shared_namespace: str) -> Objects:
    config_maps = api.core(shared_namespace, "configmaps")
    for name, labels in LABELS.items():
        config_maps.create(bodies.core("ConfigMap", name, metadata={"labels": labels}))
    return config_maps


@pytest.fixture(scope="module")
def labelled_tenants(api: Api, shared_namespace: str) -> Objects:
    tenants = api.tenants(shared_namespace)
    for name, labels in LABELS.items():
        tenants.create(bodies.tenant(name, labels=labels))
    return tenants


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("tier=dev", ["dev-a", "dev-b"]),
        ("tier==dev", ["dev-a", "dev-b"]),
        ("tier!=dev", ["none", "prod-a"]),
        ("tier in (dev, prod)", ["dev-a", "dev-b", "prod-a"]),
        ("team in (b)", ["dev-b"]),
        ("tier notin (dev)", ["none", "prod-a"]),
        ("tier", ["dev-a", "dev-b", "prod-a"]),
        ("!tier", ["none"]),
        ("tier=dev,team=a", ["dev-a"]),
        ("tier=dev,team notin (a),tier", ["dev-b"]),
        ("tier=", []),
        ("tier=staging", []),
    ],
)
def test_labels_select(labelled: Objects, labelled_tenants: Objects, selector: str, names: list[str]) -> None:
    among = "kubernetes.io/never!=x"  # matches everything: the conditions of a selector are joined by and
    found = labelled.list(labelSelector=f"{selector},{among}").done().names
    assert [name for name in found if name in LABELS] == names

    found = labelled_tenants.list(labelSelector=selector).done().names
    assert [name for name in found if name in LABELS] == names


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a in", f"{UNPARSED}: found '' expected: '('"),
        ("a notin b", f"{UNPARSED}: found 'b' expected: '('"),
        ("a in (", f"{UNPARSED}: found '', expected: ',', ')' or identifier"),
        ("a in (b", f"{UNPARSED}: found '', expected: ',' or ')'"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("=b", "found '=', expected: !, identifier, or 'end of string'"),
        ("a b", f"{UNPARSED}: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=(b)", f"{UNPARSED}: found '(', expected: identifier"),
    ],
)
def test_a_label_selector_that_cannot_be_read(labelled: Objects, selector: str, message: str) -> None:
    assert labelled.list(labelSelector=selector).refusal == (400, "BadRequest", message)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("metadata.name=dev-a", ["dev-a"]),
        ("metadata.name==dev-a", ["dev-a"]),
        ("metadata.name!=dev-a", ["dev-b", "none", "prod-a"]),
        ("metadata.name=nobody", []),
        ("metadata.namespace=nowhere", []),
    ],
)
def test_fields_select(labelled_tenants: Objects, selector: str, names: list[str]) -> None:
    found = labelled_tenants.list(fieldSelector=selector).done().names

    assert [name for name in found if name in LABELS] == names


def test_a_namespace_selects_among_all(api: Api, labelled_tenants: Objects, shared_namespace: str) -> None:
    answer = api.tenants().list(fieldSelector=f"metadata.namespace={shared_namespace}").done()

    assert answer.names == labelled_tenants.list().names


@pytest.mark.parametrize(
    ("plural", "selector", "label"),
    [
        ("secrets", "data=x", "data"),
        ("configmaps", "data.a=x", "data.a"),
        ("events", "message=x", "message"),
    ],
)
def test_a_field_that_cannot_be_selected_by(
    api: Api, shared_namespace: str, plural: str, selector: str, label: str
) -> None:
    answer = api.core(shared_namespace, plural).list(fieldSelector=selector)

    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert f"{label}" in answer.message


def test_custom_fields_cannot_be_selected_by(labelled_tenants: Objects) -> None:
    answer = labelled_tenants.list(fieldSelector="spec.paused=true")

    assert answer.refusal == (400, "BadRequest", "field label not supported: spec.paused")


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("type=Opaque", ["opaque"]),
        ("type!=Opaque", ["login"]),
        ("type=kubernetes.io/basic-auth,metadata.name=login", ["login"]),
    ],
)
def test_secrets_are_selected_by_type(api: Api, namespace: str, selector: str, names: list[str]) -> None:
    secrets = api.core(namespace, "secrets")
    secrets.create(bodies.core("Secret", "opaque")).done()
    login = {"username": "me", "password": "fake"}
    secrets.create(bodies.core("Secret", "login", type="kubernetes.io/basic-auth", stringData=login)).done()

    assert secrets.list(fieldSelector=selector).done().names == names
