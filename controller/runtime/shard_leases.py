"""Leases that say which replica lives and which has which shard, in the operator's namespace.

A replica renews one Lease, its own; a shard's Lease names its holder and changes only when the shard moves. Liveness is
thus one write a replica and interval, however many shards there are.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from controller.api.group import GROUP
from controller.clock import Clock
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiAlreadyExists, ApiConflict, ApiNotFound
from controller.runtime.kube_resources import LEASES
from controller.runtime.kube_wire import JsonObject, WatchEventType

KIND_LABEL: Final = f"{GROUP}/lease"
MEMBER: Final = "member"
SHARD: Final = "shard"
LEAVING: Final = f"{GROUP}/leaving"
_WATCH_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class MemberLease:
    """A replica. `renewed` is its heartbeat as written: it is compared, never read as a time."""

    identity: str
    renewed: str
    leaving: bool
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class ShardLease:
    """A shard and who has it; None when nobody has."""

    number: int
    holder: str | None
    resource_version: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A Lease that was deleted."""

    name: str


Seen = MemberLease | ShardLease | Gone


class ShardLeases:
    """All methods raise what KubeApi raises for every call."""

    def __init__(self, api: KubeApi, namespace: str, identity: str, clock: Clock) -> None:
        self._api = api
        self._namespace = namespace
        self._identity = identity
        self._clock = clock

    async def list(self) -> tuple[dict[str, Seen], str]:
        """All Leases by name, and the version to watch from."""
        listing = await self._api.list(LEASES, self._namespace, label_selector=KIND_LABEL)
        seen = {item["metadata"]["name"]: _read(item) for item in listing.items}
        return {name: lease for name, lease in seen.items() if lease is not None}, listing.resource_version

    async def watch(self, version: str) -> AsyncGenerator[tuple[str, Seen, str]]:
        """Name, content and version of every Lease that changes. Raises ResourceExpired."""
        watching = self._api.watch(
            LEASES, version, self._namespace, label_selector=KIND_LABEL, timeout_seconds=_WATCH_SECONDS
        )
        async with aclosing(watching) as events:
            async for event in events:
                if event.type is WatchEventType.BOOKMARK:
                    continue
                name = str(event.body["metadata"]["name"])
                lease = Gone(name) if event.type is WatchEventType.DELETED else _read(event.body)
                if lease is not None:
                    yield name, lease, event.resource_version

    async def heartbeat(self, *, leaving: bool = False) -> None:
        """Renew this replica's Lease, or make it."""
        body = self._body(self._member_name, MEMBER, self._identity, renew=True)
        if leaving:
            body["metadata"]["annotations"] = {LEAVING: "true"}
        try:
            await self._api.merge_patch(LEASES, self._member_name, body, self._namespace)
        except ApiNotFound:
            await self._api.create(LEASES, body, self._namespace)

    async def member(self, identity: str) -> MemberLease | None:
        """A replica's Lease by a quorum read: what a watch that hangs does not tell. None when there is none."""
        body = await self._api.get(LEASES, _member_name(identity), self._namespace)
        read = _read(body) if body is not None else None
        return read if isinstance(read, MemberLease) else None

    async def retire(self, identity: str, resource_version: str | None = None) -> None:
        """Remove the Lease of a replica that left or died, only in this version where given; gone is fine."""
        name = _member_name(identity)
        try:
            await self._api.delete(LEASES, name, self._namespace, resource_version=resource_version)
        except (ApiNotFound, ApiConflict):
            return

    async def take(self, number: int, lease: ShardLease | None) -> ShardLease | None:
        """Take a shard that nobody living has; None when somebody else was faster."""
        return await self._write(number, lease, self._identity)

    async def hand_over(self, lease: ShardLease, to: str | None) -> ShardLease | None:
        """Give a shard of ours to another replica, or to nobody; None when it changed meanwhile."""
        return await self._write(lease.number, lease, to)

    async def _write(self, number: int, lease: ShardLease | None, holder: str | None) -> ShardLease | None:
        name = f"tenant-operator-shard-{number}"
        body = self._body(name, SHARD, holder, renew=False)
        body["metadata"]["labels"][f"{GROUP}/shard"] = str(number)
        try:
            if lease is None:
                written = await self._api.create(LEASES, body, self._namespace)
            else:
                body["metadata"]["resourceVersion"] = lease.resource_version
                written = await self._api.merge_patch(LEASES, name, body, self._namespace)
        except (ApiAlreadyExists, ApiConflict, ApiNotFound):
            return None
        read = _read(written)
        return read if isinstance(read, ShardLease) else None

    @property
    def _member_name(self) -> str:
        return _member_name(self._identity)

    def _body(self, name: str, kind: str, holder: str | None, *, renew: bool) -> JsonObject:
        # MicroTime is parsed with exactly six digits.
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": name, "namespace": self._namespace, "labels": {KIND_LABEL: kind}},
            "spec": {"holderIdentity": holder, "renewTime" if renew else "acquireTime": now},
        }


def _member_name(identity: str) -> str:
    return f"tenant-operator-{identity}"


def _read(body: JsonObject) -> MemberLease | ShardLease | None:
    """What a Lease says; None for one that is not ours to read."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    labels = metadata.get("labels") or {}
    holder = str(spec.get("holderIdentity") or "")
    if labels.get(KIND_LABEL) == MEMBER:
        leaving = (metadata.get("annotations") or {}).get(LEAVING) == "true"
        renewed = str(spec.get("renewTime") or "")
        return MemberLease(holder, renewed, leaving, metadata["resourceVersion"])
    number = labels.get(f"{GROUP}/shard", "")
    if labels.get(KIND_LABEL) == SHARD and number.isdecimal():
        return ShardLease(int(number), holder or None, metadata["resourceVersion"])
    return None
