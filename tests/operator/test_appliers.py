"""Several tools apply the same YAML, each in its own way: nothing drifts, and the operator writes nothing again."""

import asyncio
import copy
from typing import Any

from controller.runtime.kube_resources import BUSINESS_TENANTS
from tests.conformance.kubectl import Kubectl, newest
from tests.operator import objects
from tests.operator.eventually import eventually
from tests.operator.stage import Stage


async def test_client_side_and_server_side_apply_of_one_manifest_move_nothing(stage: Stage) -> None:
    kubectl = Kubectl(newest(), stage.cluster.kubeconfig, stage.namespace, stage.folder)
    manifest = objects.business_tenant(stage.namespace, "bakery")
    await stage.start_operator()
    await run(kubectl, manifest, "apply", "-f", "-")
    (ready,) = await stage.ready("bakery")
    await stage.polls(2)
    before, charges = await stage.tenant("bakery"), await stage.telephony.state()
    await stage.forget_requests()

    await run(
        kubectl, manifest, "apply", "--server-side", "--force-conflicts", "--field-manager=flux", "-f", "-"
    )
    await run(
        kubectl, manifest, "apply", "--server-side", "--force-conflicts", "--field-manager=argocd", "-f", "-"
    )
    await run(kubectl, manifest, "apply", "-f", "-")
    after = await stage.tenant("bakery")
    await stage.polls(3)

    assert await stage.tenant("bakery") == after, "somebody wrote after the appliers"
    assert after["status"] == before["status"] == ready
    assert without_bookkeeping(after) == without_bookkeeping(before)
    assert await stage.telephony.state() == charges
    changes = [
        r for r in await stage.telephony.requests() + await stage.evolution.requests() if "GET" not in r
    ]
    assert changes == []


async def test_replace_takes_the_finalizer_and_the_operator_puts_it_back_and_nothing_else(
    stage: Stage,
) -> None:
    kubectl = Kubectl(newest(), stage.cluster.kubeconfig, stage.namespace, stage.folder)
    manifest = objects.business_tenant(stage.namespace, "bakery")
    await stage.start_operator()
    await run(kubectl, manifest, "create", "-f", "-")
    await stage.ready("bakery")
    await stage.polls(2)
    before = await stage.tenant("bakery")
    await stage.forget_requests()

    await run(kubectl, manifest, "replace", "-f", "-")

    async def restored() -> bool:
        return (await stage.tenant("bakery"))["metadata"].get("finalizers") == before["metadata"][
            "finalizers"
        ]

    await eventually(restored)
    await stage.polls(3)
    after = await stage.tenant("bakery")
    assert without_bookkeeping(after) == without_bookkeeping(before)
    changes = [
        r for r in await stage.telephony.requests() + await stage.evolution.requests() if "GET" not in r
    ]
    assert changes == []


async def test_a_field_that_one_applier_gives_up_goes(stage: Stage) -> None:
    kubectl = Kubectl(newest(), stage.cluster.kubeconfig, stage.namespace, stage.folder)
    manifest = objects.business_tenant(stage.namespace, "bakery")
    await stage.start_operator()
    await run(kubectl, manifest, "apply", "--server-side", "--field-manager=flux", "-f", "-")
    await stage.ready("bakery")

    shorter = copy.deepcopy(manifest)
    del shorter["spec"]["ai"]
    await run(kubectl, shorter, "apply", "--server-side", "--field-manager=flux", "-f", "-")
    await stage.ready("bakery")

    body = await stage.api.get(BUSINESS_TENANTS, "bakery", stage.namespace)
    assert body is not None
    assert "ai" not in body["spec"]
    assert "routing" not in body["status"]


async def run(kubectl: Kubectl, manifest: dict[str, Any], *arguments: str) -> None:
    said = await asyncio.to_thread(kubectl, *arguments, stdin=manifest)
    assert said.code == 0, said.err


def without_bookkeeping(body: dict[str, Any]) -> dict[str, Any]:
    """The object without what appliers note on it for themselves."""
    metadata = {
        name: value
        for name, value in body["metadata"].items()
        if name not in {"annotations", "managedFields", "resourceVersion"}
    }
    return {**body, "metadata": metadata}
