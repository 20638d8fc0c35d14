"""The floor: the calls that onboarding takes and nothing else, 64 tenants at a time.

`python -m bench.contenders.floor <kubeconfig> <tenants>` takes tenants as a watch brings them and makes the same
outside calls and the same requests to the API server as our operator makes for each. It decides nothing, remembers
nothing, and could not be crashed or run twice without buying twice.
"""

import asyncio
import sys
from typing import Final

import aiohttp
import orjson

from bench import objects
from bench.contenders import bodies
from bench.contenders.bodies import Body
from bench.contenders.calls import OutsideCalls, api_session, new_token, outside_from_environment
from controller.cli.event_loop import new_event_loop

AT_ONCE: Final = 64
TENANTS: Final = f"/apis/x-sevenai.com/v1alpha1/namespaces/{objects.NAMESPACE}/businesstenants"
LEASES: Final = f"/apis/coordination.k8s.io/v1/namespaces/{objects.SYSTEM}/leases"
SECRETS: Final = f"/api/v1/namespaces/{objects.NAMESPACE}/secrets"
EVENTS: Final = f"/api/v1/namespaces/{objects.NAMESPACE}/events"


class Floor:
    def __init__(self, api: aiohttp.ClientSession, outside: OutsideCalls) -> None:
        self._api = api
        self._outside = outside

    async def onboard(self, tenant: Body) -> None:
        """`tenant` is the metadata that the watch brought."""
        name, uid, outside = tenant["name"], tenant["uid"], self._outside
        url, path = outside.server_of(name), f"{TENANTS}/{name}"
        finalizers = {"resourceVersion": tenant["resourceVersion"], "finalizers": ["bench.example/floor"]}
        version = await self._patch(path, {"metadata": finalizers})
        number = await outside.find_number()
        lease = f"number-{number.lstrip('+'):0>20}"
        claimed = (await self._send("POST", LEASES, bodies.claim(lease, name, uid, number)))["metadata"]
        intent = {"metadata": {"resourceVersion": version}, "status": bodies.intent_status(number)}
        version = await self._patch(f"{path}/status", intent)
        await outside.owned(number)
        await self._send("GET", path)
        number_id = await outside.buy(number, name)
        await outside.owned(number)
        await outside.state(url, name)
        token = new_token(name)
        await self._send("POST", SECRETS, bodies.token_secret(name, uid, token))
        await outside.create(url, name, number, token)
        instance_id = await outside.instance(url, name)
        await outside.webhook(url, name)
        server = f"evolution-{outside.evolution.index(url)}"
        made = bodies.Onboarded(name, number, number_id, server, instance_id)
        ready = {"metadata": {"resourceVersion": version}, "status": bodies.ready_status(made)}
        await self._patch(f"{path}/status", ready)
        exactly = {"uid": claimed["uid"], "resourceVersion": claimed["resourceVersion"]}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": exactly}
        await self._send("DELETE", f"{LEASES}/{lease}", options)
        await self._send("POST", EVENTS, bodies.ready_event(made, uid))

    async def _patch(self, path: str, body: Body) -> str:
        """The object's version afterwards."""
        version: str = (await self._send("PATCH", path, body))["metadata"]["resourceVersion"]
        return version

    async def _send(self, method: str, path: str, body: Body | None = None) -> Body:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = None if body is None else orjson.dumps(body)
        params = {"fieldManager": "floor"} if method in ("PATCH", "POST") else None
        headers = {"Content-Type": kind}
        async with self._api.request(method, path, data=data, params=params, headers=headers) as answer:
            content = await answer.read()
            assert answer.ok, content
            parsed: Body = orjson.loads(content)
            return parsed


async def run(kubeconfig: str, tenants: int) -> None:
    """Onboard so many tenants: those that are there, and those that come. Then wait to be stopped."""
    limit, begun = asyncio.Semaphore(AT_ONCE), set[str]()
    connector = aiohttp.TCPConnector(limit=0)
    async with await api_session(kubeconfig) as api, aiohttp.ClientSession(connector=connector) as session:
        floor = Floor(api, outside_from_environment(session))

        async def one(tenant: Body) -> None:
            async with limit:
                await floor.onboard(tenant)

        async with api.get(TENANTS) as answer:
            listed = orjson.loads(await answer.read())
        print("ready to begin", flush=True)
        async with asyncio.TaskGroup() as group:
            for body in listed["items"]:
                begun.add(body["metadata"]["name"])
                group.create_task(one(body["metadata"]))
            version, endless = listed["metadata"]["resourceVersion"], aiohttp.ClientTimeout(total=None)
            while len(begun) < tenants:  # the API server ends watches when it likes
                query = {"watch": "1", "resourceVersion": version}
                async with api.get(TENANTS, params=query, timeout=endless, read_bufsize=2**22) as answer:
                    async for line in answer.content:
                        metadata = orjson.loads(line)["object"]["metadata"]
                        version = metadata["resourceVersion"]
                        if metadata["name"] not in begun:
                            begun.add(metadata["name"])
                            group.create_task(one(metadata))
                        if len(begun) >= tenants:
                            break
        # What it used can be read only of a process that is there.
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run(sys.argv[1], int(sys.argv[2])))
