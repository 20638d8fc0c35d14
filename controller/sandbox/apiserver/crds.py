"""CustomResourceDefinitions: their validation, their status, and the kinds they make."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from . import field_errors, metadata
from .builtin_columns import columns
from .field_errors import FieldError, GoStruct
from .json_path import JsonPathError, compile_path
from .resources import Body, Column, Nature, Resource, Version
from .rules import RuleProblem, compile_rules
from .structural import compile_schema
from .table import AGE

GROUP: Final = "apiextensions.k8s.io"
PLURAL: Final = "customresourcedefinitions"
CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"
_IDENTITY: Final = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}
# Of all servers of a process: tests start hundreds, all with the same definitions.
_REMEMBERED: Final = 32
_LIST_VERBS: Final = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")


def crd_resource(now: Callable[[], datetime]) -> Resource:
    """The kind CustomResourceDefinition itself."""

    def prepare(body: Body, old: Body | None) -> None:
        _prepare(body, old, now())

    return Resource(
        group=GROUP,
        plural=PLURAL,
        singular="customresourcedefinition",
        kind="CustomResourceDefinition",
        namespaced=False,
        versions={"v1": Version("v1", columns=columns(PLURAL))},
        storage_version="v1",
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        status_subresource=True,
        subresources=("status",),
        tracks_generation=True,
        unconditional_update=False,
        finalizer_on_delete=CLEANUP,
        prepare=prepare,
        check=check,
    )


def _prepare(body: Body, old: Body | None, now: datetime) -> None:
    spec = body.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if isinstance(names.get("kind"), str):
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
    before: Body = {} if old is None else old.get("status", {})
    status: Body = body.setdefault("status", before)
    moment = metadata.timestamp(now)
    status.setdefault(
        "conditions",
        [
            _condition("NamesAccepted", "NoConflicts", "no conflicts found", moment),
            _condition("Established", "InitialNamesAccepted", "the initial names have been accepted", moment),
        ],
    )
    if body["metadata"].get("deletionTimestamp") and not any(
        c["type"] == "Terminating" for c in status["conditions"]
    ):
        text = "CustomResource deletion is in progress"
        status["conditions"] = [
            *status["conditions"],
            _condition("Terminating", "InstanceDeletionInProgress", text, moment),
        ]
    status["acceptedNames"] = dict(names)
    stored = status.setdefault("storedVersions", [])
    for version in spec.get("versions", ()):
        if version.get("storage") and version.get("name") not in stored:
            stored.append(version["name"])


def _condition(type_: str, reason: str, message: str, moment: str) -> dict[str, str]:
    return {
        "lastTransitionTime": moment,
        "message": message,
        "reason": reason,
        "status": "True",
        "type": type_,
    }


def check(body: Body, old: Body | None) -> list[FieldError]:
    """What a real API server refuses in a definition, as far as the kinds it makes depend on it."""
    spec = body["spec"]
    found = _check_names(body, spec)
    found += _check_versions(spec)
    if old is not None:
        for path in (("group",), ("names", "plural"), ("names", "kind"), ("scope",)):
            if _at(spec, path) != _at(old["spec"], path):
                found.append(
                    field_errors.invalid(f"spec.{'.'.join(path)}", _at(spec, path), "field is immutable")
                )
    if not found:
        for index, version in enumerate(spec["versions"]):
            alone = len(spec["versions"]) == 1
            found += _check_schema(orjson.dumps(version), f"spec.versions[{index}]", alone=alone)
    return found


def _at(value: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    for part in path:
        value = value.get(part, {})
    return value


def _check_names(body: Body, spec: Body) -> list[FieldError]:
    found: list[FieldError] = []
    names = spec.get("names", {})
    expected = f"{names.get('plural', '')}.{spec.get('group', '')}"
    if not spec.get("group"):
        found.append(field_errors.required("spec.group"))
    missing = (name for name in ("plural", "singular", "kind", "listKind") if not names.get(name))
    found += [field_errors.required(f"spec.names.{name}") for name in missing]
    if body["metadata"]["name"] != expected:
        found.insert(
            0,
            field_errors.invalid(
                "metadata.name", body["metadata"]["name"], 'must be spec.names.plural+"."+spec.group'
            ),
        )
    if spec.get("scope") not in {"Cluster", "Namespaced"}:
        if spec.get("scope"):
            found.append(field_errors.not_supported("spec.scope", spec["scope"], ["Cluster", "Namespaced"]))
        else:
            found.append(field_errors.required("spec.scope"))
    return found


def _check_versions(spec: Body) -> list[FieldError]:
    versions = spec.get("versions") or []
    found: list[FieldError] = []
    if sum(bool(version.get("storage")) for version in versions) != 1:
        text = "must have exactly one version marked as storage version"
        found.append(field_errors.invalid("spec.versions", versions, text))
    for index, version in enumerate(versions):
        path = f"spec.versions[{index}]"
        if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", version.get("name", "")):
            found.append(
                field_errors.invalid(
                    f"{path}.name",
                    version.get("name", ""),
                    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an"
                    " alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123',"
                    " regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
                )
            )
        if not version.get("schema", {}).get("openAPIV3Schema"):
            found.append(field_errors.required(f"{path}.schema.openAPIV3Schema"))
        for position, column in enumerate(version.get("additionalPrinterColumns") or ()):
            try:
                compile_path(column.get("jsonPath", ""))
            except JsonPathError as error:
                where = f"{path}.additionalPrinterColumns[{position}].jsonPath"
                found.append(field_errors.invalid(where, column.get("jsonPath", ""), str(error)))
    return found


@lru_cache(_REMEMBERED)
def _check_schema(packed: bytes, path: str, *, alone: bool) -> tuple[FieldError, ...]:
    source = orjson.loads(packed)["schema"]["openAPIV3Schema"]
    # The real server names the only version's schema by its place in the older API.
    where = "spec.validation.openAPIV3Schema" if alone else f"{path}.schema.openAPIV3Schema"
    if source.get("type") != "object":
        return (field_errors.invalid(f"{where}.type", source.get("type", ""), "must be object at the root"),)
    try:
        schema = compile_schema(source)
    except re.error as error:
        return (
            field_errors.invalid(
                where, error.pattern, f"must be a valid regular expression, but isn't: {error}"
            ),
        )
    problems: list[RuleProblem] = []
    compile_rules(schema, where, problems)
    return tuple(
        field_errors.invalid(problem.path, _as_go(problem.rule), problem.detail) for problem in problems
    )


def _as_go(rule: Mapping[str, Any]) -> GoStruct:
    """A rule as Go prints its struct."""
    return GoStruct(
        Rule=rule["rule"],
        Message=rule.get("message", ""),
        MessageExpression=rule.get("messageExpression", ""),
        Reason=rule.get("reason"),
        FieldPath=rule.get("fieldPath", ""),
        OptionalOldSelf=rule.get("optionalOldSelf"),
    )


def custom_resource(crd: Body) -> Resource:
    """The kind that a valid definition makes."""
    spec = crd["spec"]
    names = spec["names"]
    served = {v["name"]: _version(orjson.dumps(v)) for v in spec["versions"] if v.get("served")}
    storage = next(version for version in spec["versions"] if version.get("storage"))
    subresources = storage.get("subresources") or {}
    return Resource(
        group=spec["group"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        kind=names["kind"],
        list_kind=names.get("listKind") or f"{names['kind']}List",
        namespaced=spec["scope"] == "Namespaced",
        versions=served,
        storage_version=storage["name"],
        nature=Nature.CUSTOM,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        status_subresource="status" in subresources,
        subresources=("status",) if "status" in subresources else (),
        verbs=_LIST_VERBS,
        tracks_generation=True,
        unconditional_update=False,
        is_terminating="deletionTimestamp" in crd["metadata"],
    )


@lru_cache(_REMEMBERED)
def _version(packed: bytes) -> Version:
    version: Body = orjson.loads(packed)
    source = version["schema"]["openAPIV3Schema"]
    schema = compile_schema({**source, "properties": {**_IDENTITY, **source.get("properties", {})}})
    rules = compile_rules(schema, "", [])
    # Rules see of the metadata only the names; everything else sees all of ObjectMeta.
    schema.properties = {**schema.properties, "metadata": metadata.OBJECT_META}
    return Version(
        name=version["name"],
        schema=schema,
        rules=rules,
        columns=tuple(map(_column, version.get("additionalPrinterColumns") or ())) or (AGE,),
        openapi=source,
        selectable_fields=tuple(field["jsonPath"] for field in version.get("selectableFields") or ()),
        deprecation_warning=version.get("deprecationWarning", "") if version.get("deprecated") else "",
    )


def _column(source: Mapping[str, Any]) -> Column:
    path = source["jsonPath"]
    return Column(
        name=source["name"],
        type=source["type"],
        json_path=path,
        description=source.get("description")
        or f"Custom resource definition column (in JSONPath format): {path}",
        format=source.get("format", ""),
        priority=source.get("priority", 0),
    )
