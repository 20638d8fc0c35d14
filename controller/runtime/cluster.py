"""The Kubernetes API as the operator uses it: plain dicts in and out, typed errors, nothing cached."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import Final

from controller.runtime.kube_connection import KubeConnection
from controller.runtime.kube_errors import ResourceExpired, error_from_status, parse_status
from controller.runtime.kube_resources import Resource
from controller.runtime.kube_wire import (
    APPLY_PATCH,
    JSON,
    JSON_PATCH,
    MERGE_PATCH,
    METADATA_OF_LIST,
    METADATA_OF_OBJECT,
    JsonObject,
    Listing,
    WatchEvent,
    is_missing_object,
    lines,
    object_in,
    request_for,
    watch_event_in,
)

FIELD_MANAGER: Final = "tenant-operator"
_WATCH_GRACE: Final = 15.0


class KubeApi:
    """Reads and writes objects.

    Every method raises ApiUnavailable, ApiForbidden, ApiUnauthorized or, where nothing fits better, ApiError;
    further errors are named at the method. `namespace` is left out for cluster-scoped resources and, in
    lists and watches, for all namespaces.
    """

    def __init__(self, connection: KubeConnection, *, field_manager: str = FIELD_MANAGER) -> None:
        self._connection = connection
        self._field_manager = field_manager

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> JsonObject | None:
        """The newest state (a quorum read), or None when the object does not exist.

        Raises ApiNotFound when the API server does not know the resource at all: that proves no absence.
        """
        request = request_for("get", "GET", resource, name, namespace)
        answer = await self._connection.send(request)
        return None if is_missing_object(answer) else object_in(answer, request, resource)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        metadata_only: bool = False,
        chunk: int = 500,
    ) -> Listing:
        """All objects, fetched in pages of `chunk`. Raises ApiNotFound when the resource is unknown."""
        query = {"labelSelector": label_selector} if label_selector else {}
        accept = METADATA_OF_LIST if metadata_only else JSON
        try:
            return await self._list(resource, namespace, query | {"limit": str(chunk)}, accept)
        except ResourceExpired:
            # The pages' moment was compacted away half-way; one unpaged read is whole again.
            return await self._list(resource, namespace, query, accept)

    async def pages(
        self, resource: Resource, namespace: str | None = None, *, chunk: int = 500
    ) -> AsyncGenerator[Listing]:
        """All objects a page at a time, for lists too large to hold as they come.

        Not of one moment when the first one expired half-way: what was handed out then comes again.
        Raises ApiNotFound when the resource is unknown.
        """
        query = {"limit": str(chunk)}
        while True:
            request = request_for("list", "GET", resource, None, namespace, query=query, accept=JSON)
            try:
                page = object_in(await self._connection.send(request), request, resource)
            except ResourceExpired:
                query = {}
                continue
            yield Listing(tuple(page.get("items") or ()), page["metadata"]["resourceVersion"])
            continuation = page["metadata"].get("continue")
            if not continuation:
                return
            query = query | {"continue": continuation}

    async def create(self, resource: Resource, body: JsonObject, namespace: str | None = None) -> JsonObject:
        """Create an object. Raises ApiAlreadyExists, ApiInvalid, and ApiNotFound for a missing namespace."""
        return await self._write("create", "POST", resource, None, namespace, body=body)

    async def replace(
        self,
        resource: Resource,
        body: JsonObject,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
    ) -> JsonObject:
        """Replace an object; with `metadata.resourceVersion` in it only that version.

        Raises ApiNotFound, ApiConflict, ApiInvalid.
        """
        name = body["metadata"]["name"]
        return await self._write(
            "update", "PUT", resource, name, namespace, body=body, subresource=subresource
        )

    async def merge_patch(
        self,
        resource: Resource,
        name: str,
        patch: JsonObject,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
    ) -> JsonObject:
        """Change fields (RFC 7386; None removes); with `metadata.resourceVersion` in it only that version.

        Raises ApiNotFound, ApiConflict, ApiInvalid.
        """
        return await self._write(
            "patch",
            "PATCH",
            resource,
            name,
            namespace,
            body=patch,
            subresource=subresource,
            content_type=MERGE_PATCH,
        )

    async def json_patch(
        self,
        resource: Resource,
        name: str,
        operations: Sequence[JsonObject],
        namespace: str | None = None,
        *,
        subresource: str | None = None,
    ) -> JsonObject:
        """Change fields (RFC 6902). Raises ApiNotFound, ApiConflict, ApiInvalid (also a failed `test`)."""
        return await self._write(
            "patch",
            "PATCH",
            resource,
            name,
            namespace,
            body=[*operations],
            subresource=subresource,
            content_type=JSON_PATCH,
        )

    async def apply(
        self,
        resource: Resource,
        body: JsonObject,
        namespace: str | None = None,
        *,
        field_manager: str | None = None,
        force: bool = False,
    ) -> JsonObject:
        """Server-side apply: own exactly the fields in `body`, creating the object where it is missing.

        `force` takes fields over from other managers; without it that is an ApiConflict. Raises ApiInvalid.
        """
        name = body["metadata"]["name"]
        query = {"fieldManager": field_manager or self._field_manager, "force": str(force).lower()}
        return await self._write(
            "apply", "PATCH", resource, name, namespace, body=body, query=query, content_type=APPLY_PATCH
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        """Delete an object, only the one of this `uid` and version where given.

        Raises ApiNotFound when it is gone already, ApiConflict when a precondition does not hold.
        """
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {field: value for field, value in preconditions.items() if value is not None},
        }
        await self._write("delete", "DELETE", resource, name, namespace, body=options, query={})

    async def watch(
        self,
        resource: Resource,
        resource_version: str,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        metadata_only: bool = False,
        timeout_seconds: float = 300.0,
    ) -> AsyncGenerator[WatchEvent]:
        """Changes after `resource_version`, until the server ends the watch after `timeout_seconds`.

        Raises ResourceExpired when all must be listed anew; ApiUnavailable when the connection breaks, also
        in the middle: go on from the last event's version. Close it (`contextlib.aclosing`) when leaving
        early.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(max(1, int(timeout_seconds))),
        }
        if label_selector:
            query["labelSelector"] = label_selector
        accept = METADATA_OF_OBJECT if metadata_only else JSON
        request = request_for("watch", "GET", resource, None, namespace, query=query, accept=accept)
        async with self._connection.stream(request, seconds=timeout_seconds + _WATCH_GRACE) as response:
            if response.status != HTTPStatus.OK:
                raise error_from_status(str(request), response.status, parse_status(await response.read()))
            async with aclosing(lines(response.content)) as events:
                async for line in events:
                    yield watch_event_in(line, request, resource)

    async def _list(
        self, resource: Resource, namespace: str | None, query: dict[str, str], accept: str
    ) -> Listing:
        items: list[JsonObject] = []
        while True:
            request = request_for("list", "GET", resource, None, namespace, query=query, accept=accept)
            page = object_in(await self._connection.send(request), request, resource)
            items += page.get("items") or ()
            continuation = page["metadata"].get("continue")
            if not continuation:
                return Listing(tuple(items), page["metadata"]["resourceVersion"])
            query = query | {"continue": continuation}

    async def _write(
        self,
        verb: str,
        method: str,
        resource: Resource,
        name: str | None,
        namespace: str | None,
        *,
        body: object,
        subresource: str | None = None,
        query: dict[str, str] | None = None,
        content_type: str = JSON,
    ) -> JsonObject:
        request = request_for(
            verb,
            method,
            resource,
            name,
            namespace,
            subresource=subresource,
            query={"fieldManager": self._field_manager} if query is None else query,
            body=body,
            content_type=content_type,
        )
        return object_in(await self._connection.send(request), request, resource)
