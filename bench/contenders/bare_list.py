"""A list in pages that keeps the bodies as bytes: the least that knowing all tenants can cost.

`python -m bench.contenders.bare_list <kubeconfig> <tenants>`.
"""

import asyncio
import sys

import orjson

from controller.cli.event_loop import new_event_loop
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, login
from controller.runtime.kube_resources import BUSINESS_TENANTS


async def keep(kubeconfig: str, tenants: int) -> None:
    connection = KubeConnection(await login(kubeconfig=kubeconfig))
    kept: dict[str, bytes] = {}
    async for page in KubeApi(connection).pages(BUSINESS_TENANTS):
        for body in page.items:
            body["metadata"].pop("managedFields", None)
            kept[body["metadata"]["name"]] = orjson.dumps(body)
    assert len(kept) == tenants, f"{len(kept)} of {tenants}"
    print("adopted all", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(keep(sys.argv[1], int(sys.argv[2])))
