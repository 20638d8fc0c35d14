"""Which version of every Secret and ConfigMap is current, without ever reading what they hold.

Keeps one resourceVersion an object. Whoever needs the content reads the one object by name.
"""

import asyncio
import random
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from controller.clock import Clock, SystemClock
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_resources import CONFIG_MAPS, SECRETS, Resource
from controller.runtime.property_watch import Metadata, PropertyWatch

WATCHED: Final = (SECRETS, CONFIG_MAPS)

OnChange = Callable[[str, str, str], None]


class MetadataWatch:
    """Versions of the objects of some resources, kept current while `run` runs.

    `namespaces` empty means all. `on_change(kind, namespace, name)` is told about every object that
    appeared, changed or went, those of the first list included: who looked before it and found nothing must
    look again. It must be quick and must not raise.
    """

    def __init__(
        self,
        api: KubeApi,
        on_change: OnChange,
        *,
        resources: Iterable[Resource] = WATCHED,
        namespaces: Iterable[str] = (),
        clock: Clock | None = None,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        scopes: list[str | None] = [*namespaces] or [None]
        clock = clock or SystemClock()
        self._watches = [
            PropertyWatch(
                api,
                partial(_tell, on_change, resource.kind),
                resource=resource,
                namespace=namespace,
                key=_namespaced_name,
                read=_version,
                clock=clock,
                random_unit=random_unit,
            )
            for resource in resources
            for namespace in scopes
        ]

    async def run(self) -> None:
        """Watch until cancelled; survives everything that the API server does."""
        async with asyncio.TaskGroup() as tasks:
            for watch in self._watches:
                tasks.create_task(watch.run())

    async def wait_synced(self) -> None:
        """Return once every list was complete once; before, a missing version says nothing."""
        for watch in self._watches:
            await watch.synced.wait()

    @property
    def is_synced(self) -> bool:
        return all(watch.synced.is_set() for watch in self._watches)

    def version(self, kind: str, namespace: str, name: str) -> str | None:
        """The object's resourceVersion; None when there is no such object or its namespace is not watched."""
        for watch in self._watches:
            if watch.covers(kind, namespace):
                return watch.properties.get(f"{namespace}/{name}")
        return None


def _tell(on_change: OnChange, kind: str, key: str) -> None:
    namespace, _, name = key.partition("/")
    on_change(kind, namespace, name)


def _namespaced_name(metadata: Metadata) -> str:
    return f"{metadata['namespace']}/{metadata['name']}"


def _version(metadata: Metadata) -> str:
    return sys.intern(metadata["resourceVersion"])
