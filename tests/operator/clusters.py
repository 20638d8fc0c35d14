"""The API server of a test: the embedded one, or a real one that other tests use too, at other times."""

import fcntl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kubernetes.aio.client.configuration import Configuration

from controller.api.crd import custom_resource_definitions
from controller.api.group import Kind
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, login
from controller.runtime.kube_errors import ApiNotFound
from controller.runtime.kube_resources import (
    BUSINESS_TENANTS,
    EVOLUTION_SERVERS,
    NAMESPACES,
    PHONE_PROVIDERS,
    Resource,
)
from controller.runtime.manifests import apply_manifests
from controller.sandbox.apiserver import ApiServer
from tests.operator.eventually import eventually

OURS = (BUSINESS_TENANTS, PHONE_PROVIDERS, EVOLUTION_SERVERS)


@dataclass(frozen=True)
class Cluster:
    """A running API server that knows our kinds."""

    kubeconfig: Path
    api: KubeApi
    forget_history: Callable[[], None] | None = None
    """Have every watch from before now answered with 410, where that can be ordered."""

    async def configuration(self) -> Configuration:
        """A login of its own, for one operator."""
        return await login(kubeconfig=str(self.kubeconfig))

    async def clear(self, namespaces: Iterable[str]) -> None:
        """Remove what a test left: nobody is there any more to take the finalizers away."""
        for resource in OURS:
            for body in (await self.api.list(resource)).items:
                metadata = body["metadata"]
                await self._remove(resource, metadata["name"], metadata.get("namespace"))
        for name in namespaces:
            with suppress(ApiNotFound):
                await self.api.delete(NAMESPACES, name)

    async def _remove(self, resource: Resource, name: str, namespace: str | None) -> None:
        with suppress(ApiNotFound):
            await self.api.delete(resource, name, namespace)
            await self.api.merge_patch(resource, name, {"metadata": {"finalizers": None}}, namespace)


@asynccontextmanager
async def embedded_cluster(folder: Path) -> AsyncIterator[Cluster]:
    """An API server of the test's own, in this process."""
    server = ApiServer()
    await server.start()
    try:
        kubeconfig = folder / "kubeconfig"
        server.write_kubeconfig(kubeconfig)
        async with _cluster(kubeconfig) as cluster:
            store = server._plane.store
            yield replace(cluster, forget_history=lambda: store.rebase(store.revision))
    finally:
        await server.stop()


@asynccontextmanager
async def real_cluster(kubeconfig: Path) -> AsyncIterator[Cluster]:
    """A real API server that was started for the whole run."""
    async with _cluster(kubeconfig) as cluster:
        yield cluster


@contextmanager
def alone_on(kubeconfig: Path) -> Iterator[None]:
    """Providers and servers are cluster-scoped: an operator would see those of a test beside this one."""
    with kubeconfig.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def _cluster(kubeconfig: Path) -> AsyncIterator[Cluster]:
    connection = KubeConnection(await login(kubeconfig=str(kubeconfig)))
    try:
        cluster = Cluster(kubeconfig, KubeApi(connection))
        await install_kinds(cluster.api)
        yield cluster
    finally:
        await connection.close()


async def install_kinds(api: KubeApi) -> None:
    """Apply the CRDs and wait until they are served: a real API server takes a moment."""
    await apply_manifests(api, custom_resource_definitions())

    async def all_served() -> bool:
        try:
            for resource in OURS:
                await api.list(resource)
        except ApiNotFound:
            return False
        return True

    await eventually(all_served)


def resource_of(body: dict[str, Any]) -> Resource:
    """The resource of a body of one of our kinds."""
    kinds = {Kind(resource.kind): resource for resource in OURS}
    return kinds[Kind(body["kind"])]
