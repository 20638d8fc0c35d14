"""Objects that were stored before the schema refused them: said on the object, and nobody else is disturbed."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from controller.api.crd import custom_resource_definitions
from controller.runtime.kube_errors import ApiInvalid, ApiNotFound
from controller.runtime.kube_resources import (
    BUSINESS_TENANTS,
    CUSTOM_RESOURCE_DEFINITIONS,
    PHONE_PROVIDERS,
    Resource,
)
from controller.runtime.manifests import ManifestError, apply_manifests
from tests.operator import objects
from tests.operator.eventually import eventually
from tests.operator.stage import Stage


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        pytest.param(
            {"business": {"name": "A"}, "phoneNumber": {"country": "Latvia", "type": "Mobile"}},
            "spec.phoneNumber.country",
            id="a value of another form",
        ),
        pytest.param({}, "spec.business", id="nothing"),
    ],
)
async def test_a_tenant_that_does_not_parse_says_so_and_disturbs_nobody(
    stage: Stage, spec: dict[str, Any], complaint: str
) -> None:
    broken = objects.business_tenant(stage.namespace, "broken")
    broken["spec"] = spec
    async with _anything_goes(stage, BUSINESS_TENANTS):
        await eventually(lambda: _accepts(stage, broken))
    operator = await stage.start_operator()

    await stage.apply_tenants("bakery")
    await stage.ready("bakery")
    assert complaint in await stage.not_ready("broken", "InvalidSpec")
    version = (await stage.tenant("broken"))["metadata"]["resourceVersion"]
    await stage.polls(5)
    assert (await stage.tenant("broken"))["metadata"]["resourceVersion"] == version, "no hot loop"
    assert (await stage.probe(operator, "healthz")).status_code == 200

    await stage.apply_tenants("broken")
    await stage.ready("broken")


@pytest.mark.parametrize("ai", ["Webhook", {"webhook": ["url"]}], ids=["a word", "a list"])
async def test_a_tenant_with_something_else_for_a_block_disturbs_nobody(stage: Stage, ai: object) -> None:
    broken = objects.business_tenant(stage.namespace, "broken")
    broken["spec"] = {"business": {"name": "Broken"}, "ai": ai}
    async with _anything_goes(stage, BUSINESS_TENANTS):
        await eventually(lambda: _accepts(stage, broken))
    operator = await stage.start_operator()

    await stage.apply_tenants("bakery")
    await stage.ready("bakery")
    assert (await stage.probe(operator, "healthz")).status_code == 200

    # A real API server refuses every write to such an object, of status too: nothing can be said on it.
    await stage.apply_tenants("broken")
    await stage.ready("broken")


async def test_a_provider_that_does_not_parse_says_so_and_nothing_is_bought_beside_it(stage: Stage) -> None:
    """What it holds is unknown, and among it may be the number that a new tenant had before."""
    broken = objects.phone_provider(stage.telephony.url, name="broken", pollInterval="now and then")
    async with _anything_goes(stage, PHONE_PROVIDERS):
        await eventually(lambda: _accepts(stage, broken))
    await stage.start_operator()

    await stage.apply_tenants("bakery")
    assert "broken (InvalidSpec)" in await stage.not_ready("bakery", "SearchingExisting")
    assert "spec.pollInterval" in await stage.provider_not_ready("InvalidSpec", "broken")

    await stage.apply(objects.phone_provider(stage.telephony.url, name="broken"))
    await stage.fleet_ready()
    await stage.ready("bakery")


async def test_a_tenant_that_no_longer_parses_is_let_go_and_keeps_everything(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.patch("bakery", {"phoneNumber": {"deletionPolicy": "Release"}})
    [status] = await stage.ready("bakery")
    async with _anything_goes(stage, BUSINESS_TENANTS):
        await eventually(lambda: _spoiled(stage, "bakery"))
    assert "spec.business.timeZone" in await stage.not_ready("bakery", "InvalidSpec")

    await stage.delete_and_wait("bakery")

    number = (await stage.telephony.numbers())[status["phoneNumber"]["number"]]
    assert ":r:" in number["friendly_name"]
    assert not (await stage.evolution.instances())[status["instance"]["name"]]["webhook"]["enabled"]


@asynccontextmanager
async def _anything_goes(stage: Stage, resource: Resource) -> AsyncIterator[None]:
    """The CRD without its schema, as before there was one."""
    [strict] = [d for d in custom_resource_definitions() if d["spec"]["names"]["kind"] == resource.kind]
    lenient = copy.deepcopy(strict)
    for version in lenient["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"] = {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
        }
    await _replace(stage, lenient)
    try:
        yield
    finally:
        await _replace(stage, strict)
        await eventually(lambda: _refuses_emptiness(stage, resource))
        # A real server takes a moment to learn the schema: what it let in meanwhile goes.
        with suppress(ApiNotFound):
            await stage.api.delete(resource, "refused", stage.namespace if resource.namespaced else None)


async def _refuses_emptiness(stage: Stage, resource: Resource) -> bool:
    metadata = {"name": "refused"} | ({"namespace": stage.namespace} if resource.namespaced else {})
    empty = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": {}}
    return not await _accepts(stage, empty)


async def _replace(stage: Stage, definition: dict[str, Any]) -> None:
    name = definition["metadata"]["name"]
    held = await stage.api.get(CUSTOM_RESOURCE_DEFINITIONS, name)
    assert held is not None
    await stage.api.replace(
        CUSTOM_RESOURCE_DEFINITIONS, {**definition, "metadata": held["metadata"], "status": held["status"]}
    )


async def _spoiled(stage: Stage, name: str) -> bool:
    try:
        await stage.patch(name, {"business": {"timeZone": "half past nine"}})
    except ApiInvalid:
        return False
    return True


async def _accepts(stage: Stage, body: dict[str, Any]) -> bool:
    try:
        await apply_manifests(stage.api, [body])
    except ManifestError:
        return False
    return True
