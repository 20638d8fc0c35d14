"""The policy that we ship: what still serves tenants is not deleted."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, GROUP_PATH, Api, Body, Objects
from tests.conformance.eventually import eventually

POLICY = "protect-referents.x-sevenai.com"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
KINDS: dict[str, Callable[[str], Body]] = {
    "phoneproviders": bodies.provider,
    "evolutionservers": bodies.server,
}


@pytest.fixture(scope="module")
def policy(api: Api) -> None:
    """The shipped policy, in force; it stays, as other workers may be using it."""
    for body in bodies.manifests("admission/*.yaml"):
        answer = api.objects(f"{ADMISSION}/{PLURALS[body['kind']]}").create(body)
        assert answer.code == 201 or answer.reason == "AlreadyExists", answer.text
    providers = api.objects(f"{GROUP_PATH}/phoneproviders")
    probe = f"conformance-{uuid.uuid4().hex[:12]}"
    providers.create(bodies.provider(probe)).done()
    providers.set_status(probe, {"tenants": 1}).done()
    # A real server compiles policies in its own time.
    assert eventually(lambda: providers.delete(probe, dryRun="All").code == 403)
    remove(providers, probe)


def remove(objects: Objects, name: str) -> None:
    objects.set_status(name, {"tenants": 0})
    objects.delete(name)


@pytest.fixture(params=sorted(KINDS))
def plural(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def serving(policy: None, api: Api, plural: str, name: str) -> Iterator[Objects]:
    """An object with two tenants, in its collection."""
    objects = api.objects(f"{GROUP_PATH}/{plural}")
    objects.create(KINDS[plural](name)).done()
    objects.set_status(name, {"tenants": 2}).done()
    yield objects
    remove(objects, name)


def test_what_serves_tenants_is_not_deleted(serving: Objects, plural: str, name: str) -> None:
    answer = serving.delete(name)

    kind = serving.get(name).body["kind"]
    denied = (
        f"ValidatingAdmissionPolicy '{POLICY}' with binding '{POLICY}' denied request: {kind} {name} still serves "
        "2 tenant(s): move or delete them first, kubectl get bt -A -o wide shows which"
    )
    assert answer.refusal == (403, "Forbidden", f'{plural}.{GROUP} "{name}" is forbidden: {denied}')
    assert answer.body["details"]["causes"] == [{"message": denied}]
    assert "deletionTimestamp" not in serving.get(name).done().metadata


def test_a_collection_is_no_way_around(serving: Objects, name: str) -> None:
    answer = serving.delete_all(fieldSelector=f"metadata.name={name}")

    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert f"{name} still serves 2 tenant(s)" in answer.message
    assert serving.get(name).code == 200


def test_what_serves_nobody_is_deleted(serving: Objects, name: str) -> None:
    serving.set_status(name, {"tenants": 0}).done()

    serving.delete(name).done()

    assert serving.get(name).code == 404


def test_what_never_had_a_status_is_deleted(policy: None, api: Api, plural: str, name: str) -> None:
    objects = api.objects(f"{GROUP_PATH}/{plural}")
    objects.create(KINDS[plural](name)).done()

    objects.delete(name).done()


def test_everything_else_is_left_alone(serving: Objects, name: str) -> None:
    serving.merge(name, {"spec": {"lost": True}}).done()
