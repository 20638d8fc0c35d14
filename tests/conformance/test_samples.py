"""Everything we ship can be created as it stands."""

from collections.abc import Callable

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP_PATH, Api, Body

PLURALS = {
    "BusinessTenant": "businesstenants",
    "PhoneProvider": "phoneproviders",
    "EvolutionServer": "evolutionservers",
}
OURS = [
    body
    for body in bodies.manifests("samples/*.yaml", "providers-example/*.yaml")
    if body["apiVersion"] == bodies.API_VERSION
]


@pytest.mark.parametrize("body", OURS, ids=lambda body: f"{body['kind']}-{body['metadata']['name']}")
def test_a_sample_is_accepted(api: Api, shared_namespace: str, name: str, body: Body) -> None:
    namespaced = "namespace" in body["metadata"]
    metadata = {**body["metadata"], "name": name, **({"namespace": shared_namespace} if namespaced else {})}
    within = f"/namespaces/{shared_namespace}" if namespaced else ""
    objects = api.objects(f"{GROUP_PATH}{within}/{PLURALS[body['kind']]}")

    answer = objects.create({**body, "metadata": metadata}, fieldValidation="Strict", dryRun="All").done()

    assert answer.body["spec"] == body["spec"]


def test_the_samples_live_together(api: Api, new_namespace: Callable[[], str]) -> None:
    namespace = new_namespace()
    tenants = [body for body in OURS if body["kind"] == "BusinessTenant"]

    for body in tenants:
        metadata = {**body["metadata"], "namespace": namespace}
        api.tenants(namespace).create({**body, "metadata": metadata}, fieldValidation="Strict").done()

    assert len(api.tenants(namespace).list().names) == len(tenants) > 0
