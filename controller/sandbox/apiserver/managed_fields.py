"""`metadata.managedFields`: who last set which field, and server-side apply, which rests on it.

Follows k8s.io/apimachinery/pkg/util/managedfields and structured-merge-diff's Updater.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from . import errors, field_sets, typed_objects
from .field_sets import FieldSet
from .requests import WriteOptions
from .resources import Body, Resource, Version
from .structural import Schema
from .typed_objects import Comparison, TypedError

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL: Final = "kubectl"
_MAX_UPDATERS: Final = 10
_STRIPPED: Final = field_sets.load(
    {
        "f:apiVersion": {},
        "f:kind": {},
        "f:metadata": {
            ".": {},
            **{
                f"f:{name}": {}
                for name in (
                    "name",
                    "namespace",
                    "creationTimestamp",
                    "selfLink",
                    "uid",
                    "generation",
                    "managedFields",
                    "resourceVersion",
                )
            },
        },
    }
)


@dataclass(frozen=True, slots=True, order=True)
class ManagerKey:
    """Who manages: a name, how it writes, through which subresource, and (for updates) in which version."""

    manager: str
    operation: str
    api_version: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Managed:
    """What one manager manages."""

    fields: FieldSet
    api_version: str
    time: str


Managers = dict[ManagerKey, Managed]


def decode(entries: Sequence[Mapping[str, Any]] | None) -> Managers:
    """Read `managedFields`."""
    managers: Managers = {}
    for entry in entries or ():
        operation, api_version = entry.get("operation", ""), entry.get("apiVersion", "")
        key = ManagerKey(
            entry.get("manager", ""),
            operation,
            "" if operation == "Apply" else api_version,
            entry.get("subresource", ""),
        )
        managers[key] = Managed(
            field_sets.load(entry.get("fieldsV1") or {}), api_version, entry.get("time", "")
        )
    return managers


def encode(managers: Managers) -> list[Body]:
    """Write `managedFields`, in the real server's order."""
    ordered = sorted(managers.items(), key=lambda item: (item[0].operation, item[1].time, item[0]))
    return [_entry(key, managed) for key, managed in ordered]


def _entry(key: ManagerKey, managed: Managed) -> Body:
    entry = {
        "manager": key.manager,
        "operation": key.operation,
        "apiVersion": managed.api_version,
        **({"time": managed.time} if managed.time else {}),
        "fieldsType": "FieldsV1",
        "fieldsV1": field_sets.dump(managed.fields),
    }
    if key.subresource:
        entry["subresource"] = key.subresource
    return entry


class FieldManagers:
    def __init__(self, timestamp: Callable[[], str]) -> None:
        """`timestamp` gives the present as an RFC 3339 text."""
        self._timestamp = timestamp

    def updated(
        self,
        body: Body,
        old: Body | None,
        resource: Resource,
        version: Version,
        subresource: str,
        options: WriteOptions,
    ) -> None:
        """Record in `body` what a create, update or patch changed, and for whom."""
        managers = _managers_of(body, old, subresource)
        body["metadata"].pop("managedFields", None)
        if not managers and old is not None:
            # Nobody is tracked: it begins again with the first apply.
            return
        before = old if old is not None else {}
        try:
            change = typed_objects.compare(_content(before), _content(body), version.schema)
        except TypedError:
            return
        change = change.without(reset_fields(resource, subresource))
        if change:
            key = ManagerKey(options.field_manager, "Update", resource.api_version(version.name), subresource)
            managers = self._take_over(managers, change, key)
        _set_entries(body, managers)

    def _take_over(self, managers: Managers, change: Comparison, key: ManagerKey) -> Managers:
        """Give the changed fields to the writer, and take them (and those removed) from everyone else."""
        changed = field_sets.union(change.modified, change.added)
        lost = field_sets.union(changed, change.removed)
        result = {}
        for other, managed in managers.items():
            fields = field_sets.difference(managed.fields, lost)
            if fields:
                result[other] = replace(managed, fields=fields)
        own = field_sets.difference(changed, _STRIPPED)
        if own:
            previous = result[key].fields if key in result else {}
            result[key] = Managed(field_sets.union(previous, own), key.api_version, self._timestamp())
        return _capped(result)

    def applied(
        self,
        live: Body,
        config: Body,
        resource: Resource,
        version: Version,
        subresource: str,
        options: WriteOptions,
    ) -> Body:
        """What a live object (empty: there is none) becomes when a configuration is applied to it.

        Raises:
            ApiError: 409 when fields that others manage would change, unless forced; 500 when the configuration does
                not fit the schema (as the real server answers).

        """
        schema = version.schema
        try:
            typed_objects.check(config, schema)
        except TypedError as error:
            raise _not_typed(config, resource, version, error) from None
        managers = decode(live.get("metadata", {}).get("managedFields"))
        if not managers and live:
            managers = _before_first_apply(live, resource, version, self._timestamp())
        key = ManagerKey(options.field_manager, "Apply", "", subresource)
        attempt = _Apply(
            _content(live), _content(config), schema, managers, key, resource.api_version(version.name)
        )
        new = attempt.run(reset_fields(resource, subresource))
        conflicts = attempt.conflicts
        if conflicts and options.field_manager == _KUBECTL:
            conflicts = _without_last_applied(conflicts, live, schema)
        if conflicts and not options.force:
            raise _conflict_error(conflicts)
        managers = attempt.settled()
        if new != _content(live):
            managers[key] = replace(managers[key], time=self._timestamp())
        body: Body = {**new, "metadata": dict(new.get("metadata") or {})}
        _set_entries(body, managers)
        if options.field_manager == _KUBECTL and LAST_APPLIED in (body["metadata"].get("annotations") or {}):
            body["metadata"]["annotations"] = {
                **body["metadata"]["annotations"],
                LAST_APPLIED: _last_applied(config),
            }
        return body


class _Apply:
    """One application of a configuration: merge, prune, and who loses what by it."""

    def __init__(
        self,
        live: Body,
        config: Body,
        schema: Schema | None,
        managers: Managers,
        key: ManagerKey,
        api_version: str,
    ) -> None:
        self._live = live
        self._config = config
        self._schema = schema
        self._managers = dict(managers)
        self._key = key
        self._api_version = api_version
        self._change = Comparison()
        self.conflicts: dict[ManagerKey, Managed] = {}

    def run(self, reset: frozenset[str]) -> Body:
        """The merged object; `conflicts` holds afterwards what others would lose."""
        last = self._managers.get(self._key)
        config_set = field_sets.without(typed_objects.field_set(self._config, self._schema), reset)
        merged: Body = typed_objects.merge(self._live, self._config, self._schema)
        time = last.time if last is not None else ""
        self._managers[self._key] = Managed(config_set, self._api_version, time)
        if last is not None:
            merged = self._prune(merged, last.fields)
        self._change = typed_objects.compare(self._live, merged, self._schema).without(reset)
        changed = field_sets.union(self._change.modified, self._change.added)
        for other, managed in self._managers.items():
            if other != self._key and (taken := field_sets.intersection(managed.fields, changed)):
                self.conflicts[other] = replace(managed, fields=taken)
        return merged

    def settled(self) -> Managers:
        """The managers after the change: everyone else without what was changed or removed."""
        result: Managers = {}
        for other, managed in self._managers.items():
            fields = managed.fields
            if other == self._key:
                fields = field_sets.difference(fields, _STRIPPED)
            else:
                if other in self.conflicts:
                    fields = field_sets.difference(fields, self.conflicts[other].fields)
                fields = field_sets.difference(fields, self._change.removed)
            if fields or other == self._key:
                result[other] = replace(managed, fields=fields)
        return result

    def _prune(self, merged: Body, last: FieldSet) -> Body:
        """Remove what this manager applied the last time and not now, unless somebody else manages it."""
        schema = self._schema

        def fields_of(value: Body) -> FieldSet:
            return typed_objects.with_named_fields(typed_objects.field_set(value, schema), schema)

        named_last = typed_objects.with_named_fields(last, schema)
        pruned = typed_objects.as_object(typed_objects.remove(merged, named_last, schema))
        owned: FieldSet = {}
        for managed in self._managers.values():
            owned = field_sets.union(owned, managed.fields)
        owned = typed_objects.with_named_fields(owned, schema)
        merged_set = fields_of(merged)
        gone = field_sets.difference(merged_set, field_sets.union(fields_of(pruned), owned))
        pruned = typed_objects.as_object(typed_objects.remove(merged, gone, schema))
        dangling = field_sets.intersection(field_sets.difference(merged_set, fields_of(pruned)), named_last)
        return typed_objects.as_object(typed_objects.remove(merged, dangling, schema))


def reset_fields(resource: Resource, subresource: str) -> frozenset[str]:
    """Top-level fields that a write cannot change, and so cannot own."""
    if subresource == "status":
        return frozenset({"metadata", "spec"})
    return frozenset({"status"}) if resource.status_subresource else frozenset()


def _managers_of(body: Body, old: Body | None, subresource: str) -> Managers:
    """The managers to go on from: those in the body, when a client changes them, otherwise those of the object."""
    stored = old["metadata"].get("managedFields") if old is not None else None
    given = body["metadata"].get("managedFields")
    if subresource or given is None:
        return decode(stored)
    if given in ([], [{}]):
        return {}
    return decode(given) or decode(stored)


def _content(body: Body) -> Body:
    """An object without its managers."""
    meta = body.get("metadata")
    if not isinstance(meta, dict) or "managedFields" not in meta:
        return body
    return {**body, "metadata": {name: value for name, value in meta.items() if name != "managedFields"}}


def _set_entries(body: Body, managers: Managers) -> None:
    entries = encode({key: managed for key, managed in managers.items() if managed.fields})
    if entries:
        body["metadata"]["managedFields"] = entries
    else:
        body["metadata"].pop("managedFields", None)


def _capped(managers: Managers) -> Managers:
    """At most ten updaters: the oldest are merged into one named `ancient-changes` for each version."""
    updaters = sorted(
        (key for key in managers if key.operation == "Update"), key=lambda key: (managers[key].time, key)
    )
    surplus = len(updaters) - _MAX_UPDATERS
    if surplus <= 0:
        return managers
    result = dict(managers)
    for key in updaters[: surplus + 1]:
        managed = result.pop(key)
        bucket = ManagerKey("ancient-changes", "Update", key.api_version)
        before = result[bucket].fields if bucket in result else {}
        result[bucket] = replace(managed, fields=field_sets.union(before, managed.fields))
    return result


def _before_first_apply(live: Body, resource: Resource, version: Version, time: str) -> Managers:
    """An object without managers: everything in it was there before the first apply."""
    present = typed_objects.compare({}, _content(live), version.schema).without(reset_fields(resource, ""))
    fields = field_sets.difference(present.added, _STRIPPED)
    api_version = resource.api_version(version.name)
    return {ManagerKey("before-first-apply", "Update", api_version): Managed(fields, api_version, time)}


def _without_last_applied(
    conflicts: dict[ManagerKey, Managed], live: Body, schema: Schema | None
) -> dict[ManagerKey, Managed]:
    """The conflicts but for what `kubectl apply` set before it applied on the server, and nobody changed since."""
    text = (live.get("metadata", {}).get("annotations") or {}).get(LAST_APPLIED)
    if not text:
        return conflicts
    try:
        last_applied = orjson.loads(text)
        allowed = typed_objects.field_set(last_applied, schema)
        since = typed_objects.compare(last_applied, _content(live), schema)
    except (orjson.JSONDecodeError, TypedError):
        return conflicts
    allowed = field_sets.difference(allowed, field_sets.union(since.modified, since.added))
    left = {key: replace(m, fields=field_sets.difference(m.fields, allowed)) for key, m in conflicts.items()}
    return {key: managed for key, managed in left.items() if managed.fields}


def _last_applied(config: Body) -> str:
    meta = dict(config.get("metadata") or {})
    if meta.get("annotations"):
        meta["annotations"] = {
            name: text for name, text in meta["annotations"].items() if name != LAST_APPLIED
        }
    return orjson.dumps({**config, "metadata": meta}, option=orjson.OPT_SORT_KEYS).decode() + "\n"


def _conflict_error(conflicts: dict[ManagerKey, Managed]) -> errors.ApiError:
    named = [
        (_printed(key, managed), list(field_sets.members(managed.fields)))
        for key, managed in conflicts.items()
    ]
    listed = [(name, field_sets.printed(path)) for name, paths in named for path in paths]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {name}", "field": path}
        for name, path in listed
    ]
    if len(listed) == 1:
        name, path = listed[0]
        return errors.apply_conflict(f"Apply failed with 1 conflict: conflict with {name}: {path}", causes)
    lines: list[str] = []
    for name in dict.fromkeys(sorted(name for name, _ in listed)):
        lines.append(f"conflicts with {name}:")
        lines += [f"- {path}" for other, path in listed if other == name]
    text = "\n".join(lines)
    return errors.apply_conflict(f"Apply failed with {len(listed)} conflicts: {text}", causes)


def _printed(key: ManagerKey, managed: Managed) -> str:
    text = f'"{key.manager}"'
    if key.subresource:
        text += f' with subresource "{key.subresource}"'
    if key.operation == "Update":
        text += f" using {managed.api_version}"
    return text


def _not_typed(config: Body, resource: Resource, version: Version, error: TypedError) -> errors.ApiError:
    meta = config.get("metadata") or {}
    kind = f"{resource.group}/{version.name}, Kind={resource.kind}"
    name = f"{meta.get('namespace', '')}/{meta.get('name', '')}; {kind}"
    return errors.ApiError(500, "", f"failed to create typed patch object ({name}): {error}")
