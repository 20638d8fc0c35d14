"""HTTP in, HTTP out: every endpoint of the API server."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
import yaml
from aiohttp import web

from . import decoding, deletion, discovery, errors, openapi, patch, reviews, strategic_merge
from .control_plane import ControlPlane
from .deletion import DeleteOptions, delete_options
from .errors import ApiError
from .preparation import check_identity
from .reading import Renderer, Selection, list_objects
from .registry import Body, Transform
from .requests import (
    Form,
    ResourcePath,
    Wanted,
    WriteOptions,
    is_true,
    parse_resource_path,
    wanted_form,
    write_options,
)
from .resources import Nature, Resource, Version
from .store import Key, Record
from .table import TableRenderer
from .watch import Watch, watch_options

logger = logging.getLogger(__name__)

VERSION: Final = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "python",
    "platform": "linux/amd64",
}
_HEALTH: Final = frozenset({"/healthz", "/livez", "/readyz"})
_WRITES: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_MERGE_PATCH: Final = "application/merge-patch+json"
_JSON_PATCH: Final = "application/json-patch+json"
_STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
_APPLY_PATCH: Final = "application/apply-patch+yaml"


class Endpoints:
    def __init__(self, plane: ControlPlane, *, bookmark_interval: float) -> None:
        self._plane = plane
        self._bookmark_interval = bookmark_interval

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._route(request)
        except ApiError as refusal:
            headers = {"Retry-After": "1"} if refusal.code == HTTPStatus.GATEWAY_TIMEOUT else None
            return _json(refusal.body(), status=refusal.code, headers=headers)
        except ConnectionError:
            raise
        except Exception as error:
            logger.exception("%s %s failed", request.method, request.path_qs)
            return _json(errors.internal(repr(error)).body(), status=HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path = parse_resource_path(request.path)
        if path is not None:
            resource = self._plane.resources.find(path.group, path.version, path.plural)
            if resource is not None:
                return await self._resource(request, path, resource)
            if path.version in self._plane.resources.groups().get(path.group, ()):
                raise errors.no_such_resource()
        elif request.method == "GET":
            answer = self._document(request)
            if answer is not None:
                return answer
        return web.Response(text="404 page not found\n", status=HTTPStatus.NOT_FOUND)

    def _document(self, request: web.BaseRequest) -> web.Response | None:
        """What is not about objects: versions, health, discovery, schemas."""
        path = request.path.rstrip("/") or "/"
        accept = request.headers.get("Accept", "")
        resources = self._plane.resources
        if path in _HEALTH:
            return web.Response(text="ok")
        if path == "/version":
            return _json(VERSION)
        if path.startswith("/openapi/"):
            return self._openapi(path)
        if path in {"/api", "/apis"} and discovery.wants_aggregated(accept):
            document = discovery.aggregated(resources, core=path == "/api")
            return _json(document, headers={"Content-Type": discovery.AGGREGATED, "Vary": "Accept"})
        match path.strip("/").split("/"):
            case ["api"]:
                return _json(discovery.core_versions(request.host))
            case ["apis"]:
                return _json(discovery.group_list(resources))
            case ["apis", group]:
                found = discovery.api_group(resources, group)
                return _json({"kind": "APIGroup", "apiVersion": "v1", **found}) if found else None
            case ["api", version]:
                listed = discovery.resource_list(resources, "", version)
                return _json(listed) if listed else None
            case ["apis", group, version]:
                listed = discovery.resource_list(resources, group, version)
                return _json(listed) if listed else None
            case [""]:
                return _json({"paths": ["/api", "/apis", "/healthz", "/openapi/v3", "/version"]})
        return None

    def _openapi(self, path: str) -> web.Response | None:
        resources = self._plane.resources
        if path == "/openapi/v3":
            return _json(openapi.index(resources))
        if path == "/openapi/v2":
            return None
        document = openapi.document(resources, path.removeprefix("/openapi/v3/"))
        return _json(document) if document is not None else None

    async def _resource(
        self, request: web.BaseRequest, path: ResourcePath, resource: Resource
    ) -> web.StreamResponse:
        version = resource.versions[path.version]
        _check_shape(path, resource)
        if resource.nature is Nature.REVIEW:
            return await self._review(request, path, resource)
        body = await request.read() if request.method in _WRITES else b""
        key = (path.namespace, path.name)
        headers = {}
        if version.deprecation_warning:
            headers["Warning"] = _warning(version.deprecation_warning)
        match request.method, bool(path.name):
            case "GET", True:
                if is_true(request.query.get("watch", "")):
                    return await self._watch(request, resource, version, key)
                record = self._plane.registry.get(resource, key)
                return _raw(self._renderer(request, resource, version).item(record), headers=headers)
            case "GET", False:
                if is_true(request.query.get("watch", "")):
                    return await self._watch(request, resource, version, key)
                return self._list(request, resource, version, key)
            case "POST", False:
                return self._create(request, resource, version, path, body)
            case "PUT", True:
                return self._replace(request, resource, version, path, body)
            case "PATCH", True:
                return self._patch(request, resource, version, path, body)
            case "DELETE", True:
                return self._delete(request, resource, version, key, body)
            case "DELETE", False:
                return self._delete_collection(request, resource, version, key, body)
        raise errors.method_not_allowed()

    def _renderer(self, request: web.BaseRequest, resource: Resource, version: Version) -> Renderer:
        wanted = wanted_form(request.headers.get("Accept", ""))
        table = TableRenderer(
            version.columns, self._plane.now, wanted.version, request.query.get("includeObject", "")
        )
        return Renderer(resource, version, wanted, table)

    def _list(
        self, request: web.BaseRequest, resource: Resource, version: Version, key: Key
    ) -> web.StreamResponse:
        renderer = self._renderer(request, resource, version)
        selection = Selection(resource, version, request.query, key)
        collection = self._plane.store.collection(*resource.storage)
        return _raw(
            list_objects(self._plane.store, collection, selection, renderer, request.query),
            wanted=renderer.wanted,
        )

    async def _watch(
        self, request: web.BaseRequest, resource: Resource, version: Version, key: Key
    ) -> web.StreamResponse:
        watch = Watch(
            self._plane.store,
            self._plane.store.collection(*resource.storage),
            Selection(resource, version, request.query, key),
            self._renderer(request, resource, version),
            watch_options(request.query),
            self._bookmark_interval,
        )
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        chunks = watch.chunks()
        try:
            async for chunk in chunks:
                await response.write(chunk)
            await response.write_eof()
        except ConnectionError:
            pass  # the client went away; there is nobody to tell
        finally:
            await chunks.aclose()
        return response

    def _create(
        self, request: web.BaseRequest, resource: Resource, version: Version, path: ResourcePath, body: bytes
    ) -> web.Response:
        if path.subresource:
            raise errors.method_not_allowed()
        options = _options(request)
        content = decoding.decode(body, request.headers.get("Content-Type", ""))
        check_identity(content, resource, version.name)
        record = self._plane.registry.create(resource, version, path.namespace, content, options)
        return self._written(request, resource, version, record, options, HTTPStatus.CREATED)

    def _replace(
        self, request: web.BaseRequest, resource: Resource, version: Version, path: ResourcePath, body: bytes
    ) -> web.Response:
        options = _options(request)
        content = decoding.decode(body, request.headers.get("Content-Type", ""))
        check_identity(content, resource, version.name)
        key = (path.namespace, path.name)
        registry = self._plane.registry
        exists = key in self._plane.store.collection(*resource.storage).objects
        if not exists and resource.create_on_update and not path.subresource:
            content.setdefault("metadata", {}).setdefault("name", path.name)
            record = registry.create(resource, version, path.namespace, content, options)
            return self._written(request, resource, version, record, options, HTTPStatus.CREATED)

        def replace(_current: Body) -> Body:
            return content

        record = registry.update(
            resource, version, key, replace, options, subresource=path.subresource, full_body=True
        )
        return self._written(request, resource, version, record, options)

    def _patch(
        self, request: web.BaseRequest, resource: Resource, version: Version, path: ResourcePath, body: bytes
    ) -> web.Response:
        options = _options(request)
        key = (path.namespace, path.name)
        transform = self._transform(request, resource, version, body)
        record = self._plane.registry.update(
            resource, version, key, transform, options, subresource=path.subresource
        )
        return self._written(request, resource, version, record, options)

    def _transform(self, request: web.BaseRequest, resource: Resource, version: Version, body: bytes) -> Transform:
        """The change that a PATCH asks for, as a function of the current object."""
        kind = decoding.media_type(request.headers.get("Content-Type", ""))
        if kind == _JSON_PATCH:
            operations = decoding.decode_patch(body)
            return lambda current: patch.json_patch(current, operations)
        if kind == _MERGE_PATCH or (kind == _STRATEGIC_PATCH and not resource.is_custom):
            changes = decoding.decode_patch(body)
            if not isinstance(changes, dict):
                raise errors.bad_request(
                    "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
                )
            if kind == _STRATEGIC_PATCH:
                return lambda current: strategic_merge.merge(current, changes, version.schema)
            return lambda current: patch.merge(current, changes)
        accepted = [_JSON_PATCH, _MERGE_PATCH] + ([] if resource.is_custom else [_STRATEGIC_PATCH])
        raise errors.unsupported_media_type(accepted)

    def _delete(
        self, request: web.BaseRequest, resource: Resource, version: Version, key: Key, body: bytes
    ) -> web.Response:
        options = _delete_options(request, body)
        outcome = deletion.delete(self._plane.registry, resource, version, key, options)
        if not outcome.gone:
            return _raw(self._renderer(request, resource, version).item(outcome.record))
        details = {
            "name": key[1],
            "group": resource.group,
            "kind": resource.plural,
            "uid": outcome.record.uid,
        }
        return _json(errors.success(details={name: value for name, value in details.items() if value}))

    def _delete_collection(
        self, request: web.BaseRequest, resource: Resource, version: Version, key: Key, body: bytes
    ) -> web.Response:
        options = _delete_options(request, body)
        selection = Selection(resource, version, request.query, key)
        objects = self._plane.store.collection(*resource.storage).objects
        chosen = [(k, record) for k, record in sorted(objects.items()) if selection.matches(k, record)]
        deleted: list[Record] = [
            deletion.delete(self._plane.registry, resource, version, k, options).record for k, _ in chosen
        ]
        renderer = self._renderer(request, resource, version)
        return _raw(renderer.list(deleted, {"resourceVersion": str(self._plane.store.revision)}))

    def _written(
        self,
        request: web.BaseRequest,
        resource: Resource,
        version: Version,
        record: Record,
        options: WriteOptions,
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        renderer = self._renderer(request, resource, version)
        warnings = [*([version.deprecation_warning] if version.deprecation_warning else []), *options.warnings]
        return _raw(renderer.item(record), status=status, warnings=warnings, wanted=renderer.wanted)

    async def _review(
        self, request: web.BaseRequest, path: ResourcePath, resource: Resource
    ) -> web.Response:
        if request.method != "POST" or path.name:
            raise errors.method_not_allowed()
        content = decoding.decode(await request.read(), request.headers.get("Content-Type", ""))
        check_identity(content, resource, path.version)
        return _json(reviews.answer(content), status=HTTPStatus.CREATED)


def _check_shape(path: ResourcePath, resource: Resource) -> None:
    """A namespaced object is addressed in its namespace, any other outside; subresources must exist."""
    namespaced = bool(path.namespace)
    if namespaced and not resource.namespaced:
        raise errors.no_such_resource()
    if path.name and resource.namespaced and not namespaced:
        raise errors.no_such_resource()
    if path.subresource and path.subresource not in resource.subresources:
        raise errors.no_such_resource()


def _options(request: web.BaseRequest) -> WriteOptions:
    return write_options(request.query, request.headers.get("User-Agent", ""))


def _delete_options(request: web.BaseRequest, body: bytes) -> DeleteOptions:
    content = decoding.decode(body, request.headers.get("Content-Type", "")) if body.strip() else {}
    if not isinstance(content, dict):
        raise errors.bad_request("the body of a DELETE is not DeleteOptions")
    return delete_options(content, dict(request.query))


def _warning(text: str) -> str:
    return f"299 - {errors.quoted(text)}"


def _json(
    document: Mapping[str, Any], *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    return _raw(orjson.dumps(document), status=status, headers=headers)


def _raw(
    body: bytes,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
    wanted: Wanted = Wanted(Form.OBJECT),  # noqa: B008 - frozen
) -> web.Response:
    content_type = "application/json"
    if wanted.yaml:
        body, content_type = yaml.safe_dump(orjson.loads(body)).encode(), "application/yaml"
    response = web.Response(body=body, status=status, headers={"Content-Type": content_type, **(headers or {})})
    for text in warnings:
        response.headers.add("Warning", _warning(text))
    return response
