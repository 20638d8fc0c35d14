import pytest
from prometheus_client import CollectorRegistry, generate_latest

from controller.providers.transport import RequestOutcome, Result
from controller.runtime.metrics import OperatorMetrics
from controller.runtime.queue import Priority, WorkQueue
from tests.runtime.manual_clock import ManualClock


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> OperatorMetrics:
    return OperatorMetrics(registry)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"tenant_operator_{name}", labels)


async def test_a_queue_is_followed(registry: CollectorRegistry, metrics: OperatorMetrics) -> None:
    clock = ManualClock()
    queue: WorkQueue[str] = WorkQueue(
        clock=clock, random_unit=lambda: 0.0, observer=metrics.queue_observer("tenants")
    )
    metrics.watch_queues({"tenants": queue})
    queue.add("acme", priority=Priority.STARTUP)
    queue.add("later", delay=60)
    await clock.advance(2)
    await queue.get()
    await clock.advance(5)

    assert value(registry, "queue_depth", queue="tenants", state="running") == 1
    assert value(registry, "queue_depth", queue="tenants", state="delayed") == 1
    assert value(registry, "queue_depth", queue="tenants", state="ready") == 0
    assert value(registry, "queue_longest_running_seconds", queue="tenants") == 5
    assert value(registry, "queue_wait_seconds_sum", queue="tenants", priority="startup") == 2
    queue.add_after_failure("acme")
    queue.done("acme")
    assert value(registry, "queue_work_seconds_sum", queue="tenants") == 5
    assert value(registry, "queue_retries_total", queue="tenants") == 1
    assert value(registry, "queue_adds_total", queue="tenants", priority="startup") == 2
    queue.shutdown()


def test_requests_are_counted_by_what_they_were(
    registry: CollectorRegistry, metrics: OperatorMetrics
) -> None:
    metrics.api_call("patch", "businesstenants/status", "200", 0.02)
    metrics.outside_request(RequestOutcome("twilio", "POST /IncomingPhoneNumbers.json", Result.TIMEOUT, 30.0))
    assert (
        value(
            registry,
            "kubernetes_request_seconds_count",
            verb="patch",
            resource="businesstenants/status",
            code="200",
        )
        == 1
    )
    assert (
        value(
            registry,
            "outside_request_seconds_sum",
            system="twilio",
            operation="POST /IncomingPhoneNumbers.json",
            outcome="timeout",
        )
        == 30.0
    )


def test_passes_are_counted(registry: CollectorRegistry, metrics: OperatorMetrics) -> None:
    metrics.reconciled("done", 0.1)
    metrics.event_dropped()
    assert value(registry, "reconcile_seconds_count", result="done") == 1
    assert value(registry, "kubernetes_events_dropped_total") == 1


def test_a_gauge_is_read_when_it_is_scraped(registry: CollectorRegistry, metrics: OperatorMetrics) -> None:
    tenants: dict[tuple[str, ...], float] = {("Ready",): 3.0}
    metrics.add_gauge("tenants", "Tenants by phase.", lambda: tenants, labels=["phase"])
    assert value(registry, "tenants", phase="Ready") == 3.0
    tenants["Ready",] = 4.0
    assert value(registry, "tenants", phase="Ready") == 4.0


def test_a_gauge_that_cannot_be_read_hides_no_other(
    registry: CollectorRegistry, metrics: OperatorMetrics
) -> None:
    metrics.add_gauge("broken", "Always fails.", lambda: {("x",): 1 / 0})
    metrics.add_gauge("sound", "Works.", lambda: {(): 1.0})
    text = generate_latest(registry).decode()
    assert "tenant_operator_sound 1.0" in text
    assert "tenant_operator_broken" not in text


def test_a_gauge_has_one_owner(metrics: OperatorMetrics) -> None:
    metrics.add_gauge("tenants", "Tenants.", dict)
    with pytest.raises(ValueError, match="registered already"):
        metrics.add_gauge("tenants", "Tenants.", dict)
