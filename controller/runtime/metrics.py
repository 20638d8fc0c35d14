"""What the operator tells Prometheus. Label values come from code and names of objects, never from customers."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from controller.providers.transport import RequestOutcome
from controller.runtime.queue import Priority, QueueObserver, WorkQueue

log = structlog.get_logger(__name__)

PREFIX: Final = "tenant_operator"
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WAIT_SECONDS: Final = (0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0)

Samples = Mapping[tuple[str, ...], float]
"""Values by the values of their labels."""


class OperatorMetrics:
    """The metrics of one process, in `registry`. Where they are fed from is told at each method."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

        def counter(name: str, documentation: str, *labels: str) -> Counter:
            return Counter(f"{PREFIX}_{name}", documentation, labels, registry=registry)

        def histogram(name: str, documentation: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"{PREFIX}_{name}", documentation, labels, buckets=buckets, registry=registry)

        self._queue_adds = counter(
            "queue_adds_total", "Keys added to a queue that were not in it.", "queue", "priority"
        )
        self._queue_retries = counter("queue_retries_total", "Keys that failed and come back.", "queue")
        self._queue_wait = histogram(
            "queue_wait_seconds", "Time ready keys waited for a worker.", _WAIT_SECONDS, "queue", "priority"
        )
        self._queue_work = histogram(
            "queue_work_seconds", "Time workers had keys.", _REQUEST_SECONDS, "queue"
        )
        # Looked up once for each combination: `labels` costs more than counting.
        self._reconciles = cache(
            histogram(
                "reconcile_seconds", "Passes over a tenant, by how they ended.", _REQUEST_SECONDS, "result"
            ).labels
        )
        self._outside = cache(
            histogram(
                "outside_request_seconds",
                "Requests to telephony providers and Evolution servers.",
                _REQUEST_SECONDS,
                "system",
                "operation",
                "outcome",
            ).labels
        )
        self._kubernetes = cache(
            histogram(
                "kubernetes_request_seconds",
                "Requests to the Kubernetes API server; of watches, the time until they were open.",
                _REQUEST_SECONDS,
                "verb",
                "resource",
                "code",
            ).labels
        )
        self._dropped_events = counter(
            "kubernetes_events_dropped_total", "Kubernetes Events cut off or refused by the API server."
        )
        self._read = _ReadAtScrape()
        registry.register(self._read)

    def queue_observer(self, name: str) -> QueueObserver:
        """The observer of the queue called `name`."""
        return _QueueMetrics(name, self._queue_adds, self._queue_retries, self._queue_wait, self._queue_work)

    def watch_queues(self, queues: Mapping[str, WorkQueue[Any]]) -> None:
        """Show depth and the longest run of queues, by their names. Called once."""

        def depths() -> Samples:
            samples: dict[tuple[str, ...], float] = {}
            for name, queue in queues.items():
                depth = queue.depth()
                samples[name, "ready"] = depth.ready
                samples[name, "delayed"] = depth.delayed
                samples[name, "running"] = depth.running
            return samples

        def longest_runs() -> Samples:
            return {(name,): queue.longest_running() for name, queue in queues.items()}

        self.add_gauge("queue_depth", "Keys in a queue.", depths, labels=("queue", "state"))
        self.add_gauge(
            "queue_longest_running_seconds",
            "How long a worker has had its key.",
            longest_runs,
            labels=("queue",),
        )

    def add_gauge(
        self, name: str, documentation: str, read: Callable[[], Samples], *, labels: Collection[str] = ()
    ) -> None:
        """Show what `read` returns at every scrape; without labels under the empty tuple. `read` must be
        quick.
        """
        self._read.add(GaugeMetricFamily, f"{PREFIX}_{name}", documentation, tuple(labels), read)

    def add_counter(
        self, name: str, documentation: str, read: Callable[[], Samples], *, labels: Collection[str] = ()
    ) -> None:
        """As `add_gauge`, for what only grows while the process runs; `_total` is added to the name."""
        self._read.add(CounterMetricFamily, f"{PREFIX}_{name}", documentation, tuple(labels), read)

    def reconciled(self, result: str, seconds: float) -> None:
        """The engine ended a pass over a tenant."""
        self._reconciles(result).observe(seconds)

    def outside_request(self, outcome: RequestOutcome) -> None:
        """A request to an outside system ended; the observer that transports take."""
        self._outside(outcome.system, outcome.operation, outcome.result).observe(outcome.seconds)

    def api_call(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """A request to the API server ended; the observer that KubeConnection takes."""
        self._kubernetes(verb, resource, code).observe(seconds)

    def event_dropped(self) -> None:
        """An EventRecorder did not write an event."""
        self._dropped_events.inc()


class _QueueMetrics:
    def __init__(self, queue: str, adds: Counter, retries: Counter, wait: Histogram, work: Histogram) -> None:
        self._adds = {priority: adds.labels(queue, priority.name.lower()) for priority in Priority}
        self._wait = {priority: wait.labels(queue, priority.name.lower()) for priority in Priority}
        self._retries = retries.labels(queue)
        self._work = work.labels(queue)

    def added(self, priority: Priority) -> None:
        self._adds[priority].inc()

    def started(self, priority: Priority, waited: float) -> None:
        self._wait[priority].observe(waited)

    def finished(self, ran: float) -> None:
        self._work.observe(ran)

    def retried(self, delay: float) -> None:  # noqa: ARG002 - the wait is seen when the key is taken again
        self._retries.inc()


_Family = type[GaugeMetricFamily] | type[CounterMetricFamily]


class _ReadAtScrape(Collector):
    """Metrics that are read when they are scraped, instead of being kept up to date."""

    def __init__(self) -> None:
        self._metrics: list[tuple[_Family, str, str, tuple[str, ...], Callable[[], Samples]]] = []

    def add(
        self,
        family: _Family,
        name: str,
        documentation: str,
        labels: tuple[str, ...],
        read: Callable[[], Samples],
    ) -> None:
        if any(name == known for _, known, *_ in self._metrics):
            message = f"The metric {name} is registered already."
            raise ValueError(message)
        self._metrics.append((family, name, documentation, labels, read))

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        for make, name, documentation, labels, read in self._metrics:
            family = make(name, documentation, labels=labels)
            try:
                for values, number in read().items():
                    family.add_metric(values, number)
            except Exception:
                # One that cannot be read must not hide all the others from an alert.
                log.exception("A metric could not be read; it is left out.", metric=name)
                continue
            yield family
