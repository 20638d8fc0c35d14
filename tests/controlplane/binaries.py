"""Where a real API server comes from on this machine: the first of these ways that is open.

1. `KUBECONFIG_TEST` names a kubeconfig: that cluster is used, nothing is started.
2. `KUBEBUILDER_ASSETS` names a folder with etcd and kube-apiserver (the convention of envtest).
3. Go 1.26 builds them from the pinned module beside this file, once, into the user's cache.
4. `kind`, where a container engine answers.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane import build
from tests.controlplane.errors import UnavailableError

ENGINE_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class ExistingCluster:
    """A cluster that is there already and stays when the tests are over."""

    kubeconfig: Path


@dataclass(frozen=True, slots=True)
class Binaries:
    """The executables of a control plane.

    Without `kube_controller_manager` namespaces stay Terminating, owner references are not collected and
    namespaces have no default ServiceAccount.
    """

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path | None


@dataclass(frozen=True, slots=True)
class Kind:
    """Kubernetes in Docker: a cluster in a container, created and deleted by the `kind` command."""

    executable: Path


Source = ExistingCluster | Binaries | Kind


def find(
    environment: Mapping[str, str] = os.environ, *, progress: build.Progress = build.print_progress
) -> Source:
    """The way to a real API server; builds the binaries where that is the way (minutes, the first time).

    Raises UnavailableError where there is none, or a way that was asked for by name is broken; BuildError.
    """
    if wanted := environment.get("KUBECONFIG_TEST"):
        return existing(Path(wanted).expanduser())
    if wanted := environment.get("KUBEBUILDER_ASSETS"):
        return in_folder(Path(wanted).expanduser())
    if (built := build.cached(environment)) is not None:
        return in_folder(built)
    go = build.find_go(environment)
    if isinstance(go, build.Go):
        return in_folder(build.build(go, environment, progress=progress))
    if (kind := find_kind(environment)) is not None:
        return kind
    raise UnavailableError(
        f"No real Kubernetes API server can be had here ({go.reason}): install Go 1.26 "
        "(https://go.dev/dl/), or set KUBEBUILDER_ASSETS to a folder that holds etcd and kube-apiserver, or "
        "KUBECONFIG_TEST to the kubeconfig of a cluster for tests, or install kind and start Docker."
    )


def existing(kubeconfig: Path) -> ExistingCluster:
    if not kubeconfig.is_file():
        raise UnavailableError(
            f"KUBECONFIG_TEST names {kubeconfig}, which is not a file: correct or unset it."
        )
    return ExistingCluster(kubeconfig)


def in_folder(folder: Path) -> Binaries:
    """The executables in a folder. Raises UnavailableError where etcd or kube-apiserver is missing."""
    for name in ("etcd", "kube-apiserver"):
        if not os.access(folder / name, os.X_OK):
            raise UnavailableError(
                f"{folder} holds no executable {name}: point KUBEBUILDER_ASSETS at a folder with etcd and "
                "kube-apiserver, or unset it."
            )
    controller_manager = folder / "kube-controller-manager"
    return Binaries(
        etcd=folder / "etcd",
        kube_apiserver=folder / "kube-apiserver",
        kube_controller_manager=controller_manager if os.access(controller_manager, os.X_OK) else None,
    )


def find_kind(environment: Mapping[str, str]) -> Kind | None:
    """kind, if it is installed and Docker answers: an installed client without a daemon is common."""
    path = environment.get("PATH")
    kind, docker = shutil.which("kind", path=path), shutil.which("docker", path=path)
    if kind is None or docker is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603
            [docker, "info"],
            env=dict(environment),
            capture_output=True,
            check=False,
            timeout=ENGINE_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Kind(Path(kind)) if answer.returncode == 0 else None
