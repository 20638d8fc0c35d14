"""Owner references: what belongs to an object goes with it."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import Answer, Api, Body, Objects
from tests.conformance.eventually import eventually

# The collector of a real cluster looks for new kinds every half minute.
COLLECTED_SECONDS = 75.0


def reference(owner: Answer, **more: bool) -> Body:
    return {
        "apiVersion": owner.body["apiVersion"],
        "kind": owner.body["kind"],
        "name": owner.metadata["name"],
        "uid": owner.metadata["uid"],
        **more,
    }


def owned_secret(name: str, *owners: Answer, **more: bool) -> Body:
    references = [reference(owner, **more) for owner in owners]
    return bodies.core("Secret", name, metadata={"ownerReferences": references})


@pytest.fixture
def secrets(api: Api, namespace: str) -> Objects:
    return api.core(namespace, "secrets")


def gone(objects: Objects, name: str) -> bool:
    return eventually(lambda: objects.get(name).code == 404, seconds=COLLECTED_SECONDS)


def test_what_a_tenant_owns_goes_with_it(tenants: Objects, secrets: Objects) -> None:
    owner = tenants.create(bodies.tenant("cafe")).done()
    secrets.create(owned_secret("token", owner, controller=True, blockOwnerDeletion=True)).done()

    tenants.delete("cafe").done()

    assert gone(secrets, "token")


def test_what_another_owns_too_stays(api: Api, namespace: str, secrets: Objects) -> None:
    config_maps = api.core(namespace, "configmaps")
    first, second = (config_maps.create(bodies.core("ConfigMap", name)).done() for name in ("a", "b"))
    secrets.create(owned_secret("of-both", first, second)).done()
    secrets.create(owned_secret("of-one", first)).done()

    config_maps.delete("a").done()

    assert gone(secrets, "of-one")
    assert secrets.get("of-both").code == 200
    config_maps.delete("b").done()
    assert gone(secrets, "of-both")


def test_what_is_owned_by_nobody_that_ever_was_goes(tenants: Objects, secrets: Objects) -> None:
    owner = tenants.create(bodies.tenant("cafe")).done()
    tenants.delete("cafe").done()
    tenants.create(bodies.tenant("cafe")).done()

    secrets.create(owned_secret("token", owner)).done()

    assert gone(secrets, "token"), "the name is taken again, but by another object"


def test_orphans_stay(api: Api, namespace: str, secrets: Objects) -> None:
    config_maps = api.core(namespace, "configmaps")
    owner = config_maps.create(bodies.core("ConfigMap", "menu")).done()
    secrets.create(owned_secret("token", owner)).done()

    answer = config_maps.delete("menu", {"propagationPolicy": "Orphan"}).done()

    assert answer.metadata["finalizers"] == ["orphan"]
    assert gone(config_maps, "menu")
    assert "ownerReferences" not in secrets.get("token").done().metadata


def test_in_the_foreground_the_owner_goes_last(api: Api, namespace: str, secrets: Objects) -> None:
    config_maps = api.core(namespace, "configmaps")
    owner = config_maps.create(bodies.core("ConfigMap", "menu")).done()
    held = owned_secret("token", owner, blockOwnerDeletion=True)
    held["metadata"]["finalizers"] = ["x-sevenai.com/conformance"]
    secrets.create(held).done()

    answer = config_maps.delete("menu", {"propagationPolicy": "Foreground"}).done()

    assert answer.metadata["finalizers"] == ["foregroundDeletion"]
    assert eventually(lambda: "deletionTimestamp" in secrets.get("token").metadata)
    assert config_maps.get("menu").code == 200
    secrets.merge("token", {"metadata": {"finalizers": None}}).done()
    assert gone(config_maps, "menu")


def test_there_is_no_other_propagation(api: Api, namespace: str) -> None:
    config_maps = api.core(namespace, "configmaps")
    config_maps.create(bodies.core("ConfigMap", "menu")).done()

    answer = config_maps.delete("menu", propagationPolicy="Sideways")

    assert answer.code == 422
    assert [field for _, field, _ in answer.causes] == ["propagationPolicy"]
    assert config_maps.get("menu").code == 200


@pytest.mark.parametrize("missing", ["apiVersion", "kind", "name", "uid"])
def test_a_reference_is_complete(api: Api, shared_namespace: str, missing: str) -> None:
    whole = {"apiVersion": "v1", "kind": "ConfigMap", "name": "menu", "uid": "0"}
    references = [{**whole, missing: ""}]
    body = bodies.core("Secret", "wrong", metadata={"ownerReferences": references})

    answer = api.core(shared_namespace, "secrets").create(body)

    assert answer.code == 422
    assert [field for _, field, _ in answer.causes] in (
        [f"metadata.ownerReferences[0].{missing}"],
        [f"metadata.ownerReferences.{missing}"],
    )


def test_there_is_one_controller(tenants: Objects) -> None:
    owner = tenants.create(bodies.tenant("cafe")).done()
    body = bodies.tenant("other")
    second = {**reference(owner, controller=True), "uid": "1"}
    body["metadata"]["ownerReferences"] = [reference(owner, controller=True), second]

    answer = tenants.create(body)

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert "Only one reference can have Controller set to true" in answer.message
