import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from controller.runtime.http_server import serve
from controller.runtime.metrics import OperatorMetrics
from controller.runtime.probes import probes_application


async def fetch(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_probe_says_what_is_wrong_while_it_is(path: str) -> None:
    problems: list[str | None] = [None, "The caches are being filled.", None]

    def check() -> str | None:
        return problems.pop(0)

    application = probes_application(CollectorRegistry(), healthy=check, ready=check)
    async with serve(application, 0, host="127.0.0.1") as port:
        assert await fetch(port, path) == (200, "ok")
        assert await fetch(port, path) == (503, "The caches are being filled.")
        assert await fetch(port, path) == (200, "ok")


async def test_metrics_are_served() -> None:
    registry = CollectorRegistry()
    OperatorMetrics(registry).event_dropped()
    application = probes_application(registry, healthy=lambda: None, ready=lambda: None)
    async with serve(application, 0, host="127.0.0.1") as port:
        status, text = await fetch(port, "/metrics")
    assert status == 200
    assert "tenant_operator_kubernetes_events_dropped_total 1.0" in text


async def test_nothing_listens_afterwards() -> None:
    application = probes_application(CollectorRegistry(), healthy=lambda: None, ready=lambda: None)
    async with serve(application, 0, host="127.0.0.1") as port:
        pass
    with pytest.raises(aiohttp.ClientConnectorError):
        await fetch(port, "/healthz")
