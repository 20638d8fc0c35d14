"""Whose a token is, and what its user may do, as the API server says."""

from typing import Any

import orjson
import pytest

from controller.reconcile.tenant_object import TenantKey
from controller.runtime.access import Access, User
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, anonymous
from controller.runtime.kube_errors import ApiError
from tests.runtime.scripted_server import ScriptedServer, refuses, says

CAFE = TenantKey("tenants", "cafe")
ANNA = User("anna", "uid-1", ("reception",), {"scopes": ("pairing",)})


async def test_the_api_server_knows_whose_a_token_is(api: KubeApi) -> None:
    access = Access(api)
    anna = await access.user_of("as-anna")
    assert anna is not None
    assert (anna.name, anna.groups) == ("anna", ("system:authenticated",))
    assert await access.user_of("refused") is None
    assert await access.user_of("") is None


async def test_the_api_server_knows_who_may_pair(api: KubeApi) -> None:
    access = Access(api)
    administrator = await access.user_of("administrator")
    assert administrator is not None
    assert await access.may_pair(administrator, CAFE)
    assert not await access.may_pair(ANNA, CAFE)


async def answered(status: dict[str, Any] | None, *, who: bool) -> tuple[object, Any]:
    """What `Access` makes of a review's status, and what was asked."""
    async with ScriptedServer(says({} if status is None else {"status": status})) as server:
        connection = KubeConnection(anonymous(server.url))
        access = Access(KubeApi(connection))
        try:
            verdict = await (access.user_of("token") if who else access.may_pair(ANNA, CAFE))
        finally:
            await connection.close()
        return verdict, orjson.loads(server.bodies[0])


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        {"user": {"username": "anna"}},
        {"authenticated": "true", "user": {"username": "anna"}},
        {"authenticated": True, "user": {}},
        {"authenticated": True},
    ],
)
async def test_anything_but_a_clear_yes_is_nobody(status: dict[str, Any] | None) -> None:
    assert (await answered(status, who=True))[0] is None


@pytest.mark.parametrize("status", [None, {}, {"allowed": "true"}, {"allowed": True, "denied": True}])
async def test_anything_but_a_clear_yes_is_a_no(status: dict[str, Any] | None) -> None:
    assert (await answered(status, who=False))[0] is False


async def test_everything_known_of_the_user_is_asked_about() -> None:
    verdict, asked = await answered({"allowed": True}, who=False)
    assert verdict is True
    assert asked["spec"] == {
        "user": "anna",
        "uid": "uid-1",
        "groups": ["reception"],
        "extra": {"scopes": ["pairing"]},
        "resourceAttributes": {
            "verb": "create",
            "group": "x-sevenai.com",
            "version": "v1alpha1",
            "resource": "businesstenants",
            "subresource": "pairing",
            "namespace": "tenants",
            "name": "cafe",
        },
    }


async def test_a_refusal_does_not_repeat_the_token() -> None:
    async with ScriptedServer(refuses(400, "BadRequest", "bad token hunter2")) as server:
        connection = KubeConnection(anonymous(server.url))
        with pytest.raises(ApiError) as refusal:
            await Access(KubeApi(connection)).user_of("hunter2")
        await connection.close()
    assert "hunter2" not in str(refusal.value)
