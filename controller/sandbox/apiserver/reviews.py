"""Reviews: requests that are answered, not stored.

Who asks is never checked here: everyone is an administrator. Others are asked about with a SubjectAccessReview, and
are held to the roles and bindings that are stored. Every token is good but `refused`: `as-anna` is the user anna's, any
other the administrator's.
"""

from typing import Any, Final

from . import errors, field_errors
from .rbac import MASTERS, Roles, Subject

REFUSED_TOKEN: Final = "refused"  # noqa: S105 - what a test sends to be refused
TOKEN_OF_USER: Final = "as-"  # noqa: S105 - the beginning of a user's token
_AUTHENTICATED: Final = "system:authenticated"
_ADMINISTRATOR: Final = {"username": "sandbox", "groups": [MASTERS, _AUTHENTICATED]}


def answer(review: dict[str, Any], roles: Roles) -> dict[str, Any]:
    """The review with its status filled in.

    Raises:
        ApiError: 400 for a TokenReview without a token, 422 for a SubjectAccessReview that asks nothing.

    """
    spec = review.get("spec", {})
    match review["kind"]:
        case "SelfSubjectAccessReview":
            status: dict[str, Any] = {"allowed": True}
        case "SelfSubjectRulesReview":
            status = {
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                "incomplete": False,
            }
        case "SelfSubjectReview":
            status = {"userInfo": _ADMINISTRATOR}
        case "SubjectAccessReview":
            status = {"allowed": _may(spec, roles)}
        case "TokenReview":
            status = _whose(spec.get("token", ""))
        case kind:
            raise errors.internal(f"there is no answer to a {kind}")
    return {
        "kind": review["kind"],
        "apiVersion": review["apiVersion"],
        "metadata": {"creationTimestamp": None},
        **({"spec": spec} if spec else {}),
        "status": status,
    }


def _may(spec: dict[str, Any], roles: Roles) -> bool:
    problems = []
    user, groups = spec.get("user", ""), tuple(spec.get("groups") or ())
    if ("resourceAttributes" in spec) is ("nonResourceAttributes" in spec):
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        problems.append(field_errors.invalid("spec.resourceAttributes", None, detail))
    if not user and not groups:
        problems.append(
            field_errors.invalid("spec.user", user, "at least one of user or group must be specified")
        )
    if problems:
        raise errors.invalid("authorization.k8s.io", "SubjectAccessReview", "", problems)
    return roles.allow(Subject(user, groups), spec.get("resourceAttributes"))


def _whose(token: str) -> dict[str, Any]:
    if not token:
        raise errors.bad_request("token is required for TokenReview in authentication")
    if token == REFUSED_TOKEN:
        return {"user": {}, "error": "invalid bearer token"}
    user = _ADMINISTRATOR
    if token.startswith(TOKEN_OF_USER):
        user = {"username": token.removeprefix(TOKEN_OF_USER), "groups": [_AUTHENTICATED]}
    return {"authenticated": True, "user": user, "audiences": ["sandbox"]}
