"""Everything behind the HTTP endpoints, wired together: store, registry, kinds, controllers."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from . import crds, snapshot
from .admission import PolicyAdmission
from .builtin import built_in_resources
from .controllers import Controllers
from .rbac import Roles
from .registry import Registry, stored_target
from .requests import FieldValidation, WriteOptions
from .resources import Body, Resource, Resources
from .store import Key, Record, Store

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


class ControlPlane:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.store = Store()
        self.roles = Roles(self.store)
        self.resources = Resources()
        self.registry = Registry(self.store, now, PolicyAdmission(self.store))
        self.controllers = Controllers(self.registry, self.resources)
        self.registry.observers += [self._observe, self.controllers.observe]
        self._crd = crds.crd_resource(now)
        for resource in (*built_in_resources(), self._crd):
            self._serve(resource)

    def _serve(self, resource: Resource) -> None:
        self.resources.add(resource)
        # From now on its history is kept.
        self.store.collection(*resource.storage)

    def restore(self, path: Path) -> None:
        """Take over the objects of a snapshot, if there is one.

        Raises:
            SnapshotError: the file is no snapshot.

        """
        snapshot.load(self.store, path)
        for record in self.store.collection(crds.GROUP, crds.PLURAL).objects.values():
            self._serve(crds.custom_resource(record.parse()))

    def start(self) -> None:
        """Begin the background work, with what was left of it."""
        self.create_standard_objects()
        self.controllers.start()
        for resource in self.resources.all():
            for key, record in self.store.collection(*resource.storage).objects.items():
                if record.is_terminating or record.owners:
                    self.controllers.observe(resource, key, record.parse(), record)

    def create_standard_objects(self) -> None:
        """The namespaces that every cluster has."""
        resource = self.resources.by_name("", "namespaces")
        assert resource is not None  # noqa: S101 - it is built in
        for name in _NAMESPACES:
            if ("", name) in self.store.collection("", "namespaces").objects:
                continue
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self.registry.create(stored_target(resource, ("", "")), body, _own_write())

    def install_crd(self, crd: Body) -> None:
        """Create a definition, or replace the one of its name."""
        target = stored_target(self._crd, ("", crd["metadata"]["name"]))
        if self.registry.find(self._crd, target.key) is None:
            self.registry.create(target, crd, _own_write())
        else:
            self.registry.update(target, lambda current: {**current, "spec": crd["spec"]}, _own_write())

    def _observe(self, resource: Resource, key: Key, body: Body | None, _record: Record) -> None:
        if (resource.group, resource.plural) != (crds.GROUP, crds.PLURAL):
            return
        plural, _, group = key[1].partition(".")
        if body is None:
            self.resources.remove(group, plural)
            self.store.drop(group, plural)
        else:
            self._serve(crds.custom_resource(body))


def _own_write() -> WriteOptions:
    return WriteOptions(field_validation=FieldValidation.STRICT, field_manager="sandbox")
