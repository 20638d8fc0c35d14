import stat
from pathlib import Path

import httpx
import pytest

from controller.sandbox.apiserver import ApiServer
from controller.sandbox.apiserver.snapshot import SnapshotError
from tests.sandbox.apiserver.conftest import WIDGETS, widget, widget_definition


async def test_objects_outlive_the_server(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    first = ApiServer(snapshot=path)
    first.install_crd(widget_definition())
    async with httpx.AsyncClient(base_url=await first.start()) as client:
        created = (await client.post(WIDGETS, json=widget("a"))).json()
    await first.stop()

    second = ApiServer(snapshot=path)
    async with httpx.AsyncClient(base_url=await second.start()) as client:
        assert (await client.get(f"{WIDGETS}/a")).json() == created
        later = (await client.post(WIDGETS, json=widget("b"))).json()
    await second.stop()
    assert int(later["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])


async def test_a_watch_from_before_the_restart_must_list_again(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    first = ApiServer(snapshot=path)
    first.install_crd(widget_definition())
    async with httpx.AsyncClient(base_url=await first.start()) as client:
        old = (await client.get(WIDGETS)).json()["metadata"]["resourceVersion"]
        await client.post(WIDGETS, json=widget("a"))
    await first.stop()

    second = ApiServer(snapshot=path)
    async with httpx.AsyncClient(base_url=await second.start()) as client:
        watched = await client.get(WIDGETS, params={"watch": "true", "resourceVersion": old})
    await second.stop()
    assert watched.json()["type"] == "ERROR"
    assert watched.json()["object"]["code"] == 410


async def test_a_snapshot_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    server = ApiServer(snapshot=path)
    await server.start()
    await server.stop()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["snapshot.json"]  # noqa: ASYNC240 - the server has stopped


@pytest.mark.parametrize("content", ["", "[]", '{"format": "other"}', '{"format": "sandbox-apiserver/1"}'])
def test_another_file_is_refused_with_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(content)

    with pytest.raises(SnapshotError, match="delete it"):
        ApiServer(snapshot=path)


async def test_a_namespace_that_was_going_is_gone_after_the_restart(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    first = ApiServer(snapshot=path)
    async with httpx.AsyncClient(base_url=await first.start()) as client:
        held = {"metadata": {"name": "c", "finalizers": ["example.com/hold"]}}
        await client.post("/api/v1/namespaces", json={"metadata": {"name": "going"}})
        await client.post("/api/v1/namespaces/going/configmaps", json=held)
        await client.delete("/api/v1/namespaces/going")
    await first.stop()

    second = ApiServer(snapshot=path)
    async with httpx.AsyncClient(base_url=await second.start()) as client:
        namespace = (await client.get("/api/v1/namespaces/going")).json()
        assert namespace["status"]["phase"] == "Terminating"
        headers = {"Content-Type": "application/merge-patch+json"}
        release = {"metadata": {"finalizers": None}}
        await client.patch("/api/v1/namespaces/going/configmaps/c", json=release, headers=headers)
        events = await client.get(
            "/api/v1/namespaces",
            params={"watch": "true", "fieldSelector": "metadata.name=going", "timeoutSeconds": 1},
        )
        assert (await client.get("/api/v1/namespaces/going")).status_code == 404
        assert "DELETED" in events.text or events.text == ""
    await second.stop()
