"""Which version of every Secret and ConfigMap is current, without ever reading what they hold.

Asks for PartialObjectMetadata only and keeps one resourceVersion an object. Whoever needs the content reads
the one object by name.
"""

import asyncio
import random
import sys
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Final

import structlog

from controller.clock import Clock, SystemClock
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiError, ApiUnavailable, ResourceExpired
from controller.runtime.kube_resources import CONFIG_MAPS, SECRETS, Resource
from controller.runtime.kube_wire import JsonObject, WatchEvent, WatchEventType

log = structlog.get_logger(__name__)

WATCHED: Final = (SECRETS, CONFIG_MAPS)
_BACKOFF_BASE: Final = 1.0
_BACKOFF_CAP: Final = 60.0
_WATCH_SECONDS: Final = 300.0

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
            _ScopeWatch(
                api,
                on_change,
                resource=resource,
                namespace=namespace,
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
                return watch.versions.get(f"{namespace}/{name}")
        return None


class _ScopeWatch:
    """The watch of one resource in one namespace, or in all."""

    def __init__(
        self,
        api: KubeApi,
        on_change: OnChange,
        *,
        resource: Resource,
        namespace: str | None,
        clock: Clock,
        random_unit: Callable[[], float],
    ) -> None:
        self._api = api
        self._on_change = on_change
        self._resource = resource
        self._namespace = namespace
        self._clock = clock
        self._random_unit = random_unit
        self._position: str | None = None  # version to watch from; None: list first
        self.versions: dict[str, str] = {}  # by "namespace/name"
        self.synced = asyncio.Event()

    def covers(self, kind: str, namespace: str) -> bool:
        return kind == self._resource.kind and self._namespace in {None, namespace}

    async def run(self) -> None:
        failures = 0
        while True:
            began = self._clock.monotonic()
            wait = 0.0
            try:
                if self._position is None:
                    self._position = await self._list()
                await self._watch(self._position)
            except ResourceExpired:
                self._position = None
                failures += 1
                # The first new list is made at once; a list is dear, so not again and again.
                wait = self._backoff(failures - 1) if failures > 1 else 0.0
            except ApiError as error:
                failures += 1
                log.warning(
                    "The watch broke off; it goes on after a while.",
                    resource=self._resource.plural,
                    namespace=self._namespace,
                    error=error.message,
                )
                asked = error.after if isinstance(error, ApiUnavailable) else None
                wait = max(asked or 0.0, self._backoff(failures))
            else:
                failures = 0
            lasted = self._clock.monotonic() - began
            if lasted > _BACKOFF_CAP:
                failures = 0  # it worked; what ended it now is a new story
            elif not failures:
                wait = max(0.0, _BACKOFF_BASE - lasted)  # a server may end watches as soon as they begin
            await self._clock.sleep(wait)

    def _backoff(self, failures: int) -> float:
        return min(_BACKOFF_CAP, _BACKOFF_BASE * 2.0 ** min(failures - 1, 32)) * (
            1.0 - self._random_unit() / 2.0
        )

    async def _list(self) -> str:
        listing = await self._api.list(self._resource, self._namespace, metadata_only=True)
        current = dict(_key_and_version(item) for item in listing.items)
        previous, self.versions = self.versions, current
        self.synced.set()
        for key in previous.keys() | current.keys():
            if previous.get(key) != current.get(key):
                self._tell(key)
        return listing.resource_version

    async def _watch(self, position: str) -> None:
        # Spread, so that the watches of many namespaces do not all end at the same moment.
        seconds = _WATCH_SECONDS * (1.0 - self._random_unit() / 5.0)
        watching = self._api.watch(
            self._resource, position, self._namespace, metadata_only=True, timeout_seconds=seconds
        )
        async with aclosing(watching) as events:
            async for event in events:
                self._take(event)
                self._position = event.resource_version

    def _take(self, event: WatchEvent) -> None:
        if event.type is WatchEventType.BOOKMARK:
            return
        key, version = _key_and_version(event.body)
        if event.type is WatchEventType.DELETED:
            self.versions.pop(key, None)
        elif self.versions.get(key) == version:
            return
        else:
            self.versions[key] = version
        self._tell(key)

    def _tell(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        self._on_change(self._resource.kind, namespace, name)


def _key_and_version(body: JsonObject) -> tuple[str, str]:
    metadata = body["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}", sys.intern(metadata["resourceVersion"])
