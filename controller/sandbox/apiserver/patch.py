"""JSON merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer

from . import errors


def merge(target: Any, patch: Any) -> Any:
    """`target` with a merge patch applied; `target` is changed where it is an object."""
    if not isinstance(patch, Mapping):
        return patch
    result: dict[str, Any] = target if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            result[name] = merge(result.get(name), value)
        else:
            result[name] = value
    return result


def json_patch(target: dict[str, Any], operations: Any) -> dict[str, Any]:
    """`target` with a JSON patch applied in place.

    Raises:
        ApiError: 400 for a patch that is none, 422 for one that cannot be applied (a failed `test` included).

    """
    if not isinstance(operations, list):
        raise errors.bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
    try:
        patched = jsonpatch.JsonPatch(operations).apply(target, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        raise errors.unprocessable_patch() from None
    if not isinstance(patched, dict):
        raise errors.unprocessable_patch()
    return patched
