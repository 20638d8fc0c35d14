"""Kubernetes Events: sentences that people read in `kubectl describe`.

Telling is worth something only while it costs nothing: recording never waits and never raises, repeats are
counted on one Event instead of making new ones, and an object that has much to tell is cut short.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import structlog

from controller.clock import Clock, SystemClock
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiAlreadyExists, ApiError, ApiNotFound, ApiUnavailable
from controller.runtime.kube_resources import EVENTS, Resource
from controller.runtime.kube_wire import JsonObject
from controller.runtime.queue import WorkQueue
from controller.runtime.workers import After, Done, Failed, Requeue, run_workers

log = structlog.get_logger(__name__)

COMPONENT: Final = "tenant-operator"
SERIES_WINDOW: Final = 600.0
WRITE_INTERVAL: Final = 60.0
BURST_PER_OBJECT: Final = 25
REFILL_SECONDS: Final = 300.0  # burst and refill are those of client-go's EventSourceObjectSpamFilter
MAX_SERIES: Final = 4096
MAX_MESSAGE: Final = 1024  # the API server refuses longer ones
_MAX_ATTEMPTS: Final = 3
_WRITERS: Final = 2
_CLUSTER_SCOPED_NAMESPACE: Final = "default"  # Events about cluster-scoped objects must stand there


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class EventSubject:
    """The object that an event is about; `namespace` is None for cluster-scoped ones."""

    resource: Resource
    namespace: str | None
    name: str
    uid: str


@dataclass(slots=True)
class _Series:
    subject: EventSubject
    event_name: str
    type: EventType
    reason: str
    message: str
    first: datetime
    last: datetime
    last_monotonic: float
    count: int = 1
    written_count: int = 0
    written_at: float | None = None


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class EventRecorder:
    """Records events; `run` writes them. `instance` names this replica in them."""

    def __init__(
        self,
        api: KubeApi,
        *,
        instance: str,
        clock: Clock | None = None,
        on_dropped: Callable[[], None] | None = None,
    ) -> None:
        self._api = api
        self._instance = instance
        self._clock = clock or SystemClock()
        self._on_dropped = on_dropped
        self._series: OrderedDict[str, _Series] = OrderedDict()  # the least recently repeated first
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._queue: WorkQueue[str] = WorkQueue(clock=self._clock)

    def normal(self, subject: EventSubject, reason: str, message: str) -> None:
        """Tell that something happened as it should."""
        self._record(subject, EventType.NORMAL, reason, message)

    def warning(self, subject: EventSubject, reason: str, message: str) -> None:
        """Tell that something needs attention."""
        self._record(subject, EventType.WARNING, reason, message)

    async def run(self, *, drain_seconds: float = 2.0) -> None:
        """Write what is recorded until cancelled."""
        await run_workers(self._queue, self._write, _WRITERS, drain_seconds)

    def _record(self, subject: EventSubject, event_type: EventType, reason: str, message: str) -> None:
        message = message[:MAX_MESSAGE]
        key = _series_key(subject, event_type, reason, message)
        now = self._clock.monotonic()
        series = self._series.get(key)
        if series is not None and now - series.last_monotonic <= SERIES_WINDOW:
            series.count += 1
            series.last = self._clock.now()
            series.last_monotonic = now
            self._series.move_to_end(key)
            if series.written_at is not None:
                self._queue.add(key, delay=WRITE_INTERVAL - (now - series.written_at))
            # Not written yet: the write to come counts this one.
            return
        if not self._take_token(subject.uid, now):
            self._drop()
            return
        moment = self._clock.now()
        self._series[key] = _Series(
            subject=subject,
            event_name=_event_name(subject, key, moment),
            type=event_type,
            reason=reason,
            message=message,
            first=moment,
            last=moment,
            last_monotonic=now,
        )
        self._series.move_to_end(key)
        if len(self._series) > MAX_SERIES:
            self._series.popitem(last=False)
        self._queue.add(key)

    def _take_token(self, uid: str, now: float) -> bool:
        bucket = self._buckets.setdefault(uid, _Bucket(BURST_PER_OBJECT, now))
        self._buckets.move_to_end(uid)
        if len(self._buckets) > MAX_SERIES:
            self._buckets.popitem(last=False)
        bucket.tokens = min(BURST_PER_OBJECT, bucket.tokens + (now - bucket.filled_at) / REFILL_SECONDS)
        bucket.filled_at = now
        if bucket.tokens < 1.0:
            return False
        bucket.tokens -= 1.0
        return True

    async def _write(self, key: str) -> Requeue:
        series = self._series.get(key)
        if series is None or series.count == series.written_count:
            return Done()
        count = series.count
        try:
            await self._create_or_update(series)
        except ApiUnavailable as error:
            if self._queue.failures(key) + 1 < _MAX_ATTEMPTS:
                return Failed(error.after)
            self._give_up(key, error)
            return Done()
        except ApiError as error:  # such as a namespace that is being deleted
            self._give_up(key, error)
            return Done()
        series.written_count = count
        series.written_at = self._clock.monotonic()
        # What was repeated during the write is counted by the next one.
        return After(WRITE_INTERVAL, persistent=True) if series.count != count else Done()

    async def _create_or_update(self, series: _Series) -> None:
        namespace = series.subject.namespace or _CLUSTER_SCOPED_NAMESPACE
        if series.written_count:
            patch = {"count": series.count, "lastTimestamp": _timestamp(series.last)}
            try:
                await self._api.merge_patch(EVENTS, series.event_name, patch, namespace)
            except ApiNotFound:
                pass  # expired (an hour by default): tell it anew
            else:
                return
        try:
            await self._api.create(EVENTS, self._event(series, namespace), namespace)
        except ApiAlreadyExists:
            log.debug("An event that was believed lost had been written.", event_name=series.event_name)

    def _give_up(self, key: str, error: ApiError) -> None:
        self._series.pop(key, None)
        log.warning("An event could not be written.", error=error.message)
        self._drop()

    def _drop(self) -> None:
        if self._on_dropped:
            self._on_dropped()

    def _event(self, series: _Series, namespace: str) -> JsonObject:
        subject = series.subject
        involved = {
            "apiVersion": subject.resource.api_version,
            "kind": subject.resource.kind,
            "name": subject.name,
            "uid": subject.uid,
        }
        if subject.namespace is not None:
            involved["namespace"] = subject.namespace
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": series.event_name, "namespace": namespace},
            "involvedObject": involved,
            "type": series.type.value,
            "reason": series.reason,
            "message": series.message,
            "count": series.count,
            "firstTimestamp": _timestamp(series.first),
            "lastTimestamp": _timestamp(series.last),
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._instance,
        }


def _series_key(subject: EventSubject, event_type: EventType, reason: str, message: str) -> str:
    return hashlib.sha256(f"{subject.uid}/{event_type}/{reason}/{message}".encode()).hexdigest()


def _event_name(subject: EventSubject, key: str, first: datetime) -> str:
    """Unique for each series, and the same for every attempt to write it."""
    digest = hashlib.sha256(f"{key}/{first.isoformat()}".encode()).hexdigest()
    return f"{subject.name[:200]}.{digest[:16]}"


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
