"""What a user may do by the roles and bindings that are stored: `system:masters` everything, others what is granted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .resources import Body
from .store import Store

GROUP: Final = "rbac.authorization.k8s.io"
MASTERS: Final = "system:masters"

Attributes = Mapping[str, Any]
"""`resourceAttributes` of a SubjectAccessReview."""


@dataclass(frozen=True, slots=True)
class Subject:
    name: str
    groups: tuple[str, ...] = ()

    def is_named_by(self, subject: Mapping[str, Any]) -> bool:
        """Whether a subject of a binding is this one."""
        name = subject.get("name", "")
        match subject.get("kind"):
            case "User":
                return bool(name == self.name)
            case "Group":
                return name in self.groups
            case "ServiceAccount":
                return self.name == f"system:serviceaccount:{subject.get('namespace', '')}:{name}"
        return False


class Roles:
    """Reads the roles and bindings as they are now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def allow(self, subject: Subject, attributes: Attributes | None) -> bool:
        """Whether the subject may do it; without attributes, reach a path that is no object's."""
        if MASTERS in subject.groups:
            return True
        if attributes is None:
            return False
        namespace = attributes.get("namespace", "")
        return any(_grants(rule, attributes) for rule in self._rules(subject, namespace))

    def _rules(self, subject: Subject, namespace: str) -> Iterator[Mapping[str, Any]]:
        for binding in self._bindings(namespace):
            if any(subject.is_named_by(named) for named in binding.get("subjects") or ()):
                yield from self._role(binding).get("rules") or ()

    def _bindings(self, namespace: str) -> Iterator[Body]:
        yield from self._objects("clusterrolebindings", "")
        if namespace:
            yield from self._objects("rolebindings", namespace)

    def _objects(self, plural: str, namespace: str) -> Iterator[Body]:
        for (where, _), record in self._store.collection(GROUP, plural).objects.items():
            if where == namespace:
                yield record.parse()

    def _role(self, binding: Body) -> Body:
        reference = binding["roleRef"]
        own = reference["kind"] == "Role"
        key = (binding["metadata"]["namespace"] if own else "", reference["name"])
        record = self._store.collection(GROUP, "roles" if own else "clusterroles").objects.get(key)
        return record.parse() if record is not None else {}


def _grants(rule: Mapping[str, Any], attributes: Attributes) -> bool:
    resource, subresource = attributes.get("resource", ""), attributes.get("subresource", "")
    full = f"{resource}/{subresource}" if subresource else resource
    names: Sequence[str] = rule.get("resourceNames") or ()
    return (
        _names(rule.get("verbs"), attributes.get("verb", ""))
        and _names(rule.get("apiGroups"), attributes.get("group", ""))
        and (_names(rule.get("resources"), full) or f"*/{subresource}" in (rule.get("resources") or ()))
        and (not names or attributes.get("name", "") in names)
    )


def _names(granted: Sequence[str] | None, wanted: str) -> bool:
    return "*" in (granted or ()) or wanted in (granted or ())
