"""Server-side apply: PATCH with a configuration, which creates the object when there is none."""

import copy
from dataclasses import replace
from typing import Any

from . import errors, field_errors
from .registry import Registry, Target, check_name
from .requests import WriteOptions
from .resources import Body
from .store import Record


def apply(registry: Registry, target: Target, config: Any, options: WriteOptions) -> tuple[Record, bool]:
    """Apply a configuration; the answer says whether the object is new.

    Raises:
        ApiError: as for a create or update; 409 for fields that others manage; 422 without a field manager.

    """
    _check_config(config, target, options)
    resource, version = target.resource, target.version
    managers = registry.field_managers
    record = registry.find(resource, target.key)
    if record is None:
        if target.subresource:
            raise errors.not_found(resource.group, resource.plural, target.key[1])
        meta = config.setdefault("metadata", {})
        if meta.get("uid"):
            why = f"uid mismatch: the provided object specified uid {meta['uid']}, and no existing object was found"
            raise errors.conflict(resource.group, resource.plural, target.key[1], why)
        check_name(meta, resource, target.key)
        body = managers.applied({}, copy.deepcopy(config), resource, version, "", options)
        return registry.create(replace(target, key=(target.key[0], "")), body, options, applied=True), True

    def merged(current: Body) -> Body:
        return managers.applied(current, config, resource, version, target.subresource, options)

    return registry.update(target, merged, options, applied=True), False


def _check_config(config: Any, target: Target, options: WriteOptions) -> None:
    if not options.named_manager:
        problem = field_errors.required("fieldManager", "is required for apply patch")
        raise errors.invalid("meta.k8s.io", "PatchOptions", "", [problem])
    if not isinstance(config, dict):
        raise errors.bad_request(
            "error decoding YAML: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    expected = target.resource.api_version(target.version.name)
    api_version, kind = config.get("apiVersion", ""), config.get("kind", "")
    if (api_version, kind) != (expected, target.resource.kind):
        shown = api_version if "/" in str(api_version) else f"/{api_version}"
        raise errors.bad_request(f"invalid object type: {shown}, Kind={kind}")
    if (config.get("metadata") or {}).get("managedFields") is not None:
        raise errors.bad_request("metadata.managedFields must be nil")
