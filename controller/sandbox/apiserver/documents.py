"""Endpoints that are not about objects: versions, health, discovery, schemas."""

from typing import Any, Final

from aiohttp import web

from . import discovery, openapi
from .resources import Resources
from .responses import json_response

VERSION: Final = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.3",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "python",
    "platform": "linux/amd64",
}
_HEALTH: Final = frozenset({"/healthz", "/livez", "/readyz"})


def answer(request: web.BaseRequest, resources: Resources) -> web.Response | None:
    """The document at a path; None when there is none."""
    path = request.path.rstrip("/") or "/"
    if path in _HEALTH:
        return web.Response(text="ok")
    if path == "/version":
        return json_response(VERSION)
    if path == "/":
        return json_response(
            {"paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]}
        )
    if path in {"/api", "/apis"} and discovery.wants_aggregated(request.headers.get("Accept", "")):
        document = discovery.aggregated(resources, core=path == "/api")
        return json_response(document, headers={"Content-Type": discovery.AGGREGATED, "Vary": "Accept"})
    found = (
        _schemas(path, resources) if path.startswith("/openapi/") else _lists(path, resources, request.host)
    )
    return json_response(found) if found is not None else None


def _schemas(path: str, resources: Resources) -> dict[str, Any] | None:
    match path.strip("/").split("/"):
        case ["openapi", "v3"]:
            return openapi.index(resources)
        case ["openapi", "v3", *place]:
            return openapi.document(resources, "/".join(place))
        case _:
            # OpenAPI v2 is not served; clients of today ask for v3.
            return None


def _lists(path: str, resources: Resources, host: str) -> dict[str, Any] | None:
    match path.strip("/").split("/"):
        case ["api"]:
            return discovery.core_versions(host)
        case ["apis"]:
            return discovery.group_list(resources)
        case ["apis", group]:
            return discovery.group_document(resources, group)
        case ["api", version]:
            return discovery.resource_list(resources, "", version)
        case ["apis", group, version]:
            return discovery.resource_list(resources, group, version)
        case _:
            return None
