"""What the cache tells of a tenant without parsing it."""

from typing import Any

import pytest

from controller.reconcile.tenant_object import Tenant, TenantKey
from controller.runtime.first_lists import Needs
from controller.runtime.tenant_cache import TenantCache
from tests.reconcile.builders import body

NUMBER = {"country": "LV", "type": "Mobile"}
ON_TWILIO = {"phoneNumber": {"number": "+37120000001", "provider": "twilio"}}
ON_EVOLUTION = {"instance": {"name": "cafe-1", "server": "evolution-eu"}}


def cached(spec: dict[str, Any], status: dict[str, Any], **metadata: Any) -> tuple[TenantCache, TenantKey]:
    whole = body(spec, status, **metadata)
    cache = TenantCache("test")
    cache.put(whole)
    return cache, TenantKey(whole["metadata"]["namespace"], whole["metadata"]["name"])


@pytest.mark.parametrize(
    ("spec", "status", "lane"),
    [
        ({"phoneNumber": NUMBER}, {}, None),
        ({"phoneNumber": {**NUMBER, "providerRef": {"name": "slow"}}}, {}, "slow"),
        ({"phoneNumber": {**NUMBER, "providerRef": {"name": "slow"}}}, ON_TWILIO, "twilio"),
        ({"whatsapp": {"channel": "Evolution"}}, ON_EVOLUTION, "evolution-eu"),
    ],
)
def test_whom_a_pass_mostly_waits_for(spec: dict[str, Any], status: dict[str, Any], lane: str | None) -> None:
    cache, key = cached(spec, status)
    assert cache.lane(key) == lane


def test_whose_lists_a_tenant_is_compared_with() -> None:
    spec = {"phoneNumber": NUMBER, "whatsapp": {"channel": "Evolution"}}
    cache, key = cached(spec, {**ON_TWILIO, **ON_EVOLUTION})
    assert cache.needs(key) == Needs("twilio", "evolution-eu", any_account=True, any_server=True)
    cache, key = cached({"phoneNumber": NUMBER}, {})
    assert cache.needs(key) == Needs(None, None, any_account=True, any_server=False)
    assert cache.needs(TenantKey("tenants", "gone")) is None


@pytest.mark.parametrize(
    ("status", "edited"), [({}, False), ({"observedGeneration": 3}, False), ({"observedGeneration": 2}, True)]
)
def test_a_new_tenant_is_not_an_edited_one(status: dict[str, Any], *, edited: bool) -> None:
    cache, key = cached({}, status, generation=3)
    assert cache.is_edited(key) is edited


def test_a_tenant_comes_out_as_it_went_in() -> None:
    cache, key = cached({"phoneNumber": NUMBER}, ON_TWILIO)
    assert cache.get(key) == Tenant.from_body(body({"phoneNumber": NUMBER}, ON_TWILIO))
