import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import (
    ApiAlreadyExists,
    ApiConflict,
    ApiError,
    ApiInvalid,
    ApiNotFound,
)
from controller.runtime.kube_resources import BUSINESS_TENANTS, CONFIG_MAPS, NAMESPACES, SECRETS
from controller.runtime.kube_wire import WatchEvent, WatchEventType


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def test_what_was_created_can_be_read(api: KubeApi) -> None:
    created = await api.create(CONFIG_MAPS, config_map("acme", color="red"), "default")
    assert await api.get(CONFIG_MAPS, "acme", "default") == created
    assert created["data"] == {"color": "red"}


async def test_an_object_that_does_not_exist_is_none(api: KubeApi) -> None:
    assert await api.get(CONFIG_MAPS, "missing", "default") is None


async def test_a_resource_that_is_not_installed_is_no_absent_object(api: KubeApi) -> None:
    with pytest.raises(ApiNotFound, match="Could not get businesstenants default/acme"):
        await api.get(BUSINESS_TENANTS, "acme", "default")


async def test_merge_patch_sets_and_removes_fields(api: KubeApi) -> None:
    await api.create(CONFIG_MAPS, config_map("acme", color="red", size="small"), "default")
    patched = await api.merge_patch(
        CONFIG_MAPS, "acme", {"data": {"color": None, "size": "large"}}, "default"
    )
    assert patched["data"] == {"size": "large"}


async def test_a_patch_of_an_old_version_is_a_conflict(api: KubeApi) -> None:
    old = await api.create(CONFIG_MAPS, config_map("acme"), "default")
    await api.merge_patch(CONFIG_MAPS, "acme", {"data": {"color": "red"}}, "default")
    version = old["metadata"]["resourceVersion"]
    with pytest.raises(ApiConflict):
        await api.merge_patch(CONFIG_MAPS, "acme", {"metadata": {"resourceVersion": version}}, "default")


async def test_json_patch_applies_only_when_its_test_holds(api: KubeApi) -> None:
    await api.create(CONFIG_MAPS, config_map("acme", color="red"), "default")
    change = {"op": "replace", "path": "/data/color", "value": "blue"}
    with pytest.raises(ApiInvalid):
        await api.json_patch(
            CONFIG_MAPS, "acme", [{"op": "test", "path": "/data/color", "value": "green"}, change], "default"
        )
    patched = await api.json_patch(
        CONFIG_MAPS, "acme", [{"op": "test", "path": "/data/color", "value": "red"}, change], "default"
    )
    assert patched["data"] == {"color": "blue"}


async def test_replace_takes_the_whole_object(api: KubeApi) -> None:
    created = await api.create(CONFIG_MAPS, config_map("acme", color="red", size="small"), "default")
    replaced = await api.replace(CONFIG_MAPS, created | {"data": {"size": "large"}}, "default")
    assert replaced["data"] == {"size": "large"}
    with pytest.raises(ApiConflict):
        await api.replace(CONFIG_MAPS, created, "default")


async def test_a_second_create_says_that_it_exists(api: KubeApi) -> None:
    await api.create(CONFIG_MAPS, config_map("acme"), "default")
    with pytest.raises(ApiAlreadyExists):
        await api.create(CONFIG_MAPS, config_map("acme"), "default")


async def test_delete_keeps_an_object_with_another_uid(api: KubeApi) -> None:
    created = await api.create(CONFIG_MAPS, config_map("acme"), "default")
    with pytest.raises(ApiConflict):
        await api.delete(CONFIG_MAPS, "acme", "default", uid="00000000-0000-0000-0000-000000000000")
    await api.delete(CONFIG_MAPS, "acme", "default", uid=created["metadata"]["uid"])
    assert await api.get(CONFIG_MAPS, "acme", "default") is None
    with pytest.raises(ApiNotFound):
        await api.delete(CONFIG_MAPS, "acme", "default")


async def test_what_the_server_says_about_a_secret_is_not_repeated(api: KubeApi) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acme"}, "data": {"token": "hunter2!"}}
    with pytest.raises(ApiError) as caught:
        await api.create(SECRETS, body, "default")
    assert "hunter2" not in caught.value.message
    assert "Could not create secrets default" in caught.value.message


@pytest.mark.parametrize("chunk", [1, 3, 500])
async def test_a_list_is_complete_whatever_the_page_size(api: KubeApi, chunk: int) -> None:
    for number in range(7):
        await api.create(CONFIG_MAPS, config_map(f"map-{number}"), "default")
    listing = await api.list(CONFIG_MAPS, "default", chunk=chunk)
    assert {item["metadata"]["name"] for item in listing.items} >= {f"map-{number}" for number in range(7)}


async def test_lists_select_by_label_and_leave_out_data_on_request(api: KubeApi) -> None:
    body = config_map("acme", color="red")
    body["metadata"]["labels"] = {"tier": "gold"}
    await api.create(CONFIG_MAPS, body, "default")
    await api.create(CONFIG_MAPS, config_map("other"), "default")
    listing = await api.list(CONFIG_MAPS, label_selector="tier=gold", metadata_only=True)
    assert [item["metadata"]["name"] for item in listing.items] == ["acme"]
    assert "data" not in listing.items[0]


async def next_events(api: KubeApi, version: str, count: int, **kwargs: Any) -> list[WatchEvent]:
    events: list[WatchEvent] = []
    async with aclosing(api.watch(CONFIG_MAPS, version, "default", **kwargs)) as watch:
        async for event in watch:
            if event.type is not WatchEventType.BOOKMARK:
                events.append(event)
            if len(events) == count:
                break
    return events


async def test_a_watch_tells_every_change_since_the_list(api: KubeApi) -> None:
    listing = await api.list(CONFIG_MAPS, "default")
    await api.create(CONFIG_MAPS, config_map("acme", color="red"), "default")
    watching = asyncio.create_task(next_events(api, listing.resource_version, 3))
    await asyncio.sleep(0)
    await api.merge_patch(CONFIG_MAPS, "acme", {"data": {"color": "blue"}}, "default")
    await api.delete(CONFIG_MAPS, "acme", "default")
    events = await asyncio.wait_for(watching, 5)
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert [event.body["data"]["color"] for event in events] == ["red", "blue", "blue"]


async def test_a_metadata_watch_holds_no_data(api: KubeApi) -> None:
    listing = await api.list(CONFIG_MAPS, "default")
    await api.create(CONFIG_MAPS, config_map("acme", color="red"), "default")
    (event,) = await next_events(api, listing.resource_version, 1, metadata_only=True)
    assert event.body["metadata"]["name"] == "acme"
    assert "data" not in event.body


async def test_a_watch_ends_when_its_time_is_over(api: KubeApi) -> None:
    listing = await api.list(CONFIG_MAPS, "default")
    events = await asyncio.wait_for(next_events(api, listing.resource_version, 1, timeout_seconds=1), 5)
    assert events == []


async def test_a_watch_of_an_unknown_resource_is_not_found(api: KubeApi) -> None:
    with pytest.raises(ApiNotFound):
        await anext(api.watch(BUSINESS_TENANTS, "1"))


def test_paths_need_a_namespace_exactly_for_namespaced_resources() -> None:
    assert CONFIG_MAPS.path("a b", "acme") == "/api/v1/namespaces/acme/configmaps/a%20b"
    assert BUSINESS_TENANTS.path() == "/apis/x-sevenai.com/v1alpha1/businesstenants"
    assert NAMESPACES.path("acme", None, "status") == "/api/v1/namespaces/acme/status"
    with pytest.raises(ValueError, match="namespace of acme"):
        CONFIG_MAPS.path("acme")
    with pytest.raises(ValueError, match="not namespaced"):
        NAMESPACES.path("acme", "acme")
