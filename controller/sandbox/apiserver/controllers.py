"""What kube-controller-manager does behind the API: ends namespaces and collects objects whose owners are gone."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from . import crds, deletion
from .deletion import FOREGROUND, ORPHAN, DeleteOptions
from .errors import ApiError
from .registry import Registry, stored_target
from .resources import Body, Nature, Resource, Resources
from .store import Key, Record

logger = logging.getLogger(__name__)

_NAMESPACES: Final = ("", "namespaces")


Job = Callable[[], None]


class Controllers:
    """A queue of small jobs, worked off between requests."""

    def __init__(self, registry: Registry, resources: Resources) -> None:
        self._registry = registry
        self._resources = resources
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            try:
                job()
            except ApiError as error:
                # Changed or refused meanwhile; the next change of the object brings it back.
                logger.debug("background job refused: %s", error)
            await asyncio.sleep(0)

    def observe(self, resource: Resource, key: Key, body: Body | None, record: Record) -> None:
        """Queue what a committed change makes necessary."""
        if body is None:
            self._after_removal(resource, key, record)
        elif body["metadata"].get("deletionTimestamp"):
            self._after_deletion_mark(resource, key, body)
        elif record.owners:
            self._jobs.put_nowait(lambda: self._collect(resource, key))

    def _after_removal(self, resource: Resource, key: Key, record: Record) -> None:
        if self._registry.store.dependents(record.uid):
            self._jobs.put_nowait(lambda: self._collect_dependents(record.uid))
        if record.owners:
            self._jobs.put_nowait(lambda: self._release_owners(key[0], record))
        if resource.namespaced and self._is_terminating(key[0]):
            self._jobs.put_nowait(lambda: self._empty_namespace(key[0]))
        if resource.is_terminating:
            self._jobs.put_nowait(lambda: self._empty_kind(resource))

    def _after_deletion_mark(self, resource: Resource, key: Key, body: Body) -> None:
        place = (resource.group, resource.plural)
        if place == _NAMESPACES:
            self._jobs.put_nowait(lambda: self._empty_namespace(key[1]))
        if place == (crds.GROUP, crds.PLURAL):
            plural, _, group = key[1].partition(".")
            kind = self._resources.by_name(group, plural)
            if kind is not None:
                self._jobs.put_nowait(lambda: self._empty_kind(kind))
        if {ORPHAN, FOREGROUND} & set(body["metadata"].get("finalizers", ())):
            self._jobs.put_nowait(lambda: self._propagate(resource, key))

    def _is_terminating(self, namespace: str) -> bool:
        record = self._registry.store.collection(*_NAMESPACES).objects.get(("", namespace))
        return record is not None and record.is_terminating

    def _empty_namespace(self, namespace: str) -> None:
        """Delete what is in a namespace that is going; let it go when nothing is left."""
        resource = self._resources.by_name(*_NAMESPACES)
        record = self._registry.store.collection(*_NAMESPACES).objects.get(("", namespace))
        if resource is None or record is None:
            return
        left = False
        for kind in self._resources.all():
            if not kind.namespaced or kind.nature is Nature.REVIEW:
                continue
            for key in list(self._registry.store.collection(*kind.storage).scan(namespace)):
                outcome = deletion.delete(self._registry, stored_target(kind, key), DeleteOptions())
                left = left or not outcome.gone
        body = stored_target(resource, ("", namespace)).parse(record)
        if not left and "deletionTimestamp" in body["metadata"]:
            body["spec"] = {
                "finalizers": [name for name in body["spec"].get("finalizers", []) if name != "kubernetes"]
            }
            self._registry.commit_update(resource, ("", namespace), body)

    def _empty_kind(self, resource: Resource) -> None:
        """Delete all objects of a kind whose definition is going; let the definition go when none is left."""
        definitions = self._resources.by_name(crds.GROUP, crds.PLURAL)
        name = f"{resource.plural}.{resource.group}"
        if definitions is None or self._registry.find(definitions, ("", name)) is None:
            return
        left = False
        for key in list(self._registry.store.collection(*resource.storage).keys):
            outcome = deletion.delete(self._registry, stored_target(resource, key), DeleteOptions())
            left = left or not outcome.gone
        record = self._registry.find(definitions, ("", name))
        if left or record is None:
            return
        body = stored_target(definitions, ("", name)).parse(record)
        if "deletionTimestamp" in body["metadata"]:
            finalizers = [
                finalizer for finalizer in body["metadata"]["finalizers"] if finalizer != crds.CLEANUP
            ]
            body["metadata"]["finalizers"] = finalizers
            self._registry.commit_update(definitions, ("", name), body)

    def _collect_dependents(self, owner_uid: str) -> None:
        for group, plural, key in self._registry.store.dependents(owner_uid):
            resource = self._resources.by_name(group, plural)
            if resource is not None:
                self._collect(resource, key)

    def _collect(self, resource: Resource, key: Key) -> None:
        """Delete an object none of whose owners exists any more."""
        record = self._registry.store.collection(*resource.storage).objects.get(key)
        if record is None or not record.owners:
            return
        owners = record.parse()["metadata"]["ownerReferences"]
        if any(self._exists(owner, key[0]) for owner in owners):
            return
        deletion.delete(self._registry, stored_target(resource, key), DeleteOptions(uid=record.uid))

    def _exists(self, owner: Body, namespace: str) -> bool:
        resource = self._resource_of(owner)
        if resource is None:
            # A kind that is not served may be served later: never collect because of it.
            return True
        record = self._registry.store.collection(*resource.storage).objects.get(
            _owner_key(owner, resource, namespace)
        )
        return record is not None and record.uid == owner["uid"]

    def _resource_of(self, owner: Body) -> Resource | None:
        return self._resources.by_kind(owner["apiVersion"].rpartition("/")[0], owner["kind"])

    def _release_owners(self, namespace: str, gone: Record) -> None:
        """Owners that wait for their dependents look again when one is gone."""
        for owner in gone.parse()["metadata"]["ownerReferences"]:
            resource = self._resource_of(owner)
            if resource is not None:
                self._propagate(resource, _owner_key(owner, resource, namespace))

    def _propagate(self, resource: Resource, key: Key) -> None:
        """Orphan or first delete the dependents of an object that is being deleted so; then let it go on."""
        record = self._registry.store.collection(*resource.storage).objects.get(key)
        if record is None:
            return
        body = stored_target(resource, key).parse(record)
        finalizers = body["metadata"].get("finalizers", [])
        if not {ORPHAN, FOREGROUND} & set(finalizers) or "deletionTimestamp" not in body["metadata"]:
            return
        blocked = False
        for group, plural, dependent in self._registry.store.dependents(record.uid):
            kind = self._resources.by_name(group, plural)
            if kind is None:
                continue
            if ORPHAN in finalizers:
                self._orphan(kind, dependent, record.uid)
            elif FOREGROUND in finalizers:
                options = DeleteOptions(propagation="Foreground")
                outcome = deletion.delete(self._registry, stored_target(kind, dependent), options)
                blocked = blocked or not outcome.gone
        if blocked:
            return
        body["metadata"]["finalizers"] = [name for name in finalizers if name not in {ORPHAN, FOREGROUND}]
        self._registry.commit_update(resource, key, body)

    def _orphan(self, resource: Resource, key: Key, owner_uid: str) -> None:
        record = self._registry.store.collection(*resource.storage).objects[key]
        body = stored_target(resource, key).parse(record)
        owners = [owner for owner in body["metadata"]["ownerReferences"] if owner["uid"] != owner_uid]
        body["metadata"]["ownerReferences"] = owners
        if not owners:
            del body["metadata"]["ownerReferences"]
        self._registry.commit_update(resource, key, body)


def _owner_key(owner: Body, resource: Resource, namespace: str) -> Key:
    return (namespace if resource.namespaced else "", owner["name"])
