"""API discovery: the aggregated documents (v2) and the older lists."""

from typing import Any, Final

from .resources import Nature, Resource, Resources

_SHORTCUT_VERBS: Final = ["get", "patch", "update"]
AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def wants_aggregated(accept: str) -> bool:
    """Whether the first JSON form of an Accept header is the aggregated document."""
    for choice in accept.split(","):
        parts = {part.strip() for part in choice.split(";")}
        if "application/json" in parts:
            return {"g=apidiscovery.k8s.io", "as=APIGroupDiscoveryList"} <= parts and bool(
                parts & {"v=v2", "v=v2beta1"}
            )
    return False


def aggregated(resources: Resources, *, core: bool) -> dict[str, Any]:
    """`/api` (the core group) or `/apis` (the others), with everything about their kinds."""
    items = []
    for group, versions in resources.groups().items():
        if (group == "") is not core:
            continue
        described = [
            {
                "version": version,
                "resources": [_described(r, version) for r in _in(resources, group, version)],
                "freshness": "Current",
            }
            for version in versions
        ]
        meta = {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None}
        items.append({"metadata": meta, "versions": described})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _in(resources: Resources, group: str, version: str) -> list[Resource]:
    return [r for r in resources.all() if r.group == group and version in r.versions]


def _described(resource: Resource, version: str) -> dict[str, Any]:
    response_kind = {"group": resource.group, "version": version, "kind": resource.kind}
    described: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": response_kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        described["shortNames"] = list(resource.short_names)
    if resource.categories:
        described["categories"] = list(resource.categories)
    if resource.subresources:
        described["subresources"] = [
            {"subresource": name, "responseKind": response_kind, "verbs": _verbs(name)}
            for name in resource.subresources
        ]
    return described


def _verbs(subresource: str) -> list[str]:
    return ["update"] if subresource == "finalize" else _SHORTCUT_VERBS


def core_versions(server: str) -> dict[str, Any]:
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}],
    }


def group_list(resources: Resources) -> dict[str, Any]:
    groups = [api_group(resources, name) for name in resources.groups() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def api_group(resources: Resources, name: str) -> dict[str, Any] | None:
    versions = resources.groups().get(name)
    if not name or not versions:
        return None
    named = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": named, "preferredVersion": named[0]}


def group_document(resources: Resources, name: str) -> dict[str, Any] | None:
    """`/apis/GROUP`."""
    group = api_group(resources, name)
    return {"kind": "APIGroup", "apiVersion": "v1", **group} if group is not None else None


def resource_list(resources: Resources, group: str, version: str) -> dict[str, Any] | None:
    """The kinds of one group and version; None when there is no such version."""
    found = _in(resources, group, version)
    if not found:
        return None
    listed: list[dict[str, Any]] = []
    for resource in found:
        listed.append(_listed(resource))
        listed.extend(
            {
                "name": f"{resource.plural}/{subresource}",
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": _verbs(subresource),
            }
            for subresource in resource.subresources
        )
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _listed(resource: Resource) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        listed["shortNames"] = list(resource.short_names)
    if resource.categories:
        listed["categories"] = list(resource.categories)
    if resource.nature is not Nature.REVIEW:
        listed["storageVersionHash"] = ""
    return {key: value for key, value in listed.items() if value != ""} | {"singularName": resource.singular}
