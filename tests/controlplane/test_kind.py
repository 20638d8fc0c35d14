"""A cluster of kind's is deleted whatever happens. Driven with a stand-in for the `kind` command."""

from pathlib import Path

import pytest

from tests.controlplane.binaries import Kind
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.kind import KindCluster


def fake_kind(folder: Path, create: str) -> Kind:
    """A `kind` that notes `create NAME` and `delete NAME` in the journal."""
    path = folder / "kind"
    path.write_text(
        f'#!/bin/sh\necho "$1 $4" >> {folder}/journal\n'
        'while [ $# -gt 1 ] && [ "$1" != --kubeconfig ]; do action="$action $1"; shift; done\n'
        f'case "$action" in *create*) {create} ;; esac\n'
    )
    path.chmod(0o755)
    return Kind(path)


def test_it_is_deleted_afterwards(tmp_path: Path) -> None:
    with KindCluster(fake_kind(tmp_path, 'echo "{}" > "$2"')) as cluster:
        kubeconfig = cluster.kubeconfig_path
        assert kubeconfig.read_text() == "{}\n"

    created, deleted = (tmp_path / "journal").read_text().splitlines()
    assert created.startswith("create control-plane-")
    assert deleted == created.replace("create", "delete")
    assert not kubeconfig.exists()


def test_one_that_could_not_be_created_is_deleted_too(tmp_path: Path) -> None:
    kind = fake_kind(tmp_path, "echo no space left >&2; exit 1")

    with pytest.raises(ControlPlaneError, match="no space left"), KindCluster(kind):
        pass

    assert "delete control-plane-" in (tmp_path / "journal").read_text()
