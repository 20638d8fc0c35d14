"""From what a client sent to an object that can be validated: identity, unknown fields, defaults."""

from dataclasses import replace
from typing import Any, Final

from . import errors, field_errors, go_types, metadata, validation
from .field_errors import FieldError
from .list_types import validate_lists
from .normalize import apply_defaults, drop_forbidden_nulls, drop_nulls, prune
from .requests import FieldValidation, WriteOptions
from .resources import Body, Resource, Version
from .rules import check as check_rules
from .structural import Schema
from .validation import ABSENT

_NO_OBJECT: Final = (
    "json: cannot unmarshal array into Go value of type struct"
    ' { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
_RULES_NOT_CHECKED: Final = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete"
    " validation"
)


def check_identity(content: Any, resource: Resource, version: str, body: bytes) -> None:
    """The content of a request's body is of the version that the path names; its kind is checked with its fields.

    Raises:
        ApiError: 400 with the text of the real server.

    """
    if not isinstance(content, dict):
        raise errors.unrecognized(
            resource.kind, f"couldn't get version/kind; json parse error: {_NO_OBJECT}", body
        )
    given, kind = content.get("apiVersion"), content.get("kind")
    expected = resource.api_version(version)
    if resource.is_custom or given or kind:
        if not kind:
            why = f"Object 'Kind' is missing in '{body.decode(errors='replace')}'"
            raise errors.unrecognized(resource.kind, why, body)
        if given != expected:
            raise errors.bad_request(
                f"the API version in the data ({given or ''}) does not match the expected API version ({expected})"
            )
        if kind != resource.kind and not resource.is_custom:
            internal = f"{resource.group.partition('.')[0] or 'core'}.{resource.kind}"
            raise errors.bad_request(
                f"{kind} in version {errors.quoted(version)} cannot be handled as a {resource.kind}: converting"
                f" ({version}.{kind}) to ({internal}): unknown conversion"
            )
    content["apiVersion"] = expected
    content.setdefault("kind", resource.kind)


def normalize(
    body: Body,
    resource: Resource,
    version: Version,
    options: WriteOptions,
    *,
    patched: bool = False,
    keep_nulls: bool = False,
) -> None:
    """Prune unknown fields and fill in defaults, in place.

    `patched` says that a patch made the body; `keep_nulls` leaves nulls where they are not allowed to validation.

    Raises:
        ApiError: 400 (422 for a patch) for unknown fields under strict validation, 400 for values that cannot be read
            into Go's types.

    """
    strict_patch = patched and options.field_validation is FieldValidation.STRICT
    before_pruning = field_errors.printed(body) if strict_patch else ""
    meta = body["metadata"]
    unknown = prune(meta, metadata.OBJECT_META, path="metadata")
    if wrong := go_types.read(meta, metadata.OBJECT_META, "ObjectMeta"):
        raise _cannot_be_handled(resource, version, wrong)
    metadata.without_empty(meta)
    if version.schema is not None:
        if not resource.is_custom:
            drop_nulls(body)
        unknown = sorted([*prune(body, version.schema, is_root=True), *unknown])
        if not resource.is_custom:
            content = {name: value for name, value in body.items() if name != "metadata"}
            if wrong := go_types.read(content, version.schema, resource.kind):
                raise _cannot_be_handled(resource, version, wrong)
            body.update(content)
    _report_unknown_fields(unknown, resource, version, options, before_pruning)
    if version.schema is not None and resource.is_custom:
        if not keep_nulls:
            drop_forbidden_nulls(body, version.schema)
        if version.schema.has_defaults_below:
            apply_defaults(body, version.schema)


def _cannot_be_handled(resource: Resource, version: Version, why: str) -> errors.ApiError:
    kind = resource.kind
    return errors.bad_request(
        f"{kind} in version {errors.quoted(version.name)} cannot be handled as a {kind}: {why}"
    )


def _report_unknown_fields(
    unknown: list[str], resource: Resource, version: Version, options: WriteOptions, patched_body: str
) -> None:
    if not unknown or options.field_validation is FieldValidation.IGNORE:
        return
    messages = [f'unknown field "{path}"' for path in unknown]
    if patched_body:
        why = f"strict decoding error: {', '.join(messages)}"
        raise errors.invalid("", "", "", [field_errors.invalid("patch", patched_body, why)])
    if options.field_validation is FieldValidation.STRICT:
        raise _cannot_be_handled(resource, version, f"strict decoding error: {', '.join(messages)}")
    options.warnings.extend(messages)


def validate(
    body: Body,
    old: Body | None,
    resource: Resource,
    version: Version,
    subresource: str,
    metadata_errors: list[FieldError],
) -> list[FieldError]:
    """Everything wrong with an object that is otherwise ready to be stored, `metadata_errors` included."""
    if body["kind"] != resource.kind:
        return [field_errors.invalid("kind", body["kind"], f"must be {resource.kind}")]
    old_metadata = old["metadata"] if old is not None else None
    found = [*metadata_errors, *metadata.validate(body["metadata"], resource, old_metadata)]
    if resource.check is not None:
        found += resource.check(body, old)
    if version.schema is None or not resource.is_custom:
        return found
    if old is not None:
        # The real server checks the metadata of custom objects twice on update, and says so.
        found *= 2
    found += _validate_schema(body, old, version.schema, subresource)
    if version.schema.checks_lists and not (old is not None and validate_lists(old, version.schema)):
        found += validate_lists(body, version.schema)
    if version.rules is not None:
        if any(error.blocks_rules for error in found):
            found.append(field_errors.invalid("<nil>", None, _RULES_NOT_CHECKED))
        else:
            found += check_rules(version.rules, body, old if old is not None else ABSENT)
    return found


def _validate_schema(body: Body, old: Body | None, schema: Schema, subresource: str) -> list[FieldError]:
    """The status alone for a write to it, otherwise the whole object but its metadata, which has its own rules."""
    if subresource == "status":
        status_schema = schema.properties.get("status")
        if status_schema is None or "status" not in body:
            return []
        old_status = old.get("status", ABSENT) if old is not None else ABSENT
        found = validation.validate(body["status"], status_schema, "", old_status)
        return [replace(error, field=_below("status", error.field)) for error in found]
    content = {name: value for name, value in body.items() if name != "metadata"}
    before = ABSENT if old is None else {name: value for name, value in old.items() if name != "metadata"}
    return validation.validate(content, schema, "", before)


def _below(parent: str, field: str) -> str:
    return parent if field == "<nil>" else f"{parent}.{field}"
