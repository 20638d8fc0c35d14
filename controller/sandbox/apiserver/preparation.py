"""From what a client sent to an object that can be validated: identity, unknown fields, defaults."""

from __future__ import annotations

from typing import Any

from . import errors, field_errors, metadata, validation
from .normalize import apply_defaults, drop_nulls, prune
from .requests import FieldValidation, WriteOptions
from .resources import Resource, Version
from .rules import check as check_rules
from .validation import ABSENT


def check_identity(body: Any, resource: Resource, version: str) -> None:
    """The body is of the kind that the path names.

    Raises:
        ApiError: 400 with the text of the real server.
    """
    if not isinstance(body, dict):
        raise errors.bad_request("couldn't get version/kind; json parse error: the body is not a JSON object")
    api_version, kind = body.get("apiVersion"), body.get("kind")
    expected = resource.api_version(version)
    if resource.is_custom or (api_version and kind):
        if not kind:
            raise errors.bad_request(f"Object 'Kind' is missing in '{field_errors.printed(body)}'")
        if kind != resource.kind:
            wanted = f"{resource.group}/{version}, Kind={resource.kind}" if resource.group else f"/{version}, Kind={resource.kind}"
            raise errors.bad_request(
                f"the object provided is unrecognized (must be of type {resource.kind}): {wanted} is not {api_version}, Kind={kind}"
                if not resource.is_custom
                else f"{kind} in version {errors.quoted(str(api_version))} cannot be handled as a {resource.kind}: wrong kind"
            )
        if api_version != expected:
            raise errors.bad_request(
                f"the API version in the data ({api_version}) does not match the expected API version ({expected})"
            )
    body["apiVersion"], body["kind"] = expected, resource.kind


def normalize(body: dict[str, Any], resource: Resource, version: Version, options: WriteOptions) -> None:
    """Prune unknown fields and fill in defaults, in place.

    Raises:
        ApiError: 400 for unknown fields under strict validation, or for values that cannot be read into Go's types.
    """
    if body.get("metadata") is None:
        body["metadata"] = {}
    meta = body["metadata"]
    unknown = prune(meta, metadata.OBJECT_META, path="metadata")
    if wrong := validation.validate(meta, metadata.OBJECT_META, "metadata"):
        raise _cannot_be_handled(resource, version, str(wrong[0]))
    if version.schema is not None:
        if not resource.is_custom:
            drop_nulls(body)
        unknown = sorted([*prune(body, version.schema, is_root=True), *unknown])
        if not resource.is_custom:
            content = {name: value for name, value in body.items() if name != "metadata"}
            if wrong := validation.validate(content, version.schema):
                raise _cannot_be_handled(resource, version, str(wrong[0]))
    report_unknown_fields(unknown, resource, version, options)
    if version.schema is not None and version.schema.has_defaults_below:
        apply_defaults(body, version.schema)


def _cannot_be_handled(resource: Resource, version: Version, why: str) -> errors.ApiError:
    kind = resource.kind
    return errors.bad_request(f"{kind} in version {errors.quoted(version.name)} cannot be handled as a {kind}: {why}")


def report_unknown_fields(
    unknown: list[str], resource: Resource, version: Version, options: WriteOptions
) -> None:
    if not unknown or options.field_validation is FieldValidation.IGNORE:
        return
    messages = [f'unknown field "{path}"' for path in unknown]
    if options.field_validation is FieldValidation.STRICT:
        raise _cannot_be_handled(resource, version, f"strict decoding error: {', '.join(messages)}")
    options.warnings.extend(messages)


def validate(
    body: dict[str, Any], old: dict[str, Any] | None, resource: Resource, version: Version
) -> list[field_errors.FieldError]:
    """Everything wrong with an object that is otherwise ready to be stored."""
    found = metadata.validate(body["metadata"], resource, old["metadata"] if old is not None else None)
    if resource.check is not None:
        found += resource.check(body, old)
    schema = version.schema
    if schema is None or not resource.is_custom:
        return found
    before = old if old is not None else ABSENT
    content = {name: value for name, value in body.items() if name != "metadata"}
    old_content = (
        {name: value for name, value in old.items() if name != "metadata"} if old is not None else ABSENT
    )
    found += validation.validate(content, schema, "", old_content)
    if schema.checks_lists and not (old is not None and validation.validate_lists(old, schema)):
        found += validation.validate_lists(body, schema)
    if version.rules is not None:
        if any(error.blocks_rules for error in found):
            found.append(
                field_errors.invalid(
                    "<nil>",
                    None,
                    "some validation rules were not checked because the object was invalid; correct the existing"
                    " errors to complete validation",
                )
            )
        else:
            found += check_rules(version.rules, body, before)
    return found
