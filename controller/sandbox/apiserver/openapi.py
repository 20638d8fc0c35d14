"""OpenAPI v3, one document a group and version: what `kubectl explain` and client-side validation read."""

import hashlib
from typing import Any, Final

import orjson

from . import kubernetes_types
from .resources import Nature, Resource, Resources, Version


def index(resources: Resources) -> dict[str, Any]:
    """`/openapi/v3`: where the documents are; the hash changes with their content."""
    paths = {}
    for group, versions in resources.groups().items():
        for version in versions:
            place = f"apis/{group}/{version}" if group else f"api/{version}"
            digest = hashlib.sha256(orjson.dumps(document(resources, place))).hexdigest()[:32].upper()
            paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={digest}"}
    return {"paths": paths}


def document(resources: Resources, place: str) -> dict[str, Any] | None:
    """The document at `apis/GROUP/VERSION` or `api/VERSION`; None when nothing is served there."""
    match place.split("/"):
        case ["apis", group, version]:
            pass
        case ["api", version]:
            group = ""
        case _:
            return None
    found = [r for r in resources.all() if r.group == group and version in r.versions]
    if not found:
        return None
    schemas: dict[str, Any] = kubernetes_types.definitions((_OBJECT_META, _LIST_META))
    paths: dict[str, Any] = {}
    for resource in found:
        name = _schema_name(resource, version)
        if resource.is_custom:
            schemas[name] = _custom_schema(resource, resource.versions[version])
        elif name:
            schemas |= kubernetes_types.definitions((name,))
        else:
            continue
        if resource.nature is not Nature.REVIEW:
            schemas[f"{name}List"] = _list_schema(resource, version, name)
        paths.update(_paths(resource, version, name))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.3"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_OBJECT_META: Final = f"{_META}ObjectMeta"
_LIST_META: Final = f"{_META}ListMeta"
_IDENTITY: Final = frozenset({"apiVersion", "kind", "metadata"})


def _schema_name(resource: Resource, version: str) -> str:
    """The name of a kind's schema; empty for the few built-in kinds whose schema is not known here."""
    if resource.is_custom:
        return f"{'.'.join(reversed(resource.group.split('.')))}.{version}.{resource.kind}"
    try:
        return kubernetes_types.definition_name(resource.group, version, resource.kind)
    except KeyError:
        return ""


def _gvk(resource: Resource, version: str, kind: str) -> list[dict[str, str]]:
    return [{"group": resource.group, "kind": kind, "version": version}]


def _custom_schema(resource: Resource, version: Version) -> dict[str, Any]:
    source = dict(version.openapi or {})
    source["properties"] = {
        "apiVersion": {
            "type": "string",
            "description": "APIVersion defines the versioned schema of this object.",
        },
        "kind": {"type": "string", "description": "Kind is the REST resource this object represents."},
        "metadata": {
            "allOf": [{"$ref": f"#/components/schemas/{_OBJECT_META}"}],
            "description": "Standard object's metadata.",
            "default": {},
        },
        **{name: value for name, value in source.get("properties", {}).items() if name not in _IDENTITY},
    }
    source["x-kubernetes-group-version-kind"] = _gvk(resource, version.name, resource.kind)
    return source


def _list_schema(resource: Resource, version: str, name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"$ref": f"#/components/schemas/{_LIST_META}"},
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
        },
        "x-kubernetes-group-version-kind": _gvk(resource, version, resource.list_kind),
    }


def _paths(resource: Resource, version: str, name: str) -> dict[str, Any]:
    base = f"/apis/{resource.group}/{version}" if resource.group else f"/api/{version}"
    if resource.namespaced:
        base += "/namespaces/{namespace}"
    kind = {"group": resource.group, "version": version, "kind": resource.kind}
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    responses = {"200": {"description": "OK", "content": content}}
    parameters = [
        {"name": parameter, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for parameter in ("dryRun", "fieldManager", "fieldValidation")
    ]

    def operation(action: str) -> dict[str, Any]:
        return {
            "responses": responses,
            "parameters": parameters,
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": kind,
        }

    collection = {"post": operation("post")}
    if resource.nature is Nature.REVIEW:
        return {f"{base}/{resource.plural}": collection}
    item = {verb: operation(verb) for verb in ("get", "put", "patch", "delete")}
    collection["get"] = operation("list")
    return {f"{base}/{resource.plural}": collection, f"{base}/{resource.plural}/{{name}}": item}
