"""Claims on phone numbers: who may buy a number, decided by the API server and not forgotten by a crash.

A claim is a `coordination.k8s.io` Lease that is created and deleted but never renewed: it does not expire,
because a purchase whose outcome is unknown must keep everyone else away from the number until somebody has
looked.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from controller.api.group import GROUP
from controller.clock import Clock, SystemClock
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiAlreadyExists, ApiConflict, ApiNotFound, ApiUnavailable
from controller.runtime.kube_resources import LEASES
from controller.runtime.kube_wire import JsonObject

CLAIM_LABEL: Final = f"{GROUP}/claim"
CLAIM_ON_NUMBER: Final = "number"
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Claimed:
    """It was free and is ours now: nothing was begun under this claim yet."""


@dataclass(frozen=True, slots=True)
class AlreadyMine:
    """It has been ours before this call: a purchase may be under way or done; look before buying."""


@dataclass(frozen=True, slots=True)
class HeldBy:
    """Somebody else has it."""

    holder: str


ClaimResult: TypeAlias = Claimed | AlreadyMine | HeldBy


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it stands; `holder` is a tenant's uid."""

    name: str
    holder: str
    annotations: Mapping[str, str]
    since: datetime


def claim_name(account: str, number: str) -> str:
    """Name of the claim on `number` (E.164) in `account`; only its hash, because `+` is no part of names."""
    digest = hashlib.sha256(f"{account}/{number}".encode()).digest()
    return f"number-{base64.b32encode(digest).decode().lower()[:20]}"


class NumberClaims:
    """Claims in the operator's namespace. All methods raise what KubeApi raises for every call."""

    def __init__(self, api: KubeApi, namespace: str, *, clock: Clock | None = None) -> None:
        self._api = api
        self._namespace = namespace
        self._clock = clock or SystemClock()
        # Claims of this process as they were made: one that nobody touched is released without reading it.
        self._made: dict[str, JsonObject] = {}

    async def claim(self, name: str, holder: str, annotations: Mapping[str, str]) -> ClaimResult:
        """Claim `name` for `holder`; of any number of callers at most one gets Claimed.

        ApiUnavailable leaves open whether the claim was made; the next call then says AlreadyMine.
        """
        for _ in range(_ATTEMPTS):
            try:
                made = await self._api.create(LEASES, self._lease(name, holder, annotations), self._namespace)
            except ApiAlreadyExists:
                existing = await self._api.get(LEASES, name, self._namespace)
                if existing is None:
                    continue  # released between the two calls
                held_by = _holder(existing)
                return AlreadyMine() if held_by == holder else HeldBy(held_by)
            self._made[name] = made
            return Claimed()
        message = (
            f"The claim {name} is being made and released by others all the time; it is tried again later."
        )
        raise ApiUnavailable(message)

    async def release(self, name: str, holder: str) -> HeldBy | None:
        """Give a claim up. None when it is gone now, also when it was before; HeldBy when it is another's.

        Deletes exactly the claim that was made or read, so that one made by somebody else meanwhile stays.
        """
        made = self._made.pop(name, None)
        for _ in range(_ATTEMPTS):
            existing = made or await self._api.get(LEASES, name, self._namespace)
            made = None
            if existing is None:
                return None
            held_by = _holder(existing)
            if held_by != holder:
                return HeldBy(held_by)
            metadata = existing["metadata"]
            try:
                await self._api.delete(
                    LEASES,
                    name,
                    self._namespace,
                    uid=metadata["uid"],
                    resource_version=metadata["resourceVersion"],
                )
            except ApiNotFound:
                return None
            except ApiConflict:
                continue  # changed since: read again
            return None
        message = (
            f"The claim {name} is being changed by others all the time; its release is tried again later."
        )
        raise ApiUnavailable(message)

    async def holder(self, name: str) -> str | None:
        """Who has `name`, by a quorum read; None when it is free."""
        existing = await self._api.get(LEASES, name, self._namespace)
        return None if existing is None else _holder(existing)

    async def all(self) -> list[Claim]:
        """All claims on numbers, of every tenant."""
        listing = await self._api.list(
            LEASES, self._namespace, label_selector=f"{CLAIM_LABEL}={CLAIM_ON_NUMBER}"
        )
        return [
            Claim(
                name=item["metadata"]["name"],
                holder=_holder(item),
                annotations=item["metadata"].get("annotations") or {},
                since=datetime.fromisoformat(item["metadata"]["creationTimestamp"]),
            )
            for item in listing.items
        ]

    def _lease(self, name: str, holder: str, annotations: Mapping[str, str]) -> JsonObject:
        # MicroTime is parsed with exactly six digits.
        acquired = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "labels": {CLAIM_LABEL: CLAIM_ON_NUMBER},
                "annotations": dict(annotations),
            },
            "spec": {"holderIdentity": holder, "acquireTime": acquired},
        }


def _holder(lease: JsonObject) -> str:
    return str((lease.get("spec") or {}).get("holderIdentity") or "")
