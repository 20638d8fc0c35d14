"""From where a cluster comes from to a running one."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.controlplane.binaries import Binaries, ExistingCluster, Source
from tests.controlplane.cluster import Cluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kind import KindCluster


@contextmanager
def provision(source: Source) -> Iterator[Cluster]:
    """A running cluster for the length of the block. Raises ControlPlaneError if it does not start."""
    match source:
        case ExistingCluster(kubeconfig):
            yield Cluster(kubeconfig)
        case Binaries():
            with ControlPlane(source) as control_plane:
                yield control_plane
        case _:
            with KindCluster(source) as kind:
                yield kind
