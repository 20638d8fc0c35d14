"""PhoneProvider and EvolutionServer objects in the API server, and the ledgers in their status."""

from collections.abc import Mapping
from typing import Any, Final

from controller.api.group import SERVING_FINALIZER, Kind
from controller.api.phone_provider import IrreversibleAct, Spending
from controller.reconcile.fleet_object import FleetKey
from controller.reconcile.ports import ObjectChangedError
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiConflict, ApiNotFound
from controller.runtime.kube_resources import EVOLUTION_SERVERS, PHONE_PROVIDERS, Resource
from controller.runtime.kube_wire import JsonObject

RESOURCES: Final[Mapping[Kind, Resource]] = {
    Kind.PHONE_PROVIDER: PHONE_PROVIDERS,
    Kind.EVOLUTION_SERVER: EVOLUTION_SERVERS,
}


class FleetCache:
    """The newest version of every provider and server; there are few, so bodies are kept as they are."""

    def __init__(self) -> None:
        self._bodies: dict[FleetKey, JsonObject] = {}

    def put(self, key: FleetKey, body: JsonObject) -> bool:
        """Take a version; answers whether spec or deletion differ from the one before."""
        held = self._bodies.get(key)
        self._bodies[key] = body
        return held is None or _relevant(held) != _relevant(body)

    def remove(self, key: FleetKey) -> None:
        self._bodies.pop(key, None)

    def get(self, key: FleetKey) -> JsonObject | None:
        return self._bodies.get(key)

    def __iter__(self) -> "Any":
        return iter(list(self._bodies))

    def naming_secret(self, name: str) -> list[FleetKey]:
        """Objects whose spec names the Secret (in the operator's namespace)."""
        return [key for key, body in self._bodies.items() if name in _secret_names(body.get("spec"))]


class KubeFleetObjects:
    """Implements `FleetObjects`, `Ledger` and `SpendingLedger`."""

    def __init__(self, api: KubeApi, cache: FleetCache) -> None:
        self._api = api
        self._cache = cache

    async def patch_status(self, key: FleetKey, resource_version: str, patch: Mapping[str, Any]) -> str:
        body = {"metadata": {"resourceVersion": resource_version}, "status": dict(patch)}
        return await self._patch(key, body, subresource="status")

    async def add_finalizer(self, key: FleetKey, resource_version: str, finalizers: tuple[str, ...]) -> str:
        return await self._patch(key, _finalizers(resource_version, (*finalizers, SERVING_FINALIZER)))

    async def remove_finalizer(
        self, key: FleetKey, resource_version: str, finalizers: tuple[str, ...]
    ) -> None:
        rest = tuple(f for f in finalizers if f != SERVING_FINALIZER)
        await self._patch(key, _finalizers(resource_version, rest))

    async def acts(self, kind: Kind, name: str) -> tuple[str, tuple[IrreversibleAct, ...]] | None:
        body = await self._api.get(RESOURCES[kind], name)
        if body is None:
            return None
        recorded = (body.get("status") or {}).get("recentIrreversible") or ()
        acts = tuple(IrreversibleAct.model_validate(act) for act in recorded)
        return body["metadata"]["resourceVersion"], acts

    async def append(
        self, kind: Kind, name: str, resource_version: str, acts: tuple[IrreversibleAct, ...]
    ) -> None:
        patch = {"recentIrreversible": [act.to_wire() for act in acts]}
        await self.patch_status(FleetKey(kind, name), resource_version, patch)

    async def spending(self, provider: str) -> tuple[str, Spending | None] | None:
        body = await self._api.get(PHONE_PROVIDERS, provider)
        if body is None:
            return None
        recorded = (body.get("status") or {}).get("spending")
        version = str(body["metadata"]["resourceVersion"])
        return version, Spending.model_validate(recorded) if recorded is not None else None

    async def record_spending(self, provider: str, resource_version: str, spending: Spending) -> None:
        # A merge patch leaves what it does not name: fields that are empty now have to be named.
        emptied = dict.fromkeys(("monthlyCost", "unpriced", "reserved", "recentPurchases"))
        patch = {"spending": {**emptied, **spending.to_wire()}}
        await self.patch_status(FleetKey(Kind.PHONE_PROVIDER, provider), resource_version, patch)

    async def _patch(self, key: FleetKey, body: JsonObject, *, subresource: str | None = None) -> str:
        resource = RESOURCES[key.kind]
        try:
            answer = await self._api.merge_patch(resource, key.name, body, subresource=subresource)
        except ApiNotFound as error:
            self._cache.remove(key)
            raise ObjectChangedError(error.message) from error
        except ApiConflict as error:
            newest = await self._api.get(resource, key.name)
            if newest is not None:
                self._cache.put(key, newest)
            raise ObjectChangedError(error.message) from error
        self._cache.put(key, answer)
        return str(answer["metadata"]["resourceVersion"])


def _finalizers(resource_version: str, finalizers: tuple[str, ...]) -> JsonObject:
    return {"metadata": {"resourceVersion": resource_version, "finalizers": list(finalizers)}}


def _relevant(body: JsonObject) -> tuple[object, ...]:
    metadata = body["metadata"]
    return metadata["uid"], metadata.get("generation"), metadata.get("deletionTimestamp")


def _secret_names(value: object) -> set[str]:
    """Names under every `...SecretRef` of a spec."""
    if not isinstance(value, Mapping):
        return set()
    names = set()
    for field, inner in value.items():
        if isinstance(inner, Mapping):
            if field.endswith("SecretRef") and "name" in inner:
                names.add(str(inner["name"]))
            names |= _secret_names(inner)
    return names
