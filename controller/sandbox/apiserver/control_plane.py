"""Everything behind the HTTP endpoints, wired together: store, registry, kinds, controllers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from . import crds
from .admission import PolicyAdmission
from .builtin import built_in_resources
from .controllers import Controllers
from .registry import Body, Registry
from .requests import FieldValidation, WriteOptions
from .resources import Resource, Resources
from .store import Key, Record, Store

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


class ControlPlane:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.store = Store()
        self.resources = Resources()
        self.registry = Registry(self.store, now, PolicyAdmission(self.store, self.resources))
        self.controllers = Controllers(self.registry, self.resources)
        self.registry.pending_deletion = _pending_deletion
        self.registry.observers += [self._observe, self.controllers.observe]
        self._crd = crds.crd_resource(now)
        for resource in (*built_in_resources(), self._crd):
            self.resources.add(resource)

    def create_standard_objects(self) -> None:
        """The namespaces that every cluster has."""
        resource = self.resources.by_name("", "namespaces")
        assert resource is not None  # noqa: S101 - it is built in
        for name in _NAMESPACES:
            if ("", name) in self.store.collection("", "namespaces").objects:
                continue
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self.registry.create(resource, resource.versions["v1"], "", body, _own_write())

    def install_crd(self, crd: Body) -> None:
        """Create a definition, or replace the one of its name."""
        version = self._crd.versions["v1"]
        key = ("", crd["metadata"]["name"])
        if key not in self.store.collection(crds.GROUP, crds.PLURAL).objects:
            self.registry.create(self._crd, version, "", crd, _own_write())
            return
        self.registry.update(self._crd, version, key, lambda current: {**current, "spec": crd["spec"]}, _own_write())

    def _observe(self, resource: Resource, key: Key, body: Body | None, _record: Record) -> None:
        if (resource.group, resource.plural) != (crds.GROUP, crds.PLURAL):
            return
        plural, _, group = key[1].partition(".")
        if body is None:
            self.resources.remove(group, plural)
            self.store.drop(group, plural)
        else:
            self.resources.add(crds.custom_resource(body))


def _own_write() -> WriteOptions:
    return WriteOptions(field_validation=FieldValidation.STRICT, field_manager="sandbox")


def _pending_deletion(resource: Resource, _key: Key, body: Body) -> bool:
    """Whether something still holds back the removal of an object that is being deleted."""
    if body["metadata"].get("finalizers"):
        return True
    is_namespace = (resource.group, resource.plural) == ("", "namespaces")
    return is_namespace and bool(body.get("spec", {}).get("finalizers"))
