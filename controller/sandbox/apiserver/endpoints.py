"""HTTP in, HTTP out: the endpoints of objects."""

import logging
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from . import apply, decoding, deletion, documents, errors, field_errors, patch, reviews, strategic_merge
from .control_plane import ControlPlane
from .deletion import DeleteOptions, delete_options
from .errors import ApiError
from .listing import list_objects
from .preparation import check_identity
from .registry import Target, Transform
from .rendering import Renderer
from .requests import (
    Form,
    ResourcePath,
    WriteOptions,
    is_true,
    parse_resource_path,
    wanted_form,
    write_options,
)
from .resources import Body, Nature, Resource
from .responses import json_response, not_found_page, raw_response, refusal
from .selection import Selection
from .store import Record
from .table import TableRenderer
from .watch import Watch, watch_options

logger = logging.getLogger(__name__)

_MERGE_PATCH: Final = "application/merge-patch+json"
_JSON_PATCH: Final = "application/json-patch+json"
_STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
_INCLUDED_OBJECTS: Final = frozenset({"", "None", "Metadata", "Object"})
_APPLY_PATCH: Final = "application/apply-patch+yaml"


class Endpoints:
    def __init__(self, plane: ControlPlane, *, bookmark_interval: float) -> None:
        """`bookmark_interval` is the time between two bookmarks of a quiet watch, in seconds."""
        self._plane = plane
        self._bookmark_interval = bookmark_interval

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request."""
        try:
            return await self._route(request)
        except ApiError as error:
            return refusal(error)
        except ConnectionError:
            raise
        except Exception as error:
            logger.exception("%s %s failed", request.method, request.path_qs)
            return refusal(errors.internal(repr(error)))

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path = parse_resource_path(request.path)
        if path is None:
            document = documents.answer(request, self._plane.resources) if request.method == "GET" else None
            return document or not_found_page()
        resource = self._plane.resources.find(path.group, path.version, path.plural)
        if resource is not None:
            return await self._resource(request, path, resource)
        if self._plane.resources.is_built_in(path.group, path.version):
            raise errors.no_such_resource()
        return not_found_page()

    async def _resource(
        self, request: web.BaseRequest, path: ResourcePath, resource: Resource
    ) -> web.StreamResponse:
        _check_shape(path, resource)
        target = Target(
            resource, resource.versions[path.version], (path.namespace, path.name), path.subresource
        )
        if resource.nature is Nature.REVIEW:
            return await self._review(request, target)
        if request.method == "GET":
            if is_true(request.query.get("watch", "")):
                return await self._watch(request, target)
            return self._get(request, target) if path.name else self._list(request, target)
        return await self._write(request, target)

    async def _write(self, request: web.BaseRequest, target: Target) -> web.Response:
        resource = target.resource
        match request.method, bool(target.key[1]):
            case "POST", False:
                return self._create(request, target, await request.read())
            case "PUT", True:
                return self._replace(request, target, await request.read())
            case "PATCH", True:
                return self._patch(request, target, await request.read())
            case "DELETE", True:
                return self._delete(request, target, await request.read())
            case "DELETE", False:
                return self._delete_collection(request, target, await request.read())
            case "POST", True if target.subresource:
                raise errors.verb_not_supported(resource.group, resource.plural, "create")
            case "PUT" | "PATCH", False if resource.is_custom:
                raise errors.bad_request("name must be provided")
        raise errors.method_not_allowed()

    def _renderer(self, request: web.BaseRequest, target: Target) -> Renderer:
        wanted = wanted_form(request.headers.get("Accept", ""))
        include = request.query.get("includeObject", "")
        if wanted.form is Form.TABLE and include not in _INCLUDED_OBJECTS:
            raise errors.bad_request(
                "Unable to convert to Table as requested: includeObject: Invalid value:"
                f" {errors.quoted(include)}: must be 'Metadata', 'Object', 'None', or empty"
            )
        table = TableRenderer(target.version.columns, self._plane.now, wanted.version, include)
        return Renderer(target.resource, target.version, wanted, table)

    def _get(self, request: web.BaseRequest, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        if renderer.wanted.form is Form.METADATA_LIST:
            raise _wrong_form(target.resource, is_list=False)
        return self._answer(renderer, target, renderer.item(self._plane.registry.get(target)))

    def _list(self, request: web.BaseRequest, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        if renderer.wanted.form is Form.METADATA:
            raise _wrong_form(target.resource, is_list=True)
        selection = Selection(target.resource, target.version, request.query, target.key)
        collection = self._plane.store.collection(*target.resource.storage)
        found = list_objects(self._plane.store, collection, selection, renderer, request.query)
        return self._answer(renderer, target, found)

    async def _watch(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        watch = Watch(
            self._plane.store,
            self._plane.store.collection(*target.resource.storage),
            Selection(target.resource, target.version, request.query, target.key),
            self._renderer(request, target),
            watch_options(request.query),
            self._bookmark_interval,
        )
        headers = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        # A client that went away needs no answer.
        with suppress(ConnectionError):
            async with aclosing(watch.chunks()) as chunks:
                async for chunk in chunks:
                    await response.write(chunk)
            await response.write_eof()
        return response

    def _create(self, request: web.BaseRequest, target: Target, body: bytes) -> web.Response:
        options = _write_options(request, "CreateOptions")
        content = decoding.decode(
            body, request.headers.get("Content-Type", ""), options, target.resource.kind
        )
        check_identity(content, target.resource, target.version.name, body)
        record = self._plane.registry.create(target, content, options)
        return self._written(request, target, record, options, HTTPStatus.CREATED)

    def _replace(self, request: web.BaseRequest, target: Target, body: bytes) -> web.Response:
        options = _write_options(request, "UpdateOptions")
        content: Body = decoding.decode(
            body, request.headers.get("Content-Type", ""), options, target.resource.kind
        )
        resource, registry = target.resource, self._plane.registry
        check_identity(content, resource, target.version.name, body)
        if (
            resource.create_on_update
            and not target.subresource
            and registry.find(resource, target.key) is None
        ):
            record = registry.create(target, content, options)
            return self._written(request, target, record, options, HTTPStatus.CREATED)
        record = registry.update(target, lambda _current: content, options, full_body=True)
        return self._written(request, target, record, options)

    def _patch(self, request: web.BaseRequest, target: Target, body: bytes) -> web.Response:
        options = _write_options(request, "PatchOptions")
        kind = decoding.media_type(request.headers.get("Content-Type", ""))
        if kind == _APPLY_PATCH:
            content = decoding.decode_apply(body)
            record, created = apply.apply(self._plane.registry, target, content, options)
            status = HTTPStatus.CREATED if created else HTTPStatus.OK
            return self._written(request, target, record, options, status)
        if "force" in request.query:
            problem = field_errors.forbidden("force", "may not be specified for non-apply patch")
            raise errors.invalid("meta.k8s.io", "PatchOptions", "", [problem])
        record = self._plane.registry.update(target, _transform(kind, target, body), options)
        return self._written(request, target, record, options)

    def _delete(self, request: web.BaseRequest, target: Target, body: bytes) -> web.Response:
        if target.subresource:
            raise errors.verb_not_supported(target.resource.group, target.resource.plural, "delete")
        outcome = deletion.delete(self._plane.registry, target, _delete_options(request, body))
        if not outcome.gone:
            renderer = self._renderer(request, target)
            return self._answer(renderer, target, renderer.item(outcome.record))
        resource = target.resource
        details = {
            "name": target.key[1],
            "group": resource.group,
            "kind": resource.plural,
            "uid": outcome.record.uid,
        }
        return json_response(
            errors.success(details={name: value for name, value in details.items() if value})
        )

    def _delete_collection(self, request: web.BaseRequest, target: Target, body: bytes) -> web.Response:
        options = _delete_options(request, body)
        resource, version = target.resource, target.version
        selection = Selection(resource, version, request.query, target.key)
        objects = self._plane.store.collection(*resource.storage).objects
        chosen = [key for key, record in sorted(objects.items()) if selection.matches(key, record)]
        deleted = [
            deletion.delete(self._plane.registry, Target(resource, version, key), options).record
            for key in chosen
        ]
        renderer = self._renderer(request, target)
        found = renderer.list(deleted, {"resourceVersion": str(self._plane.store.revision)})
        return self._answer(renderer, target, found)

    async def _review(self, request: web.BaseRequest, target: Target) -> web.Response:
        if request.method != "POST" or target.key[1]:
            raise errors.method_not_allowed()
        options = _write_options(request, "CreateOptions")
        body = await request.read()
        content = decoding.decode(
            body, request.headers.get("Content-Type", ""), options, target.resource.kind
        )
        check_identity(content, target.resource, target.version.name, body)
        return json_response(reviews.answer(content, self._plane.roles), status=HTTPStatus.CREATED)

    def _written(
        self,
        request: web.BaseRequest,
        target: Target,
        record: Record,
        options: WriteOptions,
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        renderer = self._renderer(request, target)
        return self._answer(renderer, target, renderer.item(record), options.warnings, status)

    @staticmethod
    def _answer(
        renderer: Renderer,
        target: Target,
        body: bytes | bytearray,
        warnings: list[str] | None = None,
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        deprecation = [target.version.deprecation_warning] if target.version.deprecation_warning else []
        return raw_response(
            body, status=status, warnings=[*deprecation, *(warnings or [])], as_yaml=renderer.wanted.yaml
        )


def _transform(kind: str, target: Target, body: bytes) -> Transform:
    """The change that a PATCH asks for, as a function of the current object.

    Raises:
        ApiError: 400 for a patch that cannot be read, 415 for a kind of patch that this kind of object does not take.

    """
    resource, version = target.resource, target.version
    if kind == _JSON_PATCH:
        operations = decoding.decode_patch(body)
        return lambda current: patch.json_patch(current, operations)
    if kind == _MERGE_PATCH or (kind == _STRATEGIC_PATCH and not resource.is_custom):
        changes: Any = decoding.decode_patch(body)
        if not isinstance(changes, dict):
            raise errors.bad_request(
                "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
            )
        if kind == _STRATEGIC_PATCH:
            return lambda current: strategic_merge.merge(current, changes, version.schema)
        return lambda current: patch.merge(current, changes)
    strategic = [] if resource.is_custom else [_STRATEGIC_PATCH]
    raise errors.unsupported_media_type([_JSON_PATCH, _MERGE_PATCH, *strategic, _APPLY_PATCH])


def _wrong_form(resource: Resource, *, is_list: bool) -> errors.ApiError:
    return errors.wrong_form(resource.group, resource.kind, is_custom=resource.is_custom, is_list=is_list)


def _check_shape(path: ResourcePath, resource: Resource) -> None:
    """A namespaced object is addressed in its namespace, any other outside; subresources must exist."""
    if resource.namespaced is not bool(path.namespace) and (path.name or path.namespace):
        raise errors.no_such_resource()
    if path.subresource and path.subresource not in resource.subresources:
        if resource.is_custom:
            raise errors.not_found(resource.group, resource.plural, path.name)
        raise errors.no_such_resource()


def _write_options(request: web.BaseRequest, kind: str) -> WriteOptions:
    return write_options(request.query, request.headers.get("User-Agent", ""), kind)


def _delete_options(request: web.BaseRequest, body: bytes) -> DeleteOptions:
    options = WriteOptions()
    content = decoding.decode(body, request.headers.get("Content-Type", ""), options) if body.strip() else {}
    if not isinstance(content, dict):
        raise errors.bad_request("the body of a DELETE is not DeleteOptions")
    return delete_options(content, dict(request.query))
