"""The server's life: start, stop, kubeconfig, snapshot."""

import copy
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from aiohttp import web

from .control_plane import ControlPlane
from .endpoints import Endpoints
from .snapshot import save as save_snapshot

_BODY_LIMIT: Final = 16 * 2**20
_BOOKMARK_INTERVAL: Final = 60.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ApiServer:
    """A Kubernetes API server in this process: no etcd, no authentication, plain HTTP on loopback."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _utc_now,
        snapshot: Path | None = None,
        bookmark_interval: float = _BOOKMARK_INTERVAL,
    ) -> None:
        """`snapshot` names a file that the objects are read from now, if it is there, and written to at the stop.

        `bookmark_interval` is the time between two bookmarks of a quiet watch, in seconds.

        Raises:
            SnapshotError: the file is no snapshot.

        """
        self._plane = ControlPlane(now)
        self._snapshot = snapshot
        if snapshot is not None:
            self._plane.restore(snapshot)
        self._endpoints = Endpoints(self._plane, bookmark_interval=bookmark_interval)
        self._runner: web.ServerRunner | None = None
        self._url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the base URL; port 0 takes a free one."""
        self._plane.start()
        server = web.Server(self._endpoints.handle, handler_cancellation=True)
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        address = self._runner.addresses[0]
        self._url = f"http://{address[0]}:{address[1]}"
        return self._url

    async def stop(self) -> None:
        """End all watches, stop listening, save the snapshot when one is configured."""
        for _, collection in self._plane.store.collections():
            collection.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._plane.controllers.stop()
        if self._snapshot is not None:
            save_snapshot(self._plane.store, self._snapshot)

    def install_crd(self, crd: dict[str, Any]) -> None:
        """Create a CustomResourceDefinition, or replace the one of its name.

        Raises:
            ApiError: the definition is not valid.

        """
        self._plane.install_crd(copy.deepcopy(crd))

    def kubeconfig(self) -> str:
        """A kubeconfig for this server, as YAML. It holds no credentials: there are none."""
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "sandbox",
                "clusters": [{"name": "sandbox", "cluster": {"server": self._url}}],
                "users": [{"name": "sandbox", "user": {}}],
                "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
            },
            sort_keys=False,
        )

    def write_kubeconfig(self, path: Path) -> None:
        """Write the kubeconfig, readable by its owner only."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.kubeconfig())
