from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.reconcile.desired import desire
from controller.reconcile.status import invalid_status
from controller.reconcile.tenant_object import InvalidTenant, Tenant
from tests.condition_rules import broken_rules

from .builders import NOW, OWNER, body, tenant

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SPEC_BLOCKS = st.sampled_from(["business", "phoneNumber", "whatsapp", "ai", "managementPolicy", "paused"])
STATUS_BLOCKS = st.sampled_from(
    ["phoneNumber", "instance", "conditions", "routing", "plan", "observedGeneration"]
)


@given(st.dictionaries(SPEC_BLOCKS, JSON), st.dictionaries(STATUS_BLOCKS, JSON) | JSON)
def test_garbage_never_raises(spec: dict[str, Any], status: Any) -> None:
    parsed = Tenant.from_body({**body(), "spec": spec, "status": status})
    if isinstance(parsed, Tenant):
        desire(parsed.spec, OWNER)
    else:
        assert parsed.complaint.startswith(("spec", "status"))


def test_what_an_older_version_wrote_is_dropped_but_never_the_number() -> None:
    status = {"phase": "Unheard", "phoneNumber": {"number": "+37120000001", "provider": "twilio"}}
    parsed = tenant(status=status)
    assert parsed.status.phase is None
    assert parsed.status.phone_number is not None
    assert parsed.status.phone_number.number == "+37120000001"


def test_a_number_that_cannot_be_read_holds_the_tenant_instead_of_looking_like_none() -> None:
    parsed = Tenant.from_body(body(status={"phoneNumber": {"number": 42}}))
    assert isinstance(parsed, InvalidTenant)
    assert "status.phoneNumber" in parsed.complaint


def test_an_invalid_tenant_says_where_and_passes_the_rules() -> None:
    whole = body({"phoneNumber": {"country": "Latvia", "type": "Mobile"}})
    parsed = Tenant.from_body(whole)
    assert isinstance(parsed, InvalidTenant)
    status = invalid_status(parsed, NOW)
    assert "spec.phoneNumber.country" in status["message"]
    assert broken_rules({**whole, "status": status}) == []


@pytest.mark.parametrize(
    ("spec", "annotations", "paused_by"),
    [
        ({}, {}, None),
        ({"paused": True}, {}, "spec.paused"),
        ({}, {"x-sevenai.com/paused": "true"}, "the annotation x-sevenai.com/paused"),
        ({}, {"x-sevenai.com/paused": "no"}, None),
    ],
)
def test_what_pauses(spec: dict[str, Any], annotations: dict[str, str], paused_by: str | None) -> None:
    assert tenant(spec, annotations=annotations).paused_by == paused_by


def test_a_request_to_look_counts_once() -> None:
    asked = {"x-sevenai.com/reconcile-requested-at": "t1"}
    assert tenant(annotations=asked).reconcile_requested == "t1"
    assert tenant(status={"lastHandledReconcileAt": "t1"}, annotations=asked).reconcile_requested is None
