"""kopf's watch of tenants goes on from the list that was made before it, and everything else is as it would be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import kopf
import pytest

from controller.kopf_connection import TenantWatch, kopf_session
from controller.left_generators import closing_generators
from controller.operator import kopf_settings
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import anonymous
from controller.runtime.kube_resources import BUSINESS_TENANTS
from controller.runtime.manifests import apply_manifests
from controller.sandbox.apiserver import ApiServer
from tests.engine.tenants import tenant
from tests.engine.world import custom_resources
from tests.runtime.eventually import until
from tests.runtime.scripted_server import ScriptedServer, listing, refuses, says

TENANTS = "/apis/x-sevenai.com/v1alpha1/businesstenants"
CAFE = {"metadata": {"name": "cafe", "namespace": "tenants", "resourceVersion": "5"}}


@asynccontextmanager
async def session(url: str, watch: TenantWatch) -> AsyncIterator[aiohttp.ClientSession]:
    credentials = await kopf_session(anonymous(url), watch)
    async with credentials.aiohttp_session as http:
        yield http


async def listed(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with http.get(url) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_the_first_list_of_tenants_is_empty_and_of_the_version_of_ours() -> None:
    async with (
        ScriptedServer(says(listing("9", CAFE))) as server,
        session(server.url, TenantWatch({None: "7"})) as http,
    ):
        first = await listed(http, f"{server.url}{TENANTS}?limit=500")
        assert (first["metadata"]["resourceVersion"], first["items"]) == ("7", [])
        assert "continue" not in first["metadata"]
        second = await listed(http, f"{server.url}{TENANTS}?limit=500")
        assert (second["metadata"]["resourceVersion"], second["items"]) == ("9", [CAFE])


async def test_an_api_server_may_have_a_path_before_its_own() -> None:
    watch = TenantWatch({None: "7"})
    async with (
        ScriptedServer(says(listing("9", CAFE))) as server,
        session(f"{server.url}/k8s/clusters/c-1", watch) as http,
    ):
        first = await listed(http, f"{server.url}/k8s/clusters/c-1{TENANTS}")
        await listed(http, f"{server.url}/k8s/clusters/c-1{TENANTS}?watch=true")
    assert first["items"] == []
    await asyncio.wait_for(watch.begun(), 1)


async def test_each_namespace_goes_on_from_its_own_list() -> None:
    async with (
        ScriptedServer(says(listing("9", CAFE))) as server,
        session(server.url, TenantWatch({"one": "7", "two": "8"})) as http,
    ):
        path = f"{server.url}/apis/x-sevenai.com/v1alpha1/namespaces/{{}}/businesstenants"
        versions = [
            (await listed(http, path.format(name)))["metadata"]["resourceVersion"]
            for name in ("two", "one", "two", "three")
        ]
    assert versions == ["8", "7", "9", "9"]


async def test_other_kinds_are_listed_as_they_are() -> None:
    async with (
        ScriptedServer(says(listing("9", CAFE))) as server,
        session(server.url, TenantWatch({None: "7"})) as http,
    ):
        providers = await listed(http, f"{server.url}/apis/x-sevenai.com/v1alpha1/phoneproviders")
    assert len(providers["items"]) == 1


async def test_a_list_that_was_refused_was_not_the_first() -> None:
    async with (
        ScriptedServer(refuses(503, "ServiceUnavailable"), says(listing("9", CAFE))) as server,
        session(server.url, TenantWatch({None: "7"})) as http,
    ):
        assert (await listed(http, server.url + TENANTS))["code"] == 503
        assert (await listed(http, server.url + TENANTS))["metadata"]["resourceVersion"] == "7"


async def test_it_has_begun_when_every_namespace_is_watched() -> None:
    watch = TenantWatch({"one": "7", "two": "7"})
    begun = asyncio.create_task(watch.begun())
    path = "/apis/x-sevenai.com/v1alpha1/namespaces/{}/businesstenants?watch=true"
    async with (
        ScriptedServer(refuses(503, "ServiceUnavailable"), says({})) as server,
        session(server.url, watch) as http,
    ):
        for name, is_begun in (("two", False), ("one", False), ("two", True)):
            await listed(http, server.url + path.format(name))
            await asyncio.sleep(0)
            assert begun.done() is is_begun


async def test_a_namespace_that_nobody_watches_holds_nothing_up_for_long() -> None:
    await asyncio.wait_for(TenantWatch({"missing": "7"}).begun(within=0.01), 1)


@asynccontextmanager
async def told_by_kopf(url: str, version: str) -> AsyncIterator[list[tuple[str | None, str]]]:
    """What kopf tells of tenants, by type and name, when they were listed at `version`."""
    watch = TenantWatch({None: version})
    registry, told = kopf.OperatorRegistry(), list[tuple[str | None, str]]()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return await kopf_session(anonymous(url), watch)

    @kopf.on.event("x-sevenai.com", "v1alpha1", "businesstenants", registry=registry)
    async def event(type: str | None, name: str, **_: Any) -> None:  # noqa: A002 - kopf's name
        told.append((type, name))

    async with closing_generators("kopf"):
        tasks = await kopf.spawn_tasks(
            registry=registry, settings=kopf_settings(), standalone=True, clusterwide=True
        )
        try:
            await asyncio.wait_for(watch.begun(), 10)
            yield told
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


@pytest.fixture
async def listed_version(api: KubeApi) -> str:
    """Of a list with one tenant in it; another one came right after that."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tenants"}}
    await apply_manifests(api, [*custom_resources(), namespace])
    await apply_manifests(api, [tenant("cafe")])
    (page,) = [page async for page in api.pages(BUSINESS_TENANTS)]
    assert len(page.items) == 1
    await apply_manifests(api, [tenant("shop")])
    return page.resource_version


async def test_what_changes_between_our_list_and_the_watch_is_told(
    listed_version: str, api: KubeApi, server_url: str
) -> None:
    async with told_by_kopf(server_url, listed_version) as told:
        await until(lambda: told == [("ADDED", "shop")])
        await api.delete(BUSINESS_TENANTS, "cafe", "tenants")
        await until(lambda: told[1:] == [("DELETED", "cafe")])


async def test_where_that_is_forgotten_everything_is_listed_anew(
    listed_version: str, server: ApiServer, server_url: str
) -> None:
    store = server._plane.store
    store.rebase(store.revision)
    async with told_by_kopf(server_url, listed_version) as told:
        await until(lambda: sorted(told) == [(None, "cafe"), (None, "shop")])
