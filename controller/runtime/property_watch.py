"""One property of every object of a resource, kept current by a list and a watch of metadata alone.

Asks for PartialObjectMetadata only. Survives everything that the API server does: expired positions, breaks, refusals.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, Generic, TypeVar

import structlog

from controller.clock import Clock
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiError, ApiUnavailable, ResourceExpired
from controller.runtime.kube_resources import Resource
from controller.runtime.kube_wire import WatchEvent, WatchEventType

log = structlog.get_logger(__name__)

_BACKOFF_BASE: Final = 1.0
_BACKOFF_CAP: Final = 60.0
_WATCH_SECONDS: Final = 300.0

Property = TypeVar("Property")
Metadata = Mapping[str, Any]
"""The `metadata` of an object; at this border its shape is known by Kubernetes' word only."""


class PropertyWatch(Generic[Property]):
    """The watch of one resource in one namespace, or in all.

    `read` takes an object's metadata to the property that is kept, by `key` of the metadata. `on_change(key)` is told
    about every object whose property appeared, changed or went, those of the first list included. It must be quick
    and must not raise.
    """

    def __init__(
        self,
        api: KubeApi,
        on_change: Callable[[str], None],
        *,
        resource: Resource,
        namespace: str | None,
        key: Callable[[Metadata], str],
        read: Callable[[Metadata], Property],
        clock: Clock,
        random_unit: Callable[[], float],
    ) -> None:
        self._api = api
        self._on_change = on_change
        self._resource = resource
        self._namespace = namespace
        self._key = key
        self._read = read
        self._clock = clock
        self._random_unit = random_unit
        self._position: str | None = None  # version to watch from; None: list first
        self.properties: dict[str, Property] = {}
        self.synced = asyncio.Event()
        # Set once a first list succeeded or failed, for those who can do without it.
        self.tried = asyncio.Event()

    def covers(self, kind: str, namespace: str) -> bool:
        """Whether objects of the kind in the namespace are among those watched."""
        return kind == self._resource.kind and self._namespace in {None, namespace}

    async def run(self) -> None:
        """Watch until cancelled."""
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
                self.tried.set()
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
        current = {self._key(item["metadata"]): self._read(item["metadata"]) for item in listing.items}
        previous, self.properties = self.properties, current
        self.synced.set()
        self.tried.set()
        for key in previous.keys() | current.keys():
            if previous.get(key) != current.get(key):
                self._on_change(key)
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
        metadata = event.body["metadata"]
        key = self._key(metadata)
        if event.type is WatchEventType.DELETED:
            self.properties.pop(key, None)
        else:
            value = self._read(metadata)
            if key in self.properties and self.properties[key] == value:
                return
            self.properties[key] = value
        self._on_change(key)
