"""`python -m tests.controlplane`, as a person uses it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane.cluster import Cluster, find_kubectl
from tests.controlplane.processes import assert_vanish

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.controlplane"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.kube
def test_exec_runs_a_command_against_a_control_plane_of_its_own(control_plane: Cluster) -> None:
    done = run("--exec", find_kubectl(), "get", "namespaces", "--output=name")

    assert done.returncode == 0
    assert "namespace/default" in done.stdout.split()


@pytest.mark.kube
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_told_to_stop(control_plane: Cluster, how: signal.Signals) -> None:
    with subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.PIPE, text=True) as command:  # noqa: S603
        assert command.stdout is not None
        said = [command.stdout.readline() for _ in range(3)]
        kubeconfig = Path(said[2].strip().removeprefix("export KUBECONFIG="))
        assert "namespace/default" in Cluster(kubeconfig).kubectl("get", "namespaces", "--output=name")

        command.send_signal(how)

        assert command.wait(20) == 130
    assert_vanish(kubeconfig.parent, [])


def test_the_exit_code_of_the_command_is_its_own(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")

    done = run("--exec", "sh", "-c", 'echo "$KUBECONFIG"; exit 7', KUBECONFIG_TEST=str(kubeconfig))

    assert (done.returncode, done.stdout) == (7, f"{kubeconfig}\n")


def test_what_is_missing_is_said_in_a_sentence(tmp_path: Path) -> None:
    done = run(KUBECONFIG_TEST=str(tmp_path / "none"))

    assert done.returncode == 1
    assert (
        done.stderr
        == f"KUBECONFIG_TEST names {tmp_path / 'none'}, which is not a file: correct or unset it.\n"
    )
