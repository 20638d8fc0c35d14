"""The floor: the calls that onboarding takes and nothing else, 64 tenants at a time.

`python -m bench.contenders.floor <kubeconfig> <tenants>` takes tenants as a watch brings them and makes the same
outside calls and the same requests to the API server as our operator makes for each. It decides nothing, remembers
nothing, and could not be crashed or run twice without buying twice.
"""

import asyncio
import base64
import sys
from typing import Any, Final

import aiohttp
import orjson

from bench import objects
from bench.contenders.calls import OutsideCalls, api_session, outside_from_environment
from controller.cli.event_loop import new_event_loop

AT_ONCE: Final = 64
TENANTS: Final = f"/apis/x-sevenai.com/v1alpha1/namespaces/{objects.NAMESPACE}/businesstenants"
LEASES: Final = f"/apis/coordination.k8s.io/v1/namespaces/{objects.SYSTEM}/leases"
SECRETS: Final = f"/api/v1/namespaces/{objects.NAMESPACE}/secrets"
EVENTS: Final = f"/api/v1/namespaces/{objects.NAMESPACE}/events"
NOW: Final = "2026-01-01T00:00:00Z"
TYPES: Final = ("Ready", "NumberReady", "InstanceReady", "WhatsAppConnected", "RoutingReady")


class Floor:
    def __init__(self, api: aiohttp.ClientSession, outside: OutsideCalls) -> None:
        self._api = api
        self._outside = outside

    async def onboard(self, name: str, uid: str) -> None:
        outside, url = self._outside, self._outside.server_of(name)
        path = f"{TENANTS}/{name}"
        await self._send("PATCH", path, {"metadata": {"finalizers": ["bench.example/floor"]}})
        number = await outside.find_number()
        lease = f"claim-{number.lstrip('+')}"
        await self._send("POST", LEASES, {"metadata": {"name": lease}, "spec": {"holderIdentity": uid}})
        purchase = {"candidate": number, "provider": objects.PROVIDER, "startedAt": NOW}
        await self._send("PATCH", f"{path}/status", {"status": {"phoneNumber": {"purchase": purchase}}})
        await outside.owned(number)
        await self._send("GET", path)
        await outside.buy(number, name)
        await outside.owned(number)
        await outside.instance(url, name)
        await outside.state(url, name)
        secret = f"{name}-evolution"
        token = await outside.create(url, name, number)
        await self._send(
            "POST",
            SECRETS,
            {"metadata": {"name": secret}, "data": {"token": base64.b64encode(token.encode()).decode()}},
        )
        await outside.instance(url, name)
        await outside.state(url, name)
        await outside.webhook(url, name)
        await outside.set_webhook(url, name)
        await outside.webhook(url, name)
        await self._send("PATCH", f"{path}/status", {"status": ready_status(name, number)})
        await self._send("DELETE", f"{LEASES}/{lease}")
        about = {"kind": "BusinessTenant", "name": name, "namespace": objects.NAMESPACE, "uid": uid}
        event = {
            "metadata": {"generateName": f"{name}-"},
            "involvedObject": about,
            "reason": "Ready",
            "type": "Normal",
        }
        await self._send("POST", EVENTS, event)

    async def _send(self, method: str, path: str, body: object = None) -> None:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = None if body is None else orjson.dumps(body)
        async with self._api.request(method, path, data=data, headers={"Content-Type": kind}) as answer:
            content = await answer.read()
            assert answer.ok, content


def ready_status(name: str, number: str) -> dict[str, Any]:
    """A status of about the size that our operator writes."""
    condition = {"status": "True", "reason": "Available", "message": "as wanted", "lastTransitionTime": NOW}
    return {
        "phase": "Ready",
        "observedGeneration": 1,
        "message": f"Live on {number}.",
        "conditions": [{"type": type_, "observedGeneration": 1, **condition} for type_ in TYPES],
        "phoneNumber": {"number": number, "country": "LV", "type": "Mobile", "provider": objects.PROVIDER},
        "instance": {"name": name, "server": "evolution-0", "channel": "Evolution", "state": "Open"},
        "routing": {"route": "Webhook", "target": objects.webhook_url(name)},
    }


async def run(kubeconfig: str, tenants: int) -> None:
    """Onboard so many tenants: those that are there, and those that come."""
    limit, begun = asyncio.Semaphore(AT_ONCE), set[str]()
    connector = aiohttp.TCPConnector(limit=0)
    async with await api_session(kubeconfig) as api, aiohttp.ClientSession(connector=connector) as session:
        floor = Floor(api, outside_from_environment(session))

        async def one(name: str, uid: str) -> None:
            async with limit:
                await floor.onboard(name, uid)

        async with api.get(TENANTS) as answer:
            listed = orjson.loads(await answer.read())
        print("ready to begin", flush=True)
        async with asyncio.TaskGroup() as group:
            for body in listed["items"]:
                begun.add(body["metadata"]["name"])
                group.create_task(one(body["metadata"]["name"], body["metadata"]["uid"]))
            version, endless = listed["metadata"]["resourceVersion"], aiohttp.ClientTimeout(total=None)
            while len(begun) < tenants:  # the API server ends watches when it likes
                query = {"watch": "1", "resourceVersion": version}
                async with api.get(TENANTS, params=query, timeout=endless, read_bufsize=2**22) as answer:
                    async for line in answer.content:
                        metadata = orjson.loads(line)["object"]["metadata"]
                        version = metadata["resourceVersion"]
                        if metadata["name"] not in begun:
                            begun.add(metadata["name"])
                            group.create_task(one(metadata["name"], metadata["uid"]))
                        if len(begun) >= tenants:
                            break


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run(sys.argv[1], int(sys.argv[2])))
