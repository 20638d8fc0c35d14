"""A cluster in a container, where there are neither binaries nor Go."""

import secrets
import subprocess
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from tests.controlplane.binaries import Kind
from tests.controlplane.cluster import Cluster
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.supervised import Supervised

READY = "180s"


class KindCluster(Cluster):
    """Created by `kind create cluster` at Kubernetes' version of that `kind`; deleted in the end.

    The supervisor deletes it: the container would outlive tests that are killed.
    """

    def __init__(self, kind: Kind) -> None:
        self._executable = str(kind.executable)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        name = f"control-plane-{secrets.token_hex(4)}"
        with ExitStack() as stack:
            supervised = stack.enter_context(Supervised())
            super().__init__(supervised.folder / "kubeconfig")
            # Before it is created: a creation that is killed half-way leaves a container too.
            supervised.run_at_the_end([self._executable, "delete", "cluster", "--name", name])
            created = subprocess.run(  # noqa: S603
                [
                    *(self._executable, "create", "cluster", "--name", name, "--wait", READY),
                    *("--kubeconfig", str(self.kubeconfig_path)),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if created.returncode != 0:
                raise ControlPlaneError(f"kind could not create a cluster: {created.stderr.strip()}")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
