"""Everything one test plays on: a cluster, the outside world, an operator, and words for acting on them."""

import asyncio
import uuid
from base64 import b64decode
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from controller.api.group import Annotation
from controller.runtime.kube_resources import (
    BUSINESS_TENANTS,
    EVENTS,
    EVOLUTION_SERVERS,
    LEASES,
    PHONE_PROVIDERS,
    SECRETS,
    Resource,
)
from controller.runtime.leases import CLAIM_LABEL
from controller.runtime.manifests import apply_manifests
from controller.runtime.settings import Settings
from tests.operator import objects
from tests.operator.clusters import Cluster
from tests.operator.eventually import eventually
from tests.operator.fast_clock import FastClock
from tests.operator.operators import Operator, OperatorProcess, OperatorTask
from tests.operator.outside import Evolution, Telephony
from tests.operator.tenant_watch import TenantWatch

Body = dict[str, Any]
APPLIED_AT_ONCE = 16


class Stage:
    """Namespaces, cluster id and fakes are the test's own."""

    def __init__(
        self, cluster: Cluster, telephony: Telephony, evolution: Evolution, clock: FastClock, folder: Path
    ) -> None:
        unique = uuid.uuid4().hex[:8]
        self.cluster = cluster
        self.api = cluster.api
        self.telephony = telephony
        self.evolution = evolution
        self.clock = clock
        self.folder = folder
        self.namespace = f"tenants-{unique}"
        self.system = f"system-{unique}"
        self.settings = Settings(
            cluster_id=f"test-{unique}",
            operator_namespace=self.system,
            namespaces=(self.namespace,),
            workers=8,
            workers_per_account=8,
            workers_reserved=1,
            probe_address="127.0.0.1",
            probe_port=0,
            pairing_port=0,
        )
        self.watch = TenantWatch(self.api, self.namespace)
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        await self.apply(objects.namespace(self.namespace), objects.namespace(self.system))
        await self.watch.start()

    async def close(self) -> None:
        await self._stack.aclose()
        await self.watch.stop()
        await self.cluster.clear([self.namespace, self.system])

    # ---- the operator --------------------------------------------------------------------------------------

    async def start_operator(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        drain_seconds: float = 5.0,
        cluster: Cluster | None = None,
    ) -> Operator:
        """An operator in this process, ended with the test. Killed, it goes on for `drain_seconds`.

        `cluster`: as the operator sees it, where that is another way than the test's own.
        """
        settings = replace(self.settings, drain_timeout=timedelta(seconds=drain_seconds))
        seen = cluster or self.cluster
        return await self._start(OperatorTask(seen, settings, self.clock, dict(environment or {})))

    async def start_operator_process(self, name: str = "operator") -> Operator:
        """An operator in a process of its own, on the machine's clock; `name` is that of its log."""
        return await self._start(OperatorProcess(self.cluster, self.settings, self.folder / f"{name}.log"))

    async def _start(self, operator: Operator) -> Operator:
        self._stack.push_async_callback(operator.kill)
        await operator.start()
        return operator

    async def start_evolution(self, *, manual_pairing: bool = False) -> Evolution:
        """One more Evolution server; its object is applied by the test."""
        evolution = await Evolution.start(self.clock, manual_pairing=manual_pairing)
        self._stack.push_async_callback(evolution.close)
        return evolution

    async def probe(self, operator: Operator, path: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{operator.port}/{path}")

    # ---- what people do ------------------------------------------------------------------------------------

    async def apply(self, *bodies: Body) -> None:
        await apply_manifests(self.api, bodies)

    async def apply_many(self, bodies: Iterable[Body]) -> None:
        """Some at a time: an API server is not asked for hundreds at once."""
        limit = asyncio.Semaphore(APPLIED_AT_ONCE)

        async def one(body: Body) -> None:
            async with limit:
                await self.apply(body)

        await asyncio.gather(*map(one, bodies))

    async def apply_fleet(self) -> None:
        """Provider and server for the fakes, with the Secrets they name."""
        await self.apply(
            objects.twilio_secret(self.system),
            objects.evolution_secret(self.system),
            objects.phone_provider(self.telephony.url),
            objects.evolution_server(self.evolution.url),
        )

    async def apply_tenants(self, *names: str, **spec: Any) -> None:
        await self.apply(*(objects.business_tenant(self.namespace, name, **spec) for name in names))

    async def apply_second_server(self, evolution: Evolution, name: str = "evolution-2") -> None:
        await self.apply(objects.evolution_server(evolution.url, name=name))

    def told(self, url: str, name: str = "bakery") -> str:
        """An address of calls or SMS as it is set outside: it is told for whom it is asked."""
        return f"{url}?tenant={self.namespace}/{name}"

    async def patch(self, name: str, spec: Body) -> None:
        """Merge into a tenant's spec."""
        await self.api.merge_patch(BUSINESS_TENANTS, name, {"spec": spec}, self.namespace)

    async def annotate(self, name: str, annotation: Annotation, value: str | None) -> None:
        patch = {"metadata": {"annotations": {annotation.value: value}}}
        await self.api.merge_patch(BUSINESS_TENANTS, name, patch, self.namespace)

    async def delete(self, name: str) -> None:
        await self.api.delete(BUSINESS_TENANTS, name, self.namespace)

    async def delete_and_wait(self, name: str) -> None:
        """Delete a tenant and see it go."""
        await self.delete(name)
        await self.gone(name)

    async def delete_provider(self, name: str = objects.PROVIDER) -> None:
        await self.api.delete(PHONE_PROVIDERS, name)

    # ---- what people see -----------------------------------------------------------------------------------

    async def gone(self, name: str) -> None:
        """Return once a tenant is gone."""
        await self._gone(BUSINESS_TENANTS, name, self.namespace)

    async def provider_gone(self, name: str = objects.PROVIDER) -> None:
        await self._gone(PHONE_PROVIDERS, name, None)

    async def _gone(self, resource: Resource, name: str, namespace: str | None) -> None:
        async def gone() -> bool:
            return await self.api.get(resource, name, namespace) is None

        await eventually(gone)

    async def tenant(self, name: str) -> Body:
        body = await self.api.get(BUSINESS_TENANTS, name, self.namespace)
        assert body is not None, f"there is no tenant {name}"
        return body

    async def status(self, name: str) -> Body:
        status: Body = (await self.tenant(name)).get("status") or {}
        return status

    async def ready(self, *names: str) -> list[Body]:
        """The statuses of tenants, once each is Ready at its newest generation."""
        return [await self._ready(name) for name in names]

    async def _ready(self, name: str) -> Body:
        seen: Body = {}

        async def ready() -> Body | None:
            seen.update(await self.tenant(name))
            status: Body = seen.get("status") or {}
            at_newest = status.get("observedGeneration") == seen["metadata"]["generation"]
            return status if at_newest and _holds(seen, "Ready") else None

        return await eventually(ready, told=lambda: f"{name}: {seen.get('status')}")

    async def not_ready(self, name: str, reason: str, *, condition: str = "Ready") -> str:
        """The message with which a tenant waits, once a condition is False for `reason`."""
        return await self._waits(BUSINESS_TENANTS, name, condition, reason)

    async def provider_not_ready(self, reason: str, name: str = objects.PROVIDER) -> str:
        return await self._waits(PHONE_PROVIDERS, name, "Ready", reason)

    async def server_not_ready(self, reason: str, name: str = objects.SERVER) -> str:
        return await self._waits(EVOLUTION_SERVERS, name, "Ready", reason)

    async def _waits(self, resource: Resource, name: str, type_: str, reason: str) -> str:
        seen: Body = {}

        async def waits() -> str | None:
            namespace = self.namespace if resource.namespaced else None
            seen.update(await self.api.get(resource, name, namespace) or {})
            found = condition(seen, type_)
            return (
                found["message"] if (found.get("status"), found.get("reason")) == ("False", reason) else None
            )

        return await eventually(waits, told=lambda: f"{name}: {seen.get('status')}")

    async def fleet_ready(self) -> None:
        """Return once every provider and server is Ready."""

        async def ready() -> bool:
            bodies = [
                *(await self.api.list(PHONE_PROVIDERS)).items,
                *(await self.api.list(EVOLUTION_SERVERS)).items,
            ]
            return all(_holds(body, "Ready") for body in bodies)

        await eventually(ready)

    async def fleet_statuses(self) -> tuple[Body, Body]:
        """The statuses of the provider and of the server."""
        provider = await self.api.get(PHONE_PROVIDERS, objects.PROVIDER) or {}
        server = await self.api.get(EVOLUTION_SERVERS, objects.SERVER) or {}
        return provider.get("status") or {}, server.get("status") or {}

    async def until_instances(self, count: int) -> None:
        """Return once the server has so many instances."""

        async def there() -> bool:
            return len(await self.evolution.instances()) == count

        await eventually(there)

    async def claims(self) -> list[str]:
        """Names of the Leases that claim numbers."""
        listed = await self.api.list(LEASES, self.system, label_selector=CLAIM_LABEL)
        return [body["metadata"]["name"] for body in listed.items]

    async def instance_token(self, name: str) -> str:
        """The token of a tenant's instance, from the Secret that the tenant's status names."""
        reference = (await self.status(name))["instance"]["tokenSecretRef"]["name"]
        body = await self.api.get(SECRETS, reference, self.namespace) or {}
        return b64decode(body["data"]["token"]).decode()

    async def forget_requests(self) -> None:
        await self.telephony.forget_requests()
        await self.evolution.forget_requests()

    async def events(self, name: str) -> list[Body]:
        """Kubernetes Events about a tenant, oldest first."""
        listed = (await self.api.list(EVENTS, self.namespace)).items
        about = [event for event in listed if event["involvedObject"]["name"] == name]
        return sorted(about, key=lambda event: int(event["metadata"]["resourceVersion"]))

    async def versions(self) -> dict[str, str]:
        """The version of everything that the operator may write, but for its heartbeat and its shards."""
        found: dict[str, str] = {}
        for resource in (BUSINESS_TENANTS, SECRETS, EVENTS):
            found |= await self._versions_of(resource, self.namespace)
        found |= await self._versions_of(SECRETS, self.system)
        found |= dict.fromkeys(await self.claims(), "claimed")
        for resource in (PHONE_PROVIDERS, EVOLUTION_SERVERS):
            found |= await self._versions_of(resource, None)
        return found

    async def _versions_of(self, resource: Resource, namespace: str | None) -> dict[str, str]:
        return {
            f"{resource.kind} {body['metadata']['name']}": body["metadata"]["resourceVersion"]
            for body in (await self.api.list(resource, namespace)).items
        }

    async def polls(self, count: int) -> None:
        """Return once the operator has listed the numbers `count` times more."""
        target = await self._lists() + count

        async def polled() -> bool:
            return await self._lists() >= target

        await eventually(polled)

    async def _lists(self) -> int:
        requests = await self.telephony.requests()
        return sum(n for name, n in requests.items() if name.startswith("GET") and "IncomingPhone" in name)


def condition(body: Mapping[str, Any], type_: str) -> Body:
    """A condition of an object; empty where it has none of the type."""
    conditions: list[Body] = (body.get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == type_), {})


def _holds(body: Mapping[str, Any], type_: str) -> bool:
    return condition(body, type_).get("status") == "True"
