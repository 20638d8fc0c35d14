"""Manifests read from files and applied as `kubectl apply` would, for commands that set a cluster up."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiAlreadyExists, ApiError
from controller.runtime.kube_resources import (
    BUSINESS_TENANTS,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    EVOLUTION_SERVERS,
    NAMESPACES,
    PHONE_PROVIDERS,
    SECRETS,
    Resource,
)

# In the order in which they must exist.
APPLICABLE: Final[Sequence[Resource]] = (
    CUSTOM_RESOURCE_DEFINITIONS,
    NAMESPACES,
    SECRETS,
    CONFIG_MAPS,
    PHONE_PROVIDERS,
    EVOLUTION_SERVERS,
    BUSINESS_TENANTS,
)
_BY_KIND: Final = {(resource.api_version, resource.kind): resource for resource in APPLICABLE}
# Files that say how others are put together, and kinds that only a cluster with RBAC needs.
_SKIPPED: Final = frozenset({"Kustomization", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})


class ManifestError(Exception):
    """A file cannot be read or applied; the message says which and why."""


def read_manifests(path: Path) -> list[dict[str, Any]]:
    """All objects of a file, or of every YAML file under a folder. Raises `ManifestError`."""
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise ManifestError(f"{path} holds no .yaml file.")
    objects = []
    for file in files:
        try:
            documents = list(yaml.safe_load_all(file.read_text()))
        except (OSError, yaml.YAMLError) as error:
            raise ManifestError(f"{file} cannot be read: {error}") from error
        objects += [document for document in documents if document is not None]
    return objects


async def apply_manifests(api: KubeApi, objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Create what is missing, patch what is there; answers the objects applied. Raises `ManifestError`."""
    wanted = [body for body in objects if body.get("kind") not in _SKIPPED]
    rank = {resource: position for position, resource in enumerate(APPLICABLE)}
    ordered = sorted(wanted, key=lambda body: rank[_resource(body)])
    for body in ordered:
        await _apply(api, _resource(body), body)
    return ordered


async def _apply(api: KubeApi, resource: Resource, body: dict[str, Any]) -> None:
    metadata = body["metadata"]
    namespace = metadata.get("namespace", "default") if resource.namespaced else None
    try:
        try:
            await api.create(resource, body, namespace)
        except ApiAlreadyExists:
            await api.merge_patch(resource, metadata["name"], body, namespace)
    except ApiError as error:
        raise ManifestError(error.message) from error


def _resource(body: dict[str, Any]) -> Resource:
    resource = _BY_KIND.get((str(body.get("apiVersion")), str(body.get("kind"))))
    if resource is None:
        kinds = ", ".join(resource.kind for resource in APPLICABLE)
        raise ManifestError(
            f"{body.get('kind')} {body.get('apiVersion')} is not applied by this command, only: {kinds}."
            " Use kubectl for it."
        )
    return resource
