"""A pytest plugin: a real API server for the tests of a run, if it is asked for.

    TEST_CLUSTER=real pytest -m kube          or          pytest --cluster=real -m kube

One control plane for all xdist workers, not one for each: each takes about 500 MB and seconds of both cores.
It belongs to the process that distributes the tests (or that runs them, without xdist), which outlives every
worker: no lock file, no counting who still uses it. Tests keep apart by namespaces of their own.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import pytest

from tests.controlplane import binaries
from tests.controlplane.cluster import Cluster
from tests.controlplane.errors import ControlPlaneError

WORKER_KEY = "control_plane_kubeconfig"


class Wanted(StrEnum):
    """What `--cluster` and the environment's `TEST_CLUSTER` may say."""

    SANDBOX = "sandbox"
    REAL = "real"


class Node(Protocol):
    """What xdist hands to `pytest_configure_node`: a worker about to start."""

    config: pytest.Config
    workerinput: dict[str, str]


RUNNING = pytest.StashKey[Cluster]()
CLEANUP = pytest.StashKey[ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cluster",
        choices=[wanted.value for wanted in Wanted],
        default=os.environ.get("TEST_CLUSTER") or Wanted.SANDBOX.value,
        help="the API server of the tests: the sandbox's, or a real kube-apiserver (default: $TEST_CLUSTER)",
    )


def wanted_cluster(config: pytest.Config) -> Wanted:
    """Raises pytest.UsageError where TEST_CLUSTER names neither."""
    said = str(config.getoption("--cluster"))
    try:
        return Wanted(said)
    except ValueError:
        raise pytest.UsageError(f"TEST_CLUSTER is {said!r}: use `sandbox` or `real`.") from None


@pytest.hookimpl(tryfirst=True)  # before xdist starts its workers, which are told where it is
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    worker = hasattr(config, "workerinput")
    if worker or config.option.collectonly or wanted_cluster(config) is not Wanted.REAL:
        return
    # Here and not at the top: runs against the sandbox need neither httpx nor cryptography for this.
    from tests.controlplane.provision import provision  # noqa: PLC0415

    stack = ExitStack()
    try:
        with uncaptured(config):
            config.stash[RUNNING] = stack.enter_context(provision(binaries.find()))
    except ControlPlaneError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[CLEANUP] = stack


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Node) -> None:
    """xdist: tell a worker where the cluster is."""
    running = node.config.stash.get(RUNNING, None)
    if running is not None:
        node.workerinput[WORKER_KEY] = str(running.kubeconfig_path)


def pytest_unconfigure(config: pytest.Config) -> None:
    stack = config.stash.get(CLEANUP, None)
    if stack is not None:
        stack.close()


@pytest.fixture(scope="session")
def control_plane(pytestconfig: pytest.Config) -> Cluster:
    """A real cluster, shared by the whole run; skips unless `--cluster=real` or `TEST_CLUSTER=real`."""
    worker_input: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    if (path := worker_input.get(WORKER_KEY)) is not None:
        return Cluster(Path(path))
    running = pytestconfig.stash.get(RUNNING, None)
    if running is None:
        pytest.skip("needs a real API server: run with TEST_CLUSTER=real")
    return running


@pytest.fixture
def control_plane_namespace(control_plane: Cluster) -> Iterator[str]:
    """A namespace of this test's own in the real cluster, deleted afterwards (without waiting for it)."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """Let the lines of a build of minutes through to the terminal."""
    capture = config.pluginmanager.getplugin("capturemanager")
    return nullcontext() if capture is None else capture.global_and_fixture_disabled()
