"""Asking what one may do, what others may do, and whose a token is."""

import pytest

from tests.conformance.api_client import Answer, Api, Body
from tests.conformance.eventually import eventually

AUTHORIZATION = "authorization.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
RBAC = "rbac.authorization.k8s.io"
PAIR = {"verb": "create", "group": "x-sevenai.com", "resource": "businesstenants", "subresource": "pairing"}


def review(api: Api, spec: Body, kind: str = "SelfSubjectAccessReview", group: str = AUTHORIZATION) -> Answer:
    reviews = api.objects(f"/apis/{group}/v1/{kind.lower()}s")
    return reviews.create({"apiVersion": f"{group}/v1", "kind": kind, "spec": spec})


def may(api: Api, spec: Body) -> bool:
    answer = review(api, spec, "SubjectAccessReview").done()
    assert answer.code == 201
    return bool(answer.body["status"]["allowed"])


@pytest.mark.parametrize(
    "spec",
    [
        {"resourceAttributes": {"verb": "list", "group": "x-sevenai.com", "resource": "businesstenants"}},
        {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}},
        {"nonResourceAttributes": {"verb": "get", "path": "/healthz"}},
    ],
)
def test_the_administrator_may_do_everything(api: Api, spec: Body) -> None:
    answer = review(api, spec).done()

    assert answer.code == 201
    assert answer.body["status"]["allowed"] is True
    assert answer.body["spec"] == spec


@pytest.mark.parametrize(
    ("plural", "group"),
    [
        ("selfsubjectaccessreviews", AUTHORIZATION),
        ("subjectaccessreviews", AUTHORIZATION),
        ("tokenreviews", AUTHENTICATION),
    ],
)
def test_a_review_is_not_stored(api: Api, plural: str, group: str) -> None:
    assert api.get(f"/apis/{group}/v1/{plural}").code == 405


def test_only_administrators_may_do_what_nobody_granted(api: Api) -> None:
    asked = {"resourceAttributes": PAIR | {"namespace": "default", "name": "cafe"}}
    assert may(api, {"user": "anna", "groups": ["system:masters"], **asked})
    assert not may(api, {"user": "anna", "groups": ["system:authenticated"], **asked})
    assert not may(api, {"user": "anna", "nonResourceAttributes": {"verb": "get", "path": "/secret"}})


@pytest.mark.parametrize(
    "subject",
    [
        {"kind": "User", "apiGroup": RBAC, "name": "anna"},
        {"kind": "Group", "apiGroup": RBAC, "name": "reception"},
    ],
)
def test_a_role_is_good_in_the_namespace_of_its_binding(api: Api, namespace: str, subject: Body) -> None:
    unique = f"pairing-{namespace}"
    rules = [{"apiGroups": ["x-sevenai.com"], "resources": ["businesstenants/pairing"], "verbs": ["create"]}]
    metadata = {"name": unique}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    api.objects(f"/apis/{RBAC}/v1/clusterroles").create(role).done()
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": unique},
        "subjects": [subject],
    }
    api.objects(f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings").create(binding).done()

    def anna_may(**attributes: str) -> bool:
        asked = PAIR | {"namespace": namespace, "name": "cafe"} | attributes
        return may(api, {"user": "anna", "groups": ["reception"], "resourceAttributes": asked})

    try:
        assert eventually(anna_may)
        assert not anna_may(namespace="default")
        assert not anna_may(verb="delete")
        assert not anna_may(subresource="")
        assert not anna_may(resource="phoneproviders")
        assert not may(api, {"user": "bob", "resourceAttributes": PAIR | {"namespace": namespace}})
    finally:
        api.objects(f"/apis/{RBAC}/v1/clusterroles").delete(unique)


@pytest.mark.parametrize(
    "spec",
    [
        {"user": "anna"},
        {"resourceAttributes": PAIR},
        {"user": "anna", "resourceAttributes": PAIR, "nonResourceAttributes": {"verb": "get", "path": "/"}},
    ],
    ids=["nothing asked", "about nobody", "two things asked"],
)
def test_a_question_that_is_none_is_invalid(api: Api, spec: Body) -> None:
    assert review(api, spec, "SubjectAccessReview").code == 422


def test_a_token_that_is_nobodys_is_not_authenticated(api: Api) -> None:
    answer = review(api, {"token": "refused"}, "TokenReview", AUTHENTICATION).done()
    assert answer.code == 201
    assert not answer.body["status"].get("authenticated")
    assert not answer.body["status"].get("user", {}).get("username")


def test_a_token_must_be_given(api: Api) -> None:
    assert review(api, {"token": ""}, "TokenReview", AUTHENTICATION).code == 400
