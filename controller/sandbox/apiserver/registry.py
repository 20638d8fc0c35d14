"""Creating and updating objects: the order of checks and side effects of kube-apiserver's generic registry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from . import errors, field_errors, metadata, preparation
from .requests import WriteOptions
from .resources import Resource, Version
from .store import Key, Record, Store, make_record
from .validation import same

Body = dict[str, Any]
Transform = Callable[[Body], Body]
"""Computes the wanted object from a copy of the current one, which it may change."""

_RESOURCE_VERSION_ON_CREATE: Final = "resourceVersion should not be set on objects to be created"


class Operation:
    """Verbs as admission knows them."""

    CREATE: Final = "CREATE"
    UPDATE: Final = "UPDATE"
    DELETE: Final = "DELETE"


class Admission(Protocol):
    """What may still refuse a write that is valid in itself."""

    def admit(
        self,
        *,
        operation: str,
        resource: Resource,
        version: str,
        key: Key,
        subresource: str,
        body: Body | None,
        old: Body | None,
        options: WriteOptions,
    ) -> None:
        """Raise `ApiError` to refuse."""


Observer = Callable[[Resource, Key, Body | None, Record], None]
"""Told of every committed change: the object's new body, None when it is gone, and its last record."""


class Registry:
    def __init__(self, store: Store, now: Callable[[], datetime], admission: Admission) -> None:
        self.store = store
        self.now = now
        self.admission = admission
        self.observers: list[Observer] = []
        self.pending_deletion: Callable[[Resource, Key, Body], bool] = nothing_pending

    def get(self, resource: Resource, key: Key) -> Record:
        """The current version of an object.

        Raises:
            ApiError: 404.
        """
        record = self.store.collection(*resource.storage).objects.get(key)
        if record is None:
            raise errors.not_found(resource.group, resource.plural, key[1])
        return record

    def create(
        self, resource: Resource, version: Version, namespace: str, body: Body, options: WriteOptions
    ) -> Record:
        """Store a new object.

        Raises:
            ApiError: 400, 403, 404 (its namespace), 409 or 422, as the real server.
        """
        if resource.to_storage is not None:
            body = resource.to_storage(body)
        meta = body.setdefault("metadata", {})
        check_namespace(meta, resource, namespace)
        preparation.normalize(body, resource, version, options)
        if meta.get("resourceVersion"):
            raise errors.ApiError(500, "", _RESOURCE_VERSION_ON_CREATE)
        self._check_namespace_exists(resource, namespace, meta.get("name") or meta.get("generateName") or "")
        if not meta.get("name"):
            if not meta.get("generateName"):
                problem = field_errors.required("metadata.name", "name or generateName is required")
                raise errors.invalid(resource.group, resource.kind, "", [problem])
            meta["name"] = metadata.generated_name(meta["generateName"])
        key = (namespace, meta["name"])
        metadata.fill_on_create(meta, resource, self.now())
        if resource.status_subresource and resource.is_custom:
            body.pop("status", None)
        if resource.prepare is not None:
            resource.prepare(body, None)
        self._refuse_invalid(preparation.validate(body, None, resource, version), resource, key)
        self.admission.admit(
            operation=Operation.CREATE,
            resource=resource,
            version=version.name,
            key=key,
            subresource="",
            body=body,
            old=None,
            options=options,
        )
        if key in self.store.collection(*resource.storage).objects:
            raise errors.already_exists(resource.group, resource.plural, key[1])
        if options.dry_run:
            return make_record(body, 0)
        record = self.store.create(*resource.storage, key, body)
        self._tell(resource, key, body, record)
        return record

    def update(
        self,
        resource: Resource,
        version: Version,
        key: Key,
        transform: Transform,
        options: WriteOptions,
        *,
        subresource: str = "",
        full_body: bool = False,
    ) -> Record:
        """Replace an object by what `transform` makes of it; nothing is written when nothing changes.

        `full_body` says that a client sent the whole object (PUT), which must then name the version it replaces.

        Raises:
            ApiError: 400, 403, 404, 409 or 422, as the real server.
        """
        record = self.get(resource, key)
        old = self._current(record, resource, version)
        body = self._changed(resource, version, record, transform)
        if not isinstance(body.get("metadata"), dict):
            body["metadata"] = {}
        meta = body["metadata"]
        check_name(meta, resource, key)
        preparation.normalize(body, resource, version, options)
        self._check_preconditions(meta, record, resource, key, full_body=full_body)
        metadata.keep_on_update(meta, old["metadata"])
        meta["resourceVersion"] = old["metadata"]["resourceVersion"]
        body = self._separate_status(body, old, resource, subresource)
        if resource.prepare is not None:
            resource.prepare(body, old)
        self._refuse_invalid(preparation.validate(body, old, resource, version), resource, key)
        self.admission.admit(
            operation=Operation.UPDATE,
            resource=resource,
            version=version.name,
            key=key,
            subresource=subresource,
            body=body,
            old=old,
            options=options,
        )
        if same(body, old):
            return record
        if options.dry_run:
            return make_record(body, record.revision)
        return self.commit_update(resource, key, body)

    def commit_update(self, resource: Resource, key: Key, body: Body) -> Record:
        """Store a new version; an object that was only waiting for its last finalizer goes."""
        meta = body["metadata"]
        if meta.get("deletionTimestamp") and not self.pending_deletion(resource, key, body):
            return self.remove(resource, key, body)
        record = self.store.update(*resource.storage, key, body)
        self._tell(resource, key, body, record)
        return record

    def remove(self, resource: Resource, key: Key, body: Body) -> Record:
        """Remove an object for good."""
        record = self.store.delete(*resource.storage, key, body)
        self._tell(resource, key, None, record)
        return record

    def _tell(self, resource: Resource, key: Key, body: Body | None, record: Record) -> None:
        for observer in self.observers:
            observer(resource, key, body, record)

    def _changed(self, resource: Resource, version: Version, record: Record, transform: Transform) -> Body:
        """What a client's change makes of an object, in the form it is stored in."""
        current = self._current(record, resource, version)
        if resource.from_storage is None or resource.to_storage is None:
            return transform(current)
        return resource.to_storage(transform(resource.from_storage(current)))

    @staticmethod
    def _current(record: Record, resource: Resource, version: Version) -> Body:
        return {
            "apiVersion": resource.api_version(version.name),
            "kind": resource.kind,
            **record.parse(),
        }

    @staticmethod
    def _check_preconditions(meta: Body, record: Record, resource: Resource, key: Key, *, full_body: bool) -> None:
        given = str(meta.get("resourceVersion") or "")
        if not given and full_body and not resource.unconditional_update:
            problem = field_errors.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise errors.invalid(resource.group, resource.kind, key[1], [problem])
        uid = meta.get("uid")
        if uid and uid != record.uid:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {record.uid}"
            raise errors.conflict(resource.group, resource.plural, key[1], why)
        if given and given != str(record.revision):
            raise errors.conflict(resource.group, resource.plural, key[1], errors.OBJECT_MODIFIED)

    @staticmethod
    def _separate_status(body: Body, old: Body, resource: Resource, subresource: str) -> Body:
        """Status writes change only the status, other writes everything else; what else changes is a generation."""
        if subresource == "status":
            managed = body["metadata"].get("managedFields")
            status = body.get("status")
            body = {**old, "metadata": dict(old["metadata"])}
            if managed is not None:
                body["metadata"]["managedFields"] = managed
            if status is not None:
                body["status"] = status
            else:
                body.pop("status", None)
            return body
        if resource.status_subresource:
            if "status" in old:
                body["status"] = old["status"]
            else:
                body.pop("status", None)
        if resource.is_custom or resource.tracks_generation:
            if not same(_content(body, resource), _content(old, resource)):
                body["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        return body

    def _check_namespace_exists(self, resource: Resource, namespace: str, name: str) -> None:
        if not resource.namespaced:
            return
        record = self.store.collection("", "namespaces").objects.get(("", namespace))
        if record is None:
            raise errors.not_found("", "namespaces", namespace)
        if "deletionTimestamp" in record.parse()["metadata"]:
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            refusal = errors.forbidden(resource.group, resource.plural, name, why)
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            refusal.details = {**(refusal.details or {}), "causes": [cause]}
            raise refusal

    @staticmethod
    def _refuse_invalid(found: list[field_errors.FieldError], resource: Resource, key: Key) -> None:
        if found:
            raise errors.invalid(resource.group, resource.kind, key[1], found)


def _content(body: Body, resource: Resource) -> Body:
    """What counts for `metadata.generation`: everything for custom kinds, the spec for built-in ones."""
    if resource.is_custom:
        return {name: value for name, value in body.items() if name != "metadata"}
    return {"spec": body.get("spec")}


def nothing_pending(_resource: Resource, _key: Key, body: Body) -> bool:
    return bool(body["metadata"].get("finalizers"))


def check_namespace(meta: Body, resource: Resource, namespace: str) -> None:
    """The namespace in the body is that of the path; it is filled in when left out.

    Raises:
        ApiError: 400 when they differ.
    """
    if not isinstance(meta, dict):
        raise errors.bad_request("metadata must be an object")
    if not resource.namespaced:
        meta.pop("namespace", None)
        return
    given = meta.get("namespace")
    if given and given != namespace:
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    meta["namespace"] = namespace


def check_name(meta: Body, resource: Resource, key: Key) -> None:
    """The name in the body is that of the path.

    Raises:
        ApiError: 400 when it is missing or another.
    """
    name = meta.get("name")
    if not name:
        meta["name"] = name = key[1]
    if name != key[1]:
        raise errors.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({key[1]})"
        )
    check_namespace(meta, resource, key[0])
