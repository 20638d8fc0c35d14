"""Who calls, and whether they may: both are asked of the API server, for every request."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from controller.reconcile.tenant_object import TenantKey
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_resources import (
    BUSINESS_TENANTS,
    SUBJECT_ACCESS_REVIEWS,
    TOKEN_REVIEWS,
    Resource,
)
from controller.runtime.kube_wire import JsonObject

# Strangers' requests must not take the connections that the operator works with.
_REVIEWS_AT_ONCE: Final = 4
_LONGEST_TOKEN: Final = 16_384


@dataclass(frozen=True, slots=True)
class User:
    """A user as the API server knows it."""

    name: str
    uid: str = ""
    groups: Sequence[str] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)


class Access:
    """Every method raises `ApiError` when the API server does not answer: then nobody is let in."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._turns = asyncio.Semaphore(_REVIEWS_AT_ONCE)

    async def user_of(self, token: str) -> User | None:
        """Whose token it is; None when it is nobody's."""
        if not 0 < len(token) <= _LONGEST_TOKEN:
            return None
        status = await self._ask(TOKEN_REVIEWS, {"token": token})
        told = status.get("user") or {}
        if status.get("authenticated") is not True or not told.get("username"):
            return None
        return User(
            told["username"], told.get("uid") or "", tuple(told.get("groups") or ()), told.get("extra") or {}
        )

    async def may_pair(self, user: User, tenant: TenantKey) -> bool:
        """Whether the user may create businesstenants/pairing of this tenant."""
        attributes = {
            "verb": "create",
            "group": BUSINESS_TENANTS.group,
            "version": BUSINESS_TENANTS.version,
            "resource": BUSINESS_TENANTS.plural,
            "subresource": "pairing",
            "namespace": tenant.namespace,
            "name": tenant.name,
        }
        about = {"user": user.name, "uid": user.uid, "groups": [*user.groups], "extra": {**user.extra}}
        asked = {name: value for name, value in about.items() if value} | {"resourceAttributes": attributes}
        status = await self._ask(SUBJECT_ACCESS_REVIEWS, asked)
        return status.get("allowed") is True and status.get("denied") is not True

    async def _ask(self, resource: Resource, spec: JsonObject) -> JsonObject:
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "spec": spec}
        async with self._turns:
            status: JsonObject = (await self._api.create(resource, body)).get("status") or {}
        return status
