"""What is served: one `Resource` a kind, with what each of its versions knows of its objects."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .field_errors import FieldError
from .rules import RuleNode
from .structural import Schema

ALL_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


Body = dict[str, Any]
"""An object as JSON data."""
Prepare = Callable[[dict[str, Any], dict[str, Any] | None], None]
"""Completes an object of a built-in kind before validation: the new body (changed in place) and the old one."""
Check = Callable[[dict[str, Any], dict[str, Any] | None], list[FieldError]]
"""Validates an object of a built-in kind: the new body and the old one."""


Convert = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a body into the form it is stored in, or back."""


class Nature(enum.Enum):
    """Where a kind's rules come from."""

    CUSTOM = enum.auto()
    BUILT_IN = enum.auto()
    REVIEW = enum.auto()
    """Create-only: the answer is computed, nothing is stored."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`."""

    name: str
    type: str
    json_path: str
    description: str = ""
    format: str = ""
    priority: int = 0
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    schema: Schema | None = None
    rules: RuleNode | None = None
    columns: tuple[Column, ...] = ()
    openapi: Mapping[str, Any] | None = None
    selectable_fields: tuple[str, ...] = ()
    deprecation_warning: str = ""


@dataclass(slots=True)
class Resource:
    group: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    versions: dict[str, Version]
    storage_version: str
    nature: Nature = Nature.BUILT_IN
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status_subresource: bool = False
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    tracks_generation: bool = False
    create_on_update: bool = False
    is_terminating: bool = False
    """Whether the kind itself is being deleted: nothing new can be created."""
    finalizer_on_delete: str = ""
    """A finalizer that every object of the kind gets when it is deleted."""
    unconditional_update: bool = True
    stored_in: tuple[str, str] | None = None
    """Group and plural of the kind whose objects these are (events are served by two groups)."""
    to_storage: Convert | None = None
    from_storage: Convert | None = None
    prepare: Prepare | None = None
    check: Check | None = None
    storage: tuple[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.list_kind = self.list_kind or f"{self.kind}List"
        self.storage = self.stored_in or (self.group, self.plural)

    def api_version(self, version: str) -> str:
        return f"{self.group}/{version}" if self.group else version

    def pending_finalizers(self, body: Body) -> bool:
        """Whether something still holds back the removal of an object that is being deleted."""
        if body["metadata"].get("finalizers"):
            return True
        is_namespace = (self.group, self.plural) == ("", "namespaces")
        return is_namespace and bool(body.get("spec", {}).get("finalizers"))

    @property
    def resets_status(self) -> bool:
        """Whether a new object starts without a status."""
        return self.status_subresource and self.is_custom

    @property
    def is_custom(self) -> bool:
        return self.nature is Nature.CUSTOM


class Resources:
    """The kinds served, by group and plural."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], Resource] = {}

    def add(self, resource: Resource) -> None:
        self._by_name[(resource.group, resource.plural)] = resource

    def remove(self, group: str, plural: str) -> None:
        self._by_name.pop((group, plural), None)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        resource = self._by_name.get((group, plural))
        return resource if resource is not None and version in resource.versions else None

    def by_name(self, group: str, plural: str) -> Resource | None:
        return self._by_name.get((group, plural))

    def by_kind(self, group: str, kind: str) -> Resource | None:
        return next((r for r in self._by_name.values() if (r.group, r.kind) == (group, kind)), None)

    def all(self) -> list[Resource]:
        return sorted(self._by_name.values(), key=lambda resource: (resource.group, resource.plural))

    def is_built_in(self, group: str, version: str) -> bool:
        """Whether a group and version is one of the server's own, not made by definitions."""
        return any(
            r.group == group and version in r.versions and not r.is_custom for r in self._by_name.values()
        )

    def groups(self) -> dict[str, list[str]]:
        """Every group with its versions, the preferred first, as discovery names them."""
        found: dict[str, set[str]] = {}
        for resource in self._by_name.values():
            found.setdefault(resource.group, set()).update(resource.versions)
        return {
            group: sorted(versions, key=version_rank, reverse=True)
            for group, versions in sorted(found.items())
        }


def version_rank(version: str) -> tuple[int, int, int]:
    """Kubernetes' order of versions: v2 > v1 > v1beta2 > v1beta1 > v1alpha1."""
    stability = 2
    major, minor = version.removeprefix("v"), "0"
    for rank, word in enumerate(("alpha", "beta")):
        if word in major:
            stability = rank
            major, _, minor = major.partition(word)
    return (stability, int(major) if major.isdigit() else 0, int(minor) if minor.isdigit() else 0)
