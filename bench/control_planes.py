"""The control planes that stages stand on: one of its own for each, or one for all where only trying matters."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Final

from bench import objects
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiNotFound
from controller.runtime.kube_resources import (
    BUSINESS_TENANTS,
    EVENTS,
    EVOLUTION_SERVERS,
    LEASES,
    PHONE_PROVIDERS,
    SECRETS,
)
from tests.controlplane.binaries import Binaries, find
from tests.controlplane.controlplane import ControlPlane, Options
from tests.controlplane.errors import UnavailableError

LEFT: Final = (
    *((resource, objects.NAMESPACE) for resource in (BUSINESS_TENANTS, SECRETS, EVENTS)),
    *((resource, objects.SYSTEM) for resource in (SECRETS, LEASES)),
    *((resource, None) for resource in (PHONE_PROVIDERS, EVOLUTION_SERVERS)),
)
"""What a stage leaves behind, and where."""

_shared: ContextVar[ControlPlane | None] = ContextVar("_shared", default=None)


@asynccontextmanager
async def control_plane() -> AsyncIterator[ControlPlane]:
    """A running one without objects of the benchmark. Raises UnavailableError."""
    shared = _shared.get()
    if shared is not None:
        yield shared
        return
    source = find()
    if not isinstance(source, Binaries):
        raise UnavailableError(
            "The benchmark starts control planes of its own: install Go 1.26, or set KUBEBUILDER_ASSETS to a"
            " folder that holds etcd and kube-apiserver, and unset KUBECONFIG_TEST."
        )
    # Without the controllers: they read and write too, and the API server's counts are to be the contender's.
    own = ControlPlane(source, Options(controller_manager=False))
    await asyncio.to_thread(own.start)
    try:
        yield own
    finally:
        await asyncio.to_thread(own.stop)


@asynccontextmanager
async def one_for_all() -> AsyncIterator[None]:
    """Stages within the block stand on the same control plane one after the other; most of a short run is its start.

    No figure of it is worth keeping: its history grows, and its caches are warm.
    """
    async with control_plane() as shared:
        token = _shared.set(shared)
        try:
            yield
        finally:
            _shared.reset(token)


async def clear(api: KubeApi) -> None:
    """Delete what this stage has made, where another one comes after it."""
    if _shared.get() is None:
        return
    for resource, namespace in LEFT:
        for body in (await api.list(resource, namespace)).items:
            name = body["metadata"]["name"]
            with suppress(ApiNotFound):
                if body["metadata"].get("finalizers"):
                    await api.merge_patch(resource, name, {"metadata": {"finalizers": None}}, namespace)
                await api.delete(resource, name, namespace)
