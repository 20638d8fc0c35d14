"""Which objects a list, watch or collection deletion is about."""

from collections.abc import Mapping
from typing import Any, Final

from . import errors, selectors
from .resources import Resource, Version
from .selectors import FieldTerm, LabelSelector
from .store import Key, Record


class Selection:
    """Which objects a list or watch is about, by label and field selectors."""

    def __init__(self, resource: Resource, version: Version, query: Mapping[str, str], key: Key) -> None:
        """Read the selectors of a request; `key` may name a namespace or a single object.

        Raises:
            ApiError: 400 for selectors that cannot be parsed or fields that cannot be selected by.

        """
        self.namespace, self._name = key
        self._labels = LabelSelector(query.get("labelSelector", ""))
        self._fields: list[FieldTerm] = []
        allowed = selectable_fields(resource, version)
        for term in selectors.parse_field_selector(query.get("fieldSelector", "")):
            if term.field == "metadata.name" and not term.negated:
                if self._name and self._name != term.value:
                    raise errors.bad_request("both a name and a field selector for another name were given")
                self._name = term.value
            elif term.field in allowed:
                self._fields.append(term)
            else:
                raise errors.bad_request(f"field label not supported: {term.field}")

    def matches(self, key: Key, record: Record) -> bool:
        if self.namespace and key[0] != self.namespace:
            return False
        if self._name and key[1] != self._name:
            return False
        if self._labels and not self._labels.matches(record.labels):
            return False
        if not self._fields:
            return True
        body = record.parse()
        return all((_field(body, term.field) == term.value) is not term.negated for term in self._fields)

    def filters(self) -> bool:
        """Whether more than the namespace decides."""
        return bool(self._name or self._labels or self._fields)


_FIELDS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("", "secrets"): frozenset({"type"}),
    ("", "namespaces"): frozenset({"status.phase", "name"}),
    ("", "pods"): frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
        }
    ),
    ("", "events"): frozenset(
        {
            *(
                f"involvedObject.{name}"
                for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
            ),
            "reason",
            "reportingComponent",
            "source",
            "type",
        }
    ),
    ("events.k8s.io", "events"): frozenset(
        {
            *(
                f"regarding.{name}"
                for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
            ),
            "reason",
            "reportingController",
            "type",
        }
    ),
}


def selectable_fields(resource: Resource, version: Version) -> frozenset[str]:
    common = {"metadata.name", "metadata.namespace"} if resource.namespaced else {"metadata.name"}
    own = _FIELDS.get((resource.group, resource.plural), frozenset())
    return own | common | frozenset(path.removeprefix(".") for path in version.selectable_fields)


_STORED_NAMES: Final = {
    "source": "source.component",
    "reportingController": "reportingComponent",
    "name": "metadata.name",
}


def _field(body: Any, path: str) -> str:
    if path.startswith("regarding."):
        path = "involvedObject." + path.removeprefix("regarding.")
    value = body
    for part in _STORED_NAMES.get(path, path).split("."):
        value = value.get(part) if isinstance(value, dict) else None
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
