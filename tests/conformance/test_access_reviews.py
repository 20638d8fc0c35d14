"""Asking what one may do."""

import pytest

from tests.conformance.api_client import Answer, Api, Body


def review(api: Api, spec: Body) -> Answer:
    reviews = api.objects("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    return reviews.create(
        {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    )


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


def test_a_review_is_not_stored(api: Api) -> None:
    assert api.get("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").code == 405
