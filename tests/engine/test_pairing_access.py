"""Who may pair is Kubernetes' word, asked for every request; whoever may not learns nothing and changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.runtime.access import Access
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, anonymous
from controller.runtime.pairing import PairingApi
from tests.runtime.pairing_client import ADMINISTRATOR, PairingClient, pairing_client
from tests.runtime.scripted_server import Handler, ScriptedServer, refuses, says

from .conftest import StartWorld
from .process import OperatorProcess
from .tenants import tenant
from .world import NAMESPACE, OPERATOR_NAMESPACE, World

RBAC = "rbac.authorization.k8s.io"
BASE = Path(__file__).parents[2] / "manifests" / "base"
PATHS = ("cafe/pairing", "cafe/verification-sms")


@pytest.fixture
async def world(start_world: StartWorld) -> AsyncIterator[World]:
    async with start_world(manual_pairing=True) as world:
        yield world


def outside(world: World) -> tuple[int, int]:
    return len(world.wire.outside_changes), len(world.wire.outside_reads)


async def grant(world: World, user: str, namespace: str) -> None:
    """Bind the role that the manifests ship."""
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"{user}-pairs"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "tenant-pairing"},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": user}],
    }
    url = f"{world.url}/apis/{RBAC}/v1"
    role = await world.http.put(f"{url}/clusterroles/tenant-pairing", json=shipped_role())
    bound = await world.http.post(f"{url}/namespaces/{namespace}/rolebindings", json=binding)
    assert role.is_success, role.text
    assert bound.is_success, bound.text


def shipped_role() -> dict[str, Any]:
    documents = yaml.safe_load_all((BASE / "pairing-role.yaml").read_text())
    role: dict[str, Any] = next(one for one in documents if one["metadata"]["name"] == "tenant-pairing")
    return role


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "refused", "x" * 20_000], ids=["none", "bad", "long"])
async def test_nobody_gets_in_without_a_good_token(
    world: World, desk: PairingClient, path: str, token: str | None
) -> None:
    before = outside(world)
    # What an HTTP server refuses by itself (a header that is too long) is no answer of ours.
    response = await desk.post(path, token=token, body={})
    assert response.status_code in ((401,) if token is None or len(token) < 100 else (400, 401))
    assert outside(world) == before


async def test_another_scheme_is_no_token(desk: PairingClient) -> None:
    url = f"/v1/namespaces/{NAMESPACE}/tenants/cafe/pairing"
    response = await desk.http.post(url, headers={"Authorization": "Basic YWRtaW46YWRtaW4="})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["error"].startswith("Send a valid Kubernetes token")


@pytest.mark.parametrize("path", [*PATHS, "nobody/pairing", "nobody/verification-sms"])
async def test_who_was_granted_nothing_learns_not_even_what_exists(
    world: World, desk: PairingClient, path: str
) -> None:
    before = outside(world)
    response = await desk.post(path, token="as-anna", body={"with": "nonsense"})
    assert response.status_code == 403
    assert "anna may not create businesstenants/pairing of tenants/" in response.json()["error"]
    assert "tenant-pairing" in response.json()["error"]
    assert outside(world) == before


async def test_the_role_that_is_shipped_lets_one_pair_in_its_namespace_only(
    world: World, desk: PairingClient
) -> None:
    await grant(world, "anna", NAMESPACE)
    await grant(world, "bob", OPERATOR_NAMESPACE)
    assert (await desk.pair(token="as-anna")).status_code == 200
    assert (await desk.verification_sms(token="as-anna")).status_code == 200
    assert (await desk.pair(token="as-bob")).status_code == 403


@pytest.mark.parametrize(
    "answers",
    [
        [refuses(500, "InternalError"), refuses(500, "InternalError")],
        [refuses(403, "Forbidden")],
        [says({"status": {"authenticated": True, "user": {"username": "anna"}}}), refuses(403, "Forbidden")],
        [says("nonsense")],
    ],
    ids=["failing", "no right to review tokens", "no right to review access", "nonsense"],
)
async def test_while_the_api_server_does_not_say_who_calls_nobody_gets_in(
    world: World, operator: OperatorProcess, answers: list[Handler]
) -> None:
    before = outside(world)
    async with ScriptedServer(*answers) as server:
        connection = KubeConnection(anonymous(server.url))
        process = operator.process
        deaf = PairingApi(process.pairing._context, process.tenants, Access(KubeApi(connection)))
        async with pairing_client(deaf.application(), NAMESPACE) as desk:
            response = await desk.pair()
        await connection.close()
    assert response.status_code in (500, 503)
    assert set(response.json()) == {"error"}
    assert outside(world) == before


async def test_a_tenant_that_does_not_exist_is_not_found(desk: PairingClient) -> None:
    response = await desk.pair("nobody")
    assert (response.status_code, response.json()) == (
        404,
        {"error": "There is no BusinessTenant tenants/nobody."},
    )


@pytest.mark.parametrize(
    "body", [{"with": "Camera"}, {"with": "QR", "more": 1}, {"number": "371"}, [], {"with": "x" * 5000}]
)
async def test_a_wish_that_is_none_is_refused_without_repeating_it(desk: PairingClient, body: Any) -> None:
    response = await desk.post("cafe/pairing", token=ADMINISTRATOR, body=body)
    assert response.status_code in (400, 413)
    assert set(response.json()) == {"error"}
    assert "Camera" not in response.text
    assert "xxx" not in response.text


async def test_nobody_keeps_an_answer(desk: PairingClient) -> None:
    response = await desk.http.post(
        f"/v1/namespaces/{NAMESPACE}/tenants/cafe/pairing",
        headers={"Authorization": f"Bearer {ADMINISTRATOR}"},
    )
    assert response.json()["state"] == "waiting"  # an empty body asks for a QR code
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "cafe/pairing", 405), ("POST", "cafe/qr", 404)]
)
async def test_other_calls_are_refused_in_the_same_words(
    desk: PairingClient, method: str, path: str, status: int
) -> None:
    response = await desk.http.request(method, f"/v1/namespaces/{NAMESPACE}/tenants/{path}")
    assert response.status_code == status
    assert set(response.json()) == {"error"}


async def test_one_tenant_is_asked_for_so_often_and_no_more(
    world: World, operator: OperatorProcess, desk: PairingClient
) -> None:
    await world.apply(tenant("bar"))
    await operator.until_quiet()
    statuses = [(await desk.pair()).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    assert (await desk.pair("bar")).status_code == 200
    refused = await desk.pair()
    assert int(refused.headers["Retry-After"]) >= 1
    # Whoever may not pair cannot use up the allowance of those who may.
    await world.clock.advance(1)
    for _ in range(5):
        await desk.pair(token="as-anna")
    assert (await desk.pair()).status_code == 200


async def test_two_who_ask_at_once_do_not_log_out_twice(world: World, desk: PairingClient) -> None:
    wish = {"with": "PairingCode"}
    await asyncio.gather(*(desk.pair(**wish) for _ in range(4)))
    assert world.wire.outside_changes.count("DELETE /instance/logout/{name}") == 1
