import asyncio
import stat
from pathlib import Path

import httpx
import orjson
import pytest
import yaml

from controller.sandbox.apiserver import ApiError, ApiServer
from tests.sandbox.apiserver.conftest import WIDGETS, widget, widget_definition


async def test_the_kubeconfig_names_the_server_and_is_for_its_owner_only(tmp_path: Path) -> None:
    server = ApiServer()
    url = await server.start()
    server.write_kubeconfig(tmp_path / "kubeconfig")
    await server.stop()

    config = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    assert config["clusters"][0]["cluster"]["server"] == url
    assert url.startswith("http://127.0.0.1:")
    assert stat.S_IMODE((tmp_path / "kubeconfig").stat().st_mode) == 0o600


def test_a_bad_definition_is_refused_where_it_is_installed() -> None:
    definition = widget_definition()
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"][
        "x-kubernetes-validations"
    ] = [{"rule": "self.colour == 'red'"}]

    with pytest.raises(ApiError, match="undefined field 'colour'"):
        ApiServer().install_crd(definition)


async def test_installing_a_definition_again_replaces_it() -> None:
    server = ApiServer()
    server.install_crd(widget_definition())
    changed = widget_definition()
    changed["spec"]["names"]["shortNames"] = ["wd"]
    server.install_crd(changed)
    async with httpx.AsyncClient(base_url=await server.start()) as other:
        kinds = (await other.get("/apis/example.com/v1")).json()["resources"]
    await server.stop()

    assert kinds[0]["shortNames"] == ["wd"]


async def test_watches_end_when_the_server_stops() -> None:
    server = ApiServer()
    server.install_crd(widget_definition())
    async with httpx.AsyncClient(base_url=await server.start()) as client:
        now = (await client.get(WIDGETS)).json()["metadata"]["resourceVersion"]
        parameters = {"watch": "true", "resourceVersion": now}
        async with client.stream("GET", WIDGETS, params=parameters) as watch:
            await client.post(WIDGETS, json=widget("a"))
            await server.stop()
            lines = [line async for line in watch.aiter_lines()]

    assert [orjson.loads(line)["type"] for line in lines] == ["ADDED"]


async def test_a_quiet_watch_gets_bookmarks_that_move_with_the_revision(client: httpx.AsyncClient) -> None:
    now = (await client.get(WIDGETS)).json()["metadata"]["resourceVersion"]
    parameters = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": now}
    async with client.stream("GET", WIDGETS, params=parameters) as response:
        lines = response.aiter_lines()
        first = orjson.loads(await anext(lines))
        await client.post("/api/v1/namespaces/default/configmaps", json={"metadata": {"name": "c"}})
        second = orjson.loads(await anext(lines))

    assert (first["type"], second["type"]) == ("BOOKMARK", "BOOKMARK")
    revisions = [int(event["object"]["metadata"]["resourceVersion"]) for event in (first, second)]
    assert revisions[1] >= revisions[0] >= int(now)


async def test_a_watch_from_the_future_is_told_to_list_again(client: httpx.AsyncClient) -> None:
    answer = await client.get(WIDGETS, params={"watch": "true", "resourceVersion": "100000"})

    assert answer.json()["object"]["reason"] == "Expired"


async def test_a_kind_takes_its_objects_with_it_when_their_finalizers_allow(
    client: httpx.AsyncClient,
) -> None:
    definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"
    await client.post(WIDGETS, json=widget("free"))
    await client.post(WIDGETS, json=widget("held", finalizers=["example.com/hold"]))

    going = (await client.delete(definition)).json()
    await asyncio.sleep(0)
    left = (await client.get(WIDGETS)).json()["items"]
    refused = await client.post(WIDGETS, json=widget("new"))
    headers = {"Content-Type": "application/merge-patch+json"}
    await client.patch(f"{WIDGETS}/held", json={"metadata": {"finalizers": None}}, headers=headers)
    for _ in range(10):
        await client.get("/healthz")

    assert going["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert [item["metadata"]["name"] for item in left] == ["held"]
    assert "while custom resource definition is terminating" in refused.json()["message"]
    assert (await client.get(definition)).status_code == 404
    assert (await client.get(WIDGETS)).text == "404 page not found\n"


async def test_a_policy_that_cannot_be_enforced_is_refused(client: httpx.AsyncClient) -> None:
    rule = {
        "apiGroups": ["example.com"],
        "apiVersions": ["v1"],
        "operations": ["*"],
        "resources": ["widgets"],
    }
    policy = {
        "metadata": {"name": "with-parameters"},
        "spec": {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "true"}],
        },
    }
    answer = await client.post(
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", json=policy
    )

    assert answer.status_code == 422
    assert "policies with parameters are not enforced" in answer.json()["message"]


async def test_a_page_shows_the_world_as_it_was_at_the_first(client: httpx.AsyncClient) -> None:
    for name in "abcd":
        await client.post(WIDGETS, json=widget(name))
    first = (await client.get(WIDGETS, params={"limit": 2})).json()
    await client.delete(f"{WIDGETS}/c")
    await client.post(WIDGETS, json=widget("ca"))
    headers = {"Content-Type": "application/merge-patch+json"}
    await client.patch(f"{WIDGETS}/d", json={"spec": {"size": "Large"}}, headers=headers)
    rest = (await client.get(WIDGETS, params={"limit": 2, "continue": first["metadata"]["continue"]})).json()

    assert [(item["metadata"]["name"], item["spec"]["size"]) for item in rest["items"]] == [
        ("c", "Small"),
        ("d", "Small"),
    ]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
