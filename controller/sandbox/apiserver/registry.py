"""Creating and updating objects: the order of checks and side effects of kube-apiserver's generic registry."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from . import errors, field_errors, metadata, preparation
from .managed_fields import FieldManagers
from .requests import WriteOptions
from .resources import Body, Resource, Version
from .store import Key, Record, Store, make_record
from .validation import same

Transform = Callable[[Body], Body]
"""Computes the wanted object from a copy of the current one, which it may change."""

_RESOURCE_VERSION_ON_CREATE: Final = "resourceVersion should not be set on objects to be created"


class Operation(enum.StrEnum):
    """Verbs as admission knows them."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: an object (or, without a name, a kind in a namespace) in one version."""

    resource: Resource
    version: Version
    key: Key
    subresource: str = ""

    def parse(self, record: Record) -> Body:
        """A stored object in this version."""
        head = {"apiVersion": self.resource.api_version(self.version.name), "kind": self.resource.kind}
        return {**head, **record.parse()}


def stored_target(resource: Resource, key: Key) -> Target:
    """An object in the version it is stored in, for writes of the server's own."""
    return Target(resource, resource.versions[resource.storage_version], key)


@dataclass(frozen=True, slots=True)
class Write:
    """A write that is valid in itself and about to happen."""

    operation: Operation
    target: Target
    body: Body | None
    old: Body | None
    options: WriteOptions


class Admission(Protocol):
    """What may still refuse a write."""

    def admit(self, write: Write) -> None:
        """Raise `ApiError` to refuse."""


Observer = Callable[[Resource, Key, Body | None, Record], None]
"""Told of every committed change: the object's new body, None when it is gone, and its last record."""


class Registry:
    def __init__(self, store: Store, now: Callable[[], datetime], admission: Admission) -> None:
        self.store = store
        self.now = now
        self.admission = admission
        self.field_managers = FieldManagers(lambda: metadata.timestamp(now()))
        self.observers: list[Observer] = []

    def get(self, target: Target) -> Record:
        """The current version of an object.

        Raises:
            ApiError: 404.

        """
        record = self.find(target.resource, target.key)
        if record is None:
            raise errors.not_found(target.resource.group, target.resource.plural, target.key[1])
        return record

    def find(self, resource: Resource, key: Key) -> Record | None:
        return self.store.collection(*resource.storage).objects.get(key)

    def create(self, target: Target, body: Body, options: WriteOptions, *, applied: bool = False) -> Record:
        """Store a new object; its name may be left to `generateName`.

        `applied` says that the body comes from a server-side apply and names its managers itself.

        Raises:
            ApiError: 400, 403, 404 (its namespace), 409 or 422, as the real server.

        """
        resource, version, namespace = target.resource, target.version, target.key[0]
        if resource.to_storage is not None:
            body = resource.to_storage(body)
        meta = body.setdefault("metadata", {})
        check_namespace(meta, resource, namespace)
        preparation.normalize(body, resource, version, options, keep_nulls=applied)
        if meta.get("resourceVersion"):
            raise errors.ApiError(500, "", _RESOURCE_VERSION_ON_CREATE)
        if resource.is_terminating:
            why = "create not allowed while custom resource definition is terminating"
            raise errors.forbidden(resource.group, resource.plural, meta.get("name", ""), why)
        self._check_namespace_exists(resource, namespace, meta.get("name", ""))
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = metadata.generated_name(meta["generateName"])
        target = replace(target, key=(namespace, meta.get("name", "")))
        metadata.fill_on_create(meta, resource, self.now())
        if not applied:
            self.field_managers.updated(body, None, target.resource, target.version, "", options)
        if resource.resets_status:
            body.pop("status", None)
        if resource.prepare is not None:
            resource.prepare(body, None)
        self._validate(target, body, None, options)
        self.admission.admit(Write(Operation.CREATE, target, body, None, options))
        present = self.find(resource, target.key)
        if present is not None:
            raise errors.already_exists(
                resource.group, resource.plural, target.key[1], is_terminating=present.is_terminating
            )
        if options.dry_run:
            return make_record(body, 0)
        record = self.store.create(*resource.storage, target.key, body)
        self._tell(resource, target.key, body, record)
        return record

    def update(
        self,
        target: Target,
        transform: Transform,
        options: WriteOptions,
        *,
        full_body: bool = False,
        applied: bool = False,
    ) -> Record:
        """Replace an object by what `transform` makes of it; nothing is written when nothing changes.

        `full_body` says that a client sent the whole object (PUT), which must then name the version it replaces;
        `applied` that the change is a server-side apply, which has settled its managers itself.

        Raises:
            ApiError: 400, 403, 404, 409 or 422, as the real server.

        """
        resource = target.resource
        record = self.get(target)
        old = target.parse(record)
        body = _changed(target, record, transform)
        if not isinstance(body.get("metadata"), dict):
            body["metadata"] = {}
        meta = body["metadata"]
        check_name(meta, resource, target.key)
        preparation.normalize(
            body, resource, target.version, options, patched=not (full_body or applied), keep_nulls=applied
        )
        uid_errors = self._check_preconditions(meta, record, target, full_body=full_body)
        metadata.keep_on_update(meta, old["metadata"])
        meta["resourceVersion"] = str(record.revision)
        if not applied:
            self.field_managers.updated(body, old, resource, target.version, target.subresource, options)
        body = _separate_status(body, old, target)
        if resource.prepare is not None:
            resource.prepare(body, old)
        self._validate(target, body, old, options, uid_errors)
        self.admission.admit(Write(Operation.UPDATE, target, body, old, options))
        if same(body, old):
            return record
        if options.dry_run:
            return make_record(body, record.revision)
        return self.commit_update(resource, target.key, body)

    def commit_update(self, resource: Resource, key: Key, body: Body) -> Record:
        """Store a new version; an object that was only waiting for its last finalizer goes."""
        if body["metadata"].get("deletionTimestamp") and not resource.pending_finalizers(body):
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

    @staticmethod
    def _check_preconditions(
        meta: Body, record: Record, target: Target, *, full_body: bool
    ) -> list[field_errors.FieldError]:
        """The uid and resourceVersion that a client names are those of the object."""
        resource, name = target.resource, target.key[1]
        given, uid = str(meta.get("resourceVersion") or ""), meta.get("uid")
        if not given and full_body and not resource.unconditional_update:
            problem = field_errors.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            # The real server names the plural here where it names the kind elsewhere.
            raise errors.invalid(resource.group, resource.plural, name, [problem])
        if uid and uid != record.uid:
            if not full_body:
                return [field_errors.invalid("metadata.uid", uid, "field is immutable")]
            place = "/".join(part for part in (resource.group, resource.plural, *target.key) if part)
            why = (
                f"StorageError: invalid object, Code: 4, Key: /registry/{place}, ResourceVersion: 0,"
                f" AdditionalErrorMsg: Precondition failed: UID in precondition: {uid},"
                f" UID in object meta: {record.uid}"
            )
            raise errors.conflict(resource.group, resource.plural, name, why)
        if given and given != str(record.revision):
            raise errors.conflict(resource.group, resource.plural, name, errors.OBJECT_MODIFIED)
        return []

    def _check_namespace_exists(self, resource: Resource, namespace: str, name: str) -> None:
        if not resource.namespaced:
            return
        record = self.store.collection("", "namespaces").objects.get(("", namespace))
        if record is None:
            raise errors.not_found("", "namespaces", namespace)
        if record.is_terminating:
            raise errors.namespace_terminating(resource.group, resource.plural, name, namespace)

    @staticmethod
    def _validate(
        target: Target,
        body: Body,
        old: Body | None,
        options: WriteOptions,
        metadata_errors: list[field_errors.FieldError] | None = None,
    ) -> None:
        resource = target.resource
        if resource.is_custom:
            before = old["metadata"] if old is not None else None
            options.warnings += metadata.finalizer_warnings(body["metadata"], before)
        found = preparation.validate(
            body, old, resource, target.version, target.subresource, metadata_errors or []
        )
        if found:
            raise errors.invalid(resource.group, body["kind"], target.key[1], found)


def _changed(target: Target, record: Record, transform: Transform) -> Body:
    """What a client's change makes of an object, in the form it is stored in."""
    current, resource = target.parse(record), target.resource
    if resource.from_storage is None or resource.to_storage is None:
        return transform(current)
    return resource.to_storage(transform(resource.from_storage(current)))


def _separate_status(body: Body, old: Body, target: Target) -> Body:
    """Status writes change only the status, other writes everything else; what else changes is a new generation."""
    resource = target.resource
    if target.subresource == "status":
        changed = {**old, "metadata": dict(old["metadata"])}
        if "managedFields" in body["metadata"]:
            changed["metadata"]["managedFields"] = body["metadata"]["managedFields"]
        if "status" in body:
            changed["status"] = body["status"]
        else:
            changed.pop("status", None)
        return changed
    if resource.status_subresource:
        if "status" in old:
            body["status"] = old["status"]
        else:
            body.pop("status", None)
    if resource.tracks_generation and not same(_content(body, resource), _content(old, resource)):
        body["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
    return body


def _content(body: Body, resource: Resource) -> Body:
    """What counts for `metadata.generation`: everything for custom kinds, the spec for built-in ones."""
    if resource.is_custom:
        return {name: value for name, value in body.items() if name != "metadata"}
    return {"spec": body.get("spec")}


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
    if meta.get("namespace") not in {None, "", namespace}:
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
        raise errors.bad_request(
            f"the name of the object ({key[1]} based on URL) was undeterminable: name must be provided"
        )
    if name != key[1]:
        raise errors.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({key[1]})"
        )
    check_namespace(meta, resource, key[0])
