"""How clients find out what there is."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, GROUP_PATH, Api

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
KINDS = {
    "businesstenants": ("businesstenant", "BusinessTenant", True, "bt"),
    "phoneproviders": ("phoneprovider", "PhoneProvider", False, "pp"),
    "evolutionservers": ("evolutionserver", "EvolutionServer", False, "evo"),
}
VERBS = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}


def test_the_group_has_one_version(api: Api) -> None:
    version = {"groupVersion": f"{GROUP}/v1alpha1", "version": "v1alpha1"}

    assert api.get(f"/apis/{GROUP}").body == {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": GROUP,
        "versions": [version],
        "preferredVersion": version,
    }


def test_the_group_is_in_the_list_of_groups(api: Api) -> None:
    groups = api.get("/apis").done().body["groups"]

    assert GROUP in [group["name"] for group in groups]


@pytest.mark.parametrize("plural", KINDS)
def test_a_kind_is_listed_with_its_names_and_verbs(api: Api, plural: str) -> None:
    resources = {one["name"]: one for one in api.get(GROUP_PATH).done().body["resources"]}

    singular, kind, namespaced, short_name = KINDS[plural]
    found = resources[plural]
    assert found["singularName"] == singular
    assert found["kind"] == kind
    assert found["namespaced"] is namespaced
    assert found["shortNames"] == [short_name]
    assert found["categories"] == ["x-sevenai"]
    assert set(found["verbs"]) == VERBS
    status = resources[f"{plural}/status"]
    assert (status["kind"], set(status["verbs"])) == (kind, {"get", "patch", "update"})


@pytest.mark.parametrize("plural", KINDS)
def test_aggregated_discovery_says_the_same(api: Api, plural: str) -> None:
    answer = api.get("/apis", accept=AGGREGATED).done()

    assert answer.media_type == AGGREGATED
    groups = {group["metadata"]["name"]: group for group in answer.body["items"]}
    (version,) = groups[GROUP]["versions"]
    found = {one["resource"]: one for one in version["resources"]}[plural]
    singular, kind, namespaced, short_name = KINDS[plural]
    gvk = {"group": GROUP, "version": "v1alpha1", "kind": kind}
    assert found["responseKind"] == gvk
    assert found["scope"] == ("Namespaced" if namespaced else "Cluster")
    assert found["singularResource"] == singular
    assert found["shortNames"] == [short_name]
    assert found["categories"] == ["x-sevenai"]
    assert set(found["verbs"]) == VERBS
    (status,) = found["subresources"]
    assert (status["subresource"], status["responseKind"]) == ("status", gvk)
    assert set(status["verbs"]) == {"get", "patch", "update"}


@pytest.mark.parametrize(
    ("plural", "kind", "scope"),
    [
        ("secrets", "Secret", "Namespaced"),
        ("events", "Event", "Namespaced"),
        ("configmaps", "ConfigMap", "Namespaced"),
        ("namespaces", "Namespace", "Cluster"),
    ],
)
def test_the_core_group_is_discovered_too(api: Api, plural: str, kind: str, scope: str) -> None:
    (group,) = api.get("/api", accept=AGGREGATED).done().body["items"]
    (version,) = group["versions"]
    found = {one["resource"]: one for one in version["resources"]}[plural]
    assert (found["responseKind"]["kind"], found["scope"]) == (kind, scope)

    legacy = {one["name"]: one for one in api.get("/api/v1").done().body["resources"]}[plural]
    assert (legacy["kind"], legacy["namespaced"]) == (kind, scope == "Namespaced")


@pytest.mark.parametrize("plural", KINDS)
def test_a_definition_tells_that_it_is_established(api: Api, plural: str) -> None:
    definition = api.definitions.get(f"{plural}.{GROUP}").done().body

    conditions = [(one["type"], one["status"], one["reason"]) for one in definition["status"]["conditions"]]
    assert conditions[:2] == [
        ("NamesAccepted", "True", "NoConflicts"),
        ("Established", "True", "InitialNamesAccepted"),
    ]
    assert definition["status"]["storedVersions"] == ["v1alpha1"]
    assert definition["status"]["acceptedNames"] == definition["spec"]["names"]


def test_a_definition_is_stored_as_it_was_written(api: Api) -> None:
    for written in bodies.definitions():
        stored = api.definitions.get(written["metadata"]["name"]).done().body
        assert stored["spec"]["versions"] == written["spec"]["versions"]


@pytest.mark.parametrize("plural", KINDS)
def test_the_schema_is_published(api: Api, plural: str) -> None:
    entry = api.get("/openapi/v3").done().body["paths"][f"apis/{GROUP}/v1alpha1"]
    schemas = api.get(entry["serverRelativeURL"]).done().body["components"]["schemas"]

    kind = KINDS[plural][1]
    (schema,) = [
        one
        for one in schemas.values()
        if {"group": GROUP, "version": "v1alpha1", "kind": kind}
        in one.get("x-kubernetes-group-version-kind", [])
    ]
    (definition,) = [one for one in bodies.definitions() if one["spec"]["names"]["kind"] == kind]
    written = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["description"] == written["description"]
    assert schema["properties"]["spec"] == written["properties"]["spec"]
    assert schema["properties"]["status"] == written["properties"]["status"]


def test_the_version_is_that_of_the_pinned_kubernetes(api: Api) -> None:
    version = api.get("/version").done().body

    assert (version["major"], version["minor"]) == ("1", "36")
    assert version["gitVersion"].startswith("v1.36.")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health_is_a_word(api: Api, path: str) -> None:
    answer = api.get(path)

    assert (answer.code, answer.text) == (200, "ok")


@pytest.mark.parametrize(
    "path", [f"{GROUP_PATH}/unknown", "/apis/unknown.example/v1/things", f"/apis/{GROUP}/v2/businesstenants"]
)
def test_what_is_not_served_is_a_page_not_found(api: Api, path: str) -> None:
    answer = api.get(path)

    assert (answer.code, answer.text) == (404, "404 page not found\n")
