"""The pytest plugin: one cluster for all workers, and none where none is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kube

ROOT = Path(__file__).parents[2]

SUITE = """
import pytest

@pytest.mark.parametrize("n", range(4))
def test_uses_the_cluster(control_plane, n, worker_id):
    print(worker_id, control_plane.kubeconfig_path)
"""


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """What pytest prints for a suite of four tests that use `control_plane`."""
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.controlplane.fixtures", "-p", "no:cacheprovider"),
            *(str(folder), "-rPs", *arguments),
        ],
        cwd=ROOT,
        env={**os.environ, "TEST_CLUSTER": "", "PYTEST_ADDOPTS": "", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Stands for a cluster: these tests never talk to it."""
    path = tmp_path / "kubeconfig"
    path.write_text("{}")
    return path


@pytest.mark.parametrize("workers", [["-n0"], ["-n2", "--dist=each"]])
def test_every_worker_gets_the_same_cluster(tmp_path: Path, kubeconfig: Path, workers: list[str]) -> None:
    said = run(tmp_path, "--cluster=real", *workers, KUBECONFIG_TEST=str(kubeconfig))

    names = ["gw0", "gw1"] if workers != ["-n0"] else ["master"]
    assert [said.count(f"{name} {kubeconfig}") for name in names] == [4] * len(names)


def test_the_environment_may_ask_too(tmp_path: Path, kubeconfig: Path) -> None:
    assert "4 passed" in run(tmp_path, TEST_CLUSTER="real", KUBECONFIG_TEST=str(kubeconfig))


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_tests_that_need_it_skip_with_a_reason_where_it_is_not_asked_for(
    tmp_path: Path, workers: str
) -> None:
    said = run(tmp_path, workers)

    assert "4 skipped" in said
    assert "run with TEST_CLUSTER=real" in said


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"TEST_CLUSTER": "reel"}, "TEST_CLUSTER is 'reel': use `sandbox` or `real`."),
        (
            {"TEST_CLUSTER": "real", "KUBECONFIG_TEST": "none"},
            "KUBECONFIG_TEST names none, which is not a file",
        ),
    ],
)
def test_a_wrong_setting_ends_the_run_with_a_sentence(
    tmp_path: Path, environment: dict[str, str], sentence: str
) -> None:
    said = run(tmp_path, **environment)

    assert sentence in said
    assert "passed" not in said
    assert "Traceback" not in said
