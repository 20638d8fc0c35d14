"""The official Python client, in both its forms: what a platform in Python uses beside kubectl."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import aio, client, config, watch
from kubernetes.client.exceptions import ApiException

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, Objects

TENANTS = (GROUP, "v1alpha1")


@pytest.fixture
def sync_client(kubeconfig: Path) -> Iterator[Any]:
    settings = client.Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        str(kubeconfig), client_configuration=settings
    )
    with client.ApiClient(settings) as api_client:
        yield api_client


@pytest.fixture
async def aio_client(kubeconfig: Path) -> AsyncIterator[Any]:
    settings = aio.client.Configuration()
    await aio.config.load_kube_config(  # type: ignore[no-untyped-call]
        str(kubeconfig), client_configuration=settings
    )
    async with aio.client.ApiClient(settings) as api_client:
        yield api_client


def test_the_sync_client_writes_custom_objects(sync_client: Any, tenants: Objects, namespace: str) -> None:
    custom: Any = client.CustomObjectsApi(sync_client)
    where = (*TENANTS, namespace, "businesstenants")

    created = custom.create_namespaced_custom_object(*where, bodies.tenant("cafe"))
    patched = custom.patch_namespaced_custom_object(*where, "cafe", {"spec": {"paused": True}})
    patched["spec"]["business"]["name"] = "Bar"
    replaced = custom.replace_namespaced_custom_object(*where, "cafe", patched)
    custom.patch_namespaced_custom_object_status(*where, "cafe", {"status": {"phase": "Ready"}})

    assert created["metadata"]["generation"] == 1
    assert replaced["spec"] == {"business": {"name": "Bar"}, "paused": True}
    found = custom.get_namespaced_custom_object(*where, "cafe")
    assert found["status"] == {"phase": "Ready"}
    custom.delete_namespaced_custom_object(*where, "cafe")
    assert custom.list_namespaced_custom_object(*where)["items"] == []


def test_the_sync_client_tells_refusals(sync_client: Any, namespace: str) -> None:
    custom: Any = client.CustomObjectsApi(sync_client)

    with pytest.raises(ApiException) as refused:
        custom.get_namespaced_custom_object(*TENANTS, namespace, "businesstenants", "nobody")

    assert (refused.value.status, refused.value.reason) == (404, "Not Found")


def test_the_sync_client_watches(sync_client: Any, tenants: Objects, namespace: str) -> None:
    custom: Any = client.CustomObjectsApi(sync_client)
    tenants.create(bodies.tenant("a")).done()
    tenants.create(bodies.tenant("b")).done()

    watcher: Any = watch.Watch()  # type: ignore[no-untyped-call]
    seen = []
    for event in watcher.stream(
        custom.list_namespaced_custom_object, *TENANTS, namespace, "businesstenants", timeout_seconds=10
    ):
        seen.append((event["type"], event["object"]["metadata"]["name"]))
        if len(seen) == 2:
            tenants.delete("a").done()
        if len(seen) == 3:
            watcher.stop()

    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]


def test_the_sync_client_reads_models(sync_client: Any, namespace: str) -> None:
    core: Any = client.CoreV1Api(sync_client)
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="token"), string_data={"key": "fake"})

    created = core.create_namespaced_secret(namespace, secret)
    created.data["key"] = "YQ=="
    replaced = core.replace_namespaced_secret("token", namespace, created)

    assert (replaced.type, replaced.data) == ("Opaque", {"key": "YQ=="})
    assert int(replaced.metadata.resource_version) > int(created.metadata.resource_version)
    assert [one.metadata.name for one in core.list_namespaced_secret(namespace).items] == ["token"]


def test_the_sync_client_holds_leases(sync_client: Any, namespace: str) -> None:
    leases: Any = client.CoordinationV1Api(sync_client)
    now = dt.datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=dt.UTC)
    spec = client.V1LeaseSpec(holder_identity="a", lease_duration_seconds=15, renew_time=now)
    body = client.V1Lease(metadata=client.V1ObjectMeta(name="leader"), spec=spec)

    created = leases.create_namespaced_lease(namespace, body)

    assert created.spec.renew_time == now


async def test_the_aio_client_writes_custom_objects(
    aio_client: Any, tenants: Objects, namespace: str
) -> None:
    custom: Any = aio.client.CustomObjectsApi(aio_client)
    where = (*TENANTS, namespace, "businesstenants")

    await custom.create_namespaced_custom_object(*where, bodies.tenant("cafe"))
    patched = await custom.patch_namespaced_custom_object(*where, "cafe", {"spec": {"paused": True}})
    patched["spec"]["business"]["name"] = "Bar"
    await custom.replace_namespaced_custom_object(*where, "cafe", patched)

    assert tenants.get("cafe").body["spec"] == {"business": {"name": "Bar"}, "paused": True}
    listed = await custom.list_namespaced_custom_object(*where)
    assert [one["metadata"]["name"] for one in listed["items"]] == ["cafe"]


async def test_the_aio_client_watches(aio_client: Any, tenants: Objects, namespace: str) -> None:
    custom: Any = aio.client.CustomObjectsApi(aio_client)
    tenants.create(bodies.tenant("a")).done()

    seen = []
    watcher: Any
    async with aio.watch.Watch() as watcher:  # type: ignore[no-untyped-call]
        async for event in watcher.stream(
            custom.list_namespaced_custom_object, *TENANTS, namespace, "businesstenants", timeout_seconds=10
        ):
            seen.append((event["type"], event["object"]["metadata"]["name"]))
            if len(seen) == 2:
                break
            tenants.delete("a").done()

    assert seen == [("ADDED", "a"), ("DELETED", "a")]
