"""Reviews: requests that are answered, not stored. Everyone may do everything here."""

from __future__ import annotations

from typing import Any

from . import errors

_REASON = "the sandbox API server allows everything"


def answer(review: dict[str, Any]) -> dict[str, Any]:
    """The review with its status filled in."""
    spec = review.get("spec", {})
    match review["kind"]:
        case "SelfSubjectAccessReview":
            status: dict[str, Any] = {"allowed": True, "reason": _REASON}
        case "SelfSubjectRulesReview":
            status = {
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                "incomplete": False,
            }
        case "SelfSubjectReview":
            status = {"userInfo": {"username": "sandbox", "groups": ["system:masters", "system:authenticated"]}}
        case kind:
            raise errors.internal(f"there is no answer to a {kind}")
    return {
        "kind": review["kind"],
        "apiVersion": review["apiVersion"],
        "metadata": {"creationTimestamp": None},
        **({"spec": spec} if spec else {}),
        "status": status,
    }
