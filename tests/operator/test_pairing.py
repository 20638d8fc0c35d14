"""The whole operator: a person with the shipped role gets a code, scans it, and the tenant is live."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from controller.runtime.kube_resources import Resource
from tests.operator import objects
from tests.operator.eventually import eventually
from tests.operator.stage import Stage
from tests.runtime.pairing_client import PairingClient

RBAC = "rbac.authorization.k8s.io"
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount", namespaced=True)
CLUSTER_ROLES = Resource(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
ROLE_BINDINGS = Resource(RBAC, "v1", "rolebindings", "RoleBinding", namespaced=True)
ROLE = Path(__file__).parents[2] / "manifests" / "base" / "pairing-role.yaml"


@pytest.fixture
async def anna(stage: Stage, kubeconfig_of_real_cluster: Path | None) -> str:
    """The token of a service account to which nothing is granted yet."""
    metadata = {"name": "anna", "namespace": stage.namespace}
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    await stage.api.create(SERVICE_ACCOUNTS, body, stage.namespace)
    if kubeconfig_of_real_cluster is None:
        return f"as-system:serviceaccount:{stage.namespace}:anna"
    process = await asyncio.create_subprocess_exec(
        *("kubectl", f"--kubeconfig={kubeconfig_of_real_cluster}", "create", "token", "anna"),
        f"--namespace={stage.namespace}",
        stdout=asyncio.subprocess.PIPE,
    )
    token, _ = await process.communicate()
    return token.decode().strip()


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[PairingClient]:
    """The pairing port of an operator; on the server `manual` somebody must scan."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stage.settings = replace(stage.settings, pairing_port=port, pairing_address="127.0.0.1")
    manual = await stage.start_evolution(manual_pairing=True)
    await stage.apply(objects.evolution_server(manual.url, name="manual"))
    await stage.start_operator()
    await stage.fleet_ready()
    stage.evolution = manual
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        yield PairingClient(http, stage.namespace)


async def grant(stage: Stage) -> None:
    documents = yaml.safe_load_all(ROLE.read_text())
    role: dict[str, Any] = next(one for one in documents if one["metadata"]["name"] == "tenant-pairing")
    await stage.api.apply(CLUSTER_ROLES, role, force=True)
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "anna-pairs", "namespace": stage.namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "tenant-pairing"},
        "subjects": [{"kind": "ServiceAccount", "name": "anna", "namespace": stage.namespace}],
    }
    await stage.api.create(ROLE_BINDINGS, binding, stage.namespace)


async def test_from_a_code_to_a_live_tenant(stage: Stage, desk: PairingClient, anna: str) -> None:
    await stage.apply(objects.business_tenant(stage.namespace, "cafe", server="manual"))
    await stage.not_ready("cafe", "WaitingForPairing")
    assert (await desk.pair(token=anna)).status_code == 403
    await grant(stage)

    async def shown() -> dict[str, Any] | None:
        response = await desk.pair(token=anna)
        body: dict[str, Any] = response.json()
        return body if response.status_code == 200 else None

    code = await eventually(shown)
    assert code["state"] == "waiting"
    instance = (await stage.status("cafe"))["instance"]["name"]
    await stage.evolution.control("POST", f"instances/{instance}/scan", {"number": code["number"]})
    status = (await stage.ready("cafe"))[0]
    assert status["instance"]["number"] == code["number"]
    assert (await desk.pair(token=anna)).json() == {"state": "connected", "number": code["number"]}

    async def said() -> list[str]:
        return [event["message"] for event in await stage.events("cafe") if event["reason"] == "CodeShown"]

    user = f"system:serviceaccount:{stage.namespace}:anna"
    assert await eventually(said) == [f"{user} was shown a code to pair {code['number']} with."]
    for held in (await stage.tenant("cafe"), *(await stage.events("cafe"))):
        assert code["qr"] not in str(held)


async def test_the_port_of_the_probes_shows_no_codes(stage: Stage) -> None:
    operator = await stage.start_operator()
    url = f"/v1/namespaces/{stage.namespace}/tenants/cafe/pairing"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{operator.port}", trust_env=False) as probes:
        assert (await probes.post(url)).status_code == 404
