"""An operator written with kopf: lists, watches, finalizers by JSON patch, status, events."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kopf
import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, Api, Objects

FINALIZER = "x-sevenai.com/conformance"
KIND = (GROUP, "v1alpha1", "businesstenants")
STOP_SECONDS = 15.0


@pytest.fixture
def kopf_login(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))


@pytest.fixture
def registry() -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.persistence.finalizer = FINALIZER
        settings.posting.enabled = True
        settings.scanning.disabled = True
        settings.peering.standalone = True

    @kopf.on.login(registry=registry)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_kubeconfig(**kwargs)

    return registry


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(STOP_SECONDS):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - the state is a server's
            await asyncio.sleep(0.05)


async def test_a_life_under_an_operator(
    kopf_login: None, registry: kopf.OperatorRegistry, api: Api, tenants: Objects, namespace: str
) -> None:
    deleted: list[str] = []

    @kopf.on.create(*KIND, registry=registry)
    def created(patch: kopf.Patch, body: kopf.Body, **_: Any) -> None:
        patch.status["phase"] = "Ready"
        kopf.info(body, reason="Created", message="Seen by kopf.")

    @kopf.on.update(*KIND, field="spec.paused", registry=registry)
    def updated(patch: kopf.Patch, spec: kopf.Spec, **_: Any) -> None:
        patch.status["phase"] = "Paused" if spec.get("paused") else "Ready"

    @kopf.on.delete(*KIND, registry=registry)
    def gone(name: str, **_: Any) -> None:
        deleted.append(name)

    tenants.create(bodies.tenant("before")).done()
    stop = asyncio.Event()
    operator = asyncio.create_task(
        kopf.operator(registry=registry, namespaces=[namespace], standalone=True, stop_flag=stop)
    )

    def phase(name: str) -> str:
        return str(tenants.get(name).body.get("status", {}).get("phase", ""))

    try:
        await until(lambda: phase("before") == "Ready")
        tenants.create(bodies.tenant("after")).done()
        await until(lambda: phase("after") == "Ready")
        assert tenants.get("after").metadata["finalizers"] == [FINALIZER]

        tenants.merge("after", {"spec": {"paused": True}}).done()
        await until(lambda: phase("after") == "Paused")

        await until(
            lambda: len(api.core(namespace, "events").list(fieldSelector="reason=Created").names) == 2
        )

        assert "deletionTimestamp" in tenants.delete("after").done().metadata
        await until(lambda: tenants.get("after").code == 404)
        assert deleted == ["after"]
    finally:
        stop.set()
        async with asyncio.timeout(STOP_SECONDS):
            await operator
        tenants.merge("before", {"metadata": {"finalizers": None}})
