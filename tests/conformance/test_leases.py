"""Leases, over which replicas agree."""

import pytest

from tests.conformance.api_client import Api, Body, Objects

TIME = "2026-01-01T00:00:00.000000Z"
LATER = "2026-01-01T00:00:10.123456Z"
LAYOUT = "2006-01-02T15:04:05.000000Z07:00"


@pytest.fixture
def leases(api: Api, namespace: str) -> Objects:
    return api.objects(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")


def lease(**spec: object) -> Body:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "leader"},
        "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15, **spec},
    }


def test_a_lease_is_taken_once(leases: Objects) -> None:
    taken = leases.create(lease(acquireTime=TIME, renewTime=TIME, leaseTransitions=0)).done()

    assert leases.create(lease(holderIdentity="b")).refusal == (
        409,
        "AlreadyExists",
        'leases.coordination.k8s.io "leader" already exists',
    )
    assert taken.body["spec"] == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": TIME,
        "renewTime": TIME,
        "leaseTransitions": 0,
    }


def test_a_lease_is_renewed(leases: Objects) -> None:
    before = leases.create(lease(renewTime=TIME)).done()
    before.body["spec"]["renewTime"] = LATER

    after = leases.replace(before.body).done()

    assert after.body["spec"]["renewTime"] == LATER
    assert int(after.revision) > int(before.revision)


def test_two_cannot_take_over_the_same_lease(leases: Objects) -> None:
    expired = leases.create(lease(renewTime=TIME)).done()

    def take_over(holder: str) -> tuple[int, str]:
        spec = {**expired.body["spec"], "holderIdentity": holder, "leaseTransitions": 1}
        answer = leases.replace({**expired.body, "spec": spec})
        return (answer.code, answer.reason)

    assert [take_over("b"), take_over("c")] == [(200, ""), (409, "Conflict")]
    assert leases.get("leader").body["spec"]["holderIdentity"] == "b"


@pytest.mark.parametrize(
    ("time", "why"),
    [
        ("2026-01-01T00:00:00Z", 'cannot parse "Z" as ".000000"'),
        ("2026-01-01T00:00:00.123Z", 'cannot parse ".123Z" as ".000000"'),
        ("yesterday", 'cannot parse "yesterday" as "2006"'),
    ],
)
def test_times_have_six_digits_of_a_second(leases: Objects, time: str, why: str) -> None:
    assert leases.create(lease(renewTime=time)).refusal == (
        400,
        "BadRequest",
        f'Lease in version "v1" cannot be handled as a Lease: parsing time "{time}" as "{LAYOUT}": {why}',
    )


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        (
            {"leaseDurationSeconds": 0},
            "spec.leaseDurationSeconds",
            "Invalid value: 0: must be greater than 0",
        ),
        (
            {"leaseTransitions": -1},
            "spec.leaseTransitions",
            "Invalid value: -1: must be greater than or equal to 0",
        ),
    ],
)
def test_numbers_have_a_range(leases: Objects, spec: Body, field: str, message: str) -> None:
    assert leases.create(lease(**spec)).causes == [("FieldValueInvalid", field, message)]
