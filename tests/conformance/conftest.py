import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance import bodies, kubectl
from tests.conformance.api_client import GROUP_PATH, Api, Body, Objects, connect
from tests.conformance.embedded import embedded_server
from tests.conformance.eventually import eventually
from tests.conformance.kubectl import Kubectl
from tests.controlplane.fixtures import Wanted, wanted_cluster


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of the API server under test, as administrator."""
    if wanted_cluster(request.config) is Wanted.REAL:
        yield request.getfixturevalue("control_plane").kubeconfig_path
        return
    path = tmp_path_factory.mktemp("embedded") / "kubeconfig"
    with embedded_server(path):
        yield path


@pytest.fixture(scope="session")
def api(kubeconfig: Path) -> Iterator[Api]:
    """The server under test, with our definitions established."""
    with connect(kubeconfig) as api:
        for definition in bodies.definitions():
            install(api, definition)
        # Later than the objects themselves; kubectl validates and explains by it.
        assert eventually(lambda: schemas_published(api))
        yield api


def install(api: Api, definition: Body) -> None:
    """Create a definition and wait until it is served; another worker may have been faster."""
    name = definition["metadata"]["name"]
    answer = api.definitions.create(definition)
    assert answer.code == 201 or answer.reason == "AlreadyExists", answer.text
    plural = definition["spec"]["names"]["plural"]
    assert eventually(lambda: established(api, name) and api.get(f"{GROUP_PATH}/{plural}").code == 200)


def established(api: Api, name: str) -> bool:
    # A real server says null until its controllers have looked at the definition.
    conditions = api.definitions.get(name).body.get("status", {}).get("conditions") or []
    return ("Established", "True") in [(one["type"], one["status"]) for one in conditions]


def schemas_published(api: Api) -> bool:
    entry = api.get("/openapi/v3").body.get("paths", {}).get(GROUP_PATH.removeprefix("/"))
    if entry is None:
        return False
    # A document that is about to be replaced is not found under its address any more.
    published = api.get(entry["serverRelativeURL"]).body.get("components", {}).get("schemas", {})
    kinds = {definition["spec"]["names"]["kind"] for definition in bodies.definitions()}
    return kinds <= {name.rpartition(".")[2] for name in published}


@pytest.fixture(scope="session")
def new_namespace(api: Api) -> Iterator[Callable[[], str]]:
    """Creates namespaces; they are deleted when all tests are over, so that no test pays for it."""
    names: list[str] = []

    def create() -> str:
        names.append(f"conformance-{uuid.uuid4().hex[:12]}")
        api.namespaces.create(bodies.core("Namespace", names[-1])).done()
        return names[-1]

    yield create
    for name in names:
        api.namespaces.delete(name)


@pytest.fixture
def namespace(new_namespace: Callable[[], str]) -> str:
    """A namespace of this test's own."""
    return new_namespace()


@pytest.fixture(scope="session")
def shared_namespace(new_namespace: Callable[[], str]) -> str:
    """A namespace for tests that store nothing."""
    return new_namespace()


@pytest.fixture
def tenants(api: Api, namespace: str) -> Objects:
    return api.tenants(namespace)


@pytest.fixture(scope="session")
def providers(api: Api) -> Objects:
    """Of the whole cluster: tests use names of their own."""
    return api.objects(f"{GROUP_PATH}/phoneproviders")


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for objects outside of namespaces."""
    return f"conformance-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session", params=["newest", "installed"])
def kubectl_in(
    request: pytest.FixtureRequest, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Kubectl]:
    executable = kubectl.newest() if request.param == "newest" else kubectl.installed()
    if executable is None:
        pytest.skip("there is no other kubectl on the PATH")
    folder = tmp_path_factory.mktemp("kubectl")
    return lambda namespace: Kubectl(executable, kubeconfig, namespace, folder)


@pytest.fixture
def run(kubectl_in: Callable[[str], Kubectl], api: Api, namespace: str) -> Kubectl:
    """kubectl in a namespace of this test's own, where the machine has two versions of it with each."""
    return kubectl_in(namespace)
