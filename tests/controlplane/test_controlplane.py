"""The real control plane does what operators need of one, and leaves nothing behind."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.controlplane import controlplane
from tests.controlplane.binaries import Binaries, find
from tests.controlplane.cluster import Cluster, write
from tests.controlplane.controlplane import ControlPlane, Options
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.processes import alive, assert_vanish

pytestmark = pytest.mark.kube

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 30.0

STARTER = """
import time
from tests.controlplane.binaries import find
from tests.controlplane.controlplane import ControlPlane
control_plane = ControlPlane(find())
control_plane.start()
print(control_plane.folder, *control_plane.pids.values(), flush=True)
time.sleep(600)
"""

WIDGETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {size: {type: integer, maximum: 10}}
            x-kubernetes-validations:
            - {rule: "self.size == oldSelf.size", message: size is immutable}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""


def widget(name: str, size: int) -> str:
    return json.dumps(
        {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": {"size": size}}
    )


def config_map(name: str, **metadata: object) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}})


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def own(control_plane: Cluster) -> Binaries:
    """Executables to start a control plane of the test's own."""
    source = find()
    if not isinstance(source, Binaries):
        pytest.skip("the cluster is not one these tests may start and stop: needs etcd and kube-apiserver")
    return source


@pytest.fixture
def with_controllers(control_plane: Cluster, own: Binaries) -> Cluster:
    if own.kube_controller_manager is None:
        pytest.skip("needs kube-controller-manager")
    return control_plane


def test_custom_resources_are_validated(control_plane: Cluster, control_plane_namespace: str) -> None:
    control_plane.kubectl("apply", "--filename=-", stdin=WIDGETS)
    control_plane.kubectl("wait", "--for=condition=Established", "crd/widgets.example.com")
    apply = ("apply", "--filename=-", f"--namespace={control_plane_namespace}")

    assert eventually(lambda: "widgets" in control_plane.kubectl("api-resources", "--api-group=example.com"))
    control_plane.kubectl(*apply, stdin=widget("small", 1))

    with pytest.raises(ControlPlaneError, match="size is immutable"):
        control_plane.kubectl(*apply, stdin=widget("small", 2))
    with pytest.raises(ControlPlaneError, match="should be less than or equal to 10"):
        control_plane.kubectl(*apply, stdin=widget("large", 11))


def test_a_service_account_may_do_what_its_role_says_and_nothing_else(
    control_plane: Cluster, control_plane_namespace: str, tmp_path: Path
) -> None:
    kubeconfig = control_plane.service_account_kubeconfig(control_plane_namespace, "operator")
    account = Cluster(write(kubeconfig, tmp_path / "kubeconfig"))
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o777 == 0o600
    expected = f"system:serviceaccount:{control_plane_namespace}:operator"
    assert expected in account.kubectl("auth", "whoami")
    with pytest.raises(ControlPlaneError, match="forbidden"):
        account.kubectl("get", "configmaps")

    control_plane.kubectl(
        *("create", "rolebinding", "operator", "--clusterrole=view"),
        *(f"--serviceaccount={control_plane_namespace}:operator", f"--namespace={control_plane_namespace}"),
    )

    control_plane.kubectl(
        "create", f"--namespace={control_plane_namespace}", "--filename=-", stdin=config_map("seen")
    )
    assert eventually(lambda: "yes" in answer(account, "auth", "can-i", "get", "configmaps"))
    assert "seen" in account.kubectl("get", "configmaps")
    with pytest.raises(ControlPlaneError, match="forbidden"):
        account.kubectl("get", "secrets")


def answer(cluster: Cluster, *arguments: str) -> str:
    """What kubectl prints, or nothing: `auth can-i` says no with an exit code too."""
    try:
        return cluster.kubectl(*arguments)
    except ControlPlaneError:
        return ""


def test_a_service_account_that_exists_is_used_again(
    control_plane: Cluster, control_plane_namespace: str
) -> None:
    for _ in range(2):
        control_plane.service_account_kubeconfig(control_plane_namespace, "operator")

    names = control_plane.kubectl(
        "get", "serviceaccounts", f"--namespace={control_plane_namespace}", "--output=name"
    )
    assert names.split().count("serviceaccount/operator") == 1


def test_a_deleted_namespace_goes_away(with_controllers: Cluster) -> None:
    with_controllers.kubectl("create", "namespace", "short-lived")
    with_controllers.kubectl("create", "--namespace=short-lived", "--filename=-", stdin=config_map("inside"))

    with_controllers.kubectl("delete", "namespace", "short-lived", "--timeout=30s")

    assert "short-lived" not in with_controllers.kubectl("get", "namespaces")


def test_what_is_owned_goes_away_with_its_owner(
    with_controllers: Cluster, control_plane_namespace: str
) -> None:
    within = f"--namespace={control_plane_namespace}"
    with_controllers.kubectl("create", within, "--filename=-", stdin=config_map("owner"))
    uid = with_controllers.kubectl("get", "configmap/owner", within, "--output=jsonpath={.metadata.uid}")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    with_controllers.kubectl(
        "create", within, "--filename=-", stdin=config_map("owned", ownerReferences=[reference])
    )

    with_controllers.kubectl("delete", "configmap/owner", within)

    assert eventually(
        lambda: "owned" not in with_controllers.kubectl("get", "configmaps", within, "--output=name")
    )


def test_the_version_is_the_pinned_one(own: Binaries, control_plane: Cluster) -> None:
    version = json.loads(control_plane.kubectl("get", "--raw=/version"))
    assert (version["major"], version["minor"]) == ("1", "36")
    assert version["gitVersion"].startswith("v1.36.")


def test_a_second_one_beside_the_first_is_another_world_and_leaves_nothing_behind(
    own: Binaries, control_plane: Cluster, tmp_path: Path
) -> None:
    # Off by default: https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
    options = Options(
        feature_gates={"ShardedListAndWatch": True},
        api_server_flags={"max-requests-inflight": "50"},
        controller_manager=False,
    )
    with ControlPlane(own, options) as second:
        folder, pids = second.folder, second.pids
        kubeconfig = second.write_kubeconfig(tmp_path / "kubeconfig")
        assert set(pids) == {"etcd", "kube-apiserver"}
        second.kubectl("create", "namespace", "only-in-the-second")
        assert "only-in-the-second" in Cluster(kubeconfig).kubectl("get", "namespaces")
        assert "only-in-the-second" not in control_plane.kubectl("get", "namespaces")
        metrics = second.kubectl("get", "--raw=/metrics")
        assert 'kubernetes_feature_enabled{name="ShardedListAndWatch",stage="ALPHA"} 1' in metrics

    assert not folder.exists()
    assert not any(map(alive, pids.values()))


def test_it_stops_in_seconds_while_somebody_watches(own: Binaries) -> None:
    second = ControlPlane(own, Options(controller_manager=False))
    second.start()
    with controlplane.api_client(server(second), second.folder) as client:
        watch = client.stream("GET", "/api/v1/namespaces", params={"watch": "true"}, timeout=30.0)
        with watch as response:
            assert b"ADDED" in next(response.iter_raw())
            started = time.monotonic()
            second.stop()
            assert time.monotonic() - started < 8


def server(control_plane: ControlPlane) -> str:
    return control_plane.kubectl("config", "view", "--output=jsonpath={.clusters[0].cluster.server}")


def test_nothing_of_a_stopped_one_answers(own: Binaries) -> None:
    with ControlPlane(own, Options(controller_manager=False)) as second:
        address = server(second)
        folder = second.folder
    assert not folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)
    with pytest.raises(ControlPlaneError, match="not running"):
        second.kubeconfig()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_tests_are_killed(own: Binaries, how: signal.Signals) -> None:
    starter = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    folder, *pids = starter.stdout.readline().split()
    assert Path(folder).is_dir()
    assert all(alive(int(pid)) for pid in pids)

    starter.send_signal(how)
    starter.wait()
    starter.stdout.close()

    assert_vanish(Path(folder), [int(pid) for pid in pids])


def test_a_flag_it_does_not_know_is_told_at_once(own: Binaries) -> None:
    started = time.monotonic()
    with pytest.raises(
        ControlPlaneError, match=r"kube-apiserver exited with 1:\n(.|\n)*unknown flag: --wrong"
    ):
        ControlPlane(own, Options(api_server_flags={"wrong": "1"})).start()
    assert time.monotonic() - started < 10
