"""kopf set up as ours sets it up, with a handler that does nothing: what watching alone costs.

`python -m bench.contenders.bare_kopf <kubeconfig> <tenants>` says when it has seen so many tenants.
"""

import asyncio
import sys
from typing import Any

import kopf

from controller.api.group import GROUP, VERSION, Kind
from controller.cli.event_loop import new_event_loop
from controller.operator import kopf_settings
from controller.runtime.kube_connection import login


async def watch(kubeconfig: str, tenants: int) -> None:
    configuration = await login(kubeconfig=kubeconfig)
    registry = kopf.OperatorRegistry()
    seen: set[str] = set()

    @kopf.on.login(registry=registry)
    async def connect(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(
            server=configuration.host,
            ca_path=configuration.ssl_ca_cert,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
        )

    @kopf.on.event(GROUP, VERSION, Kind.BUSINESS_TENANT.plural, registry=registry)
    async def tenant(name: str, **_: Any) -> None:
        seen.add(name)
        if len(seen) == tenants:
            print("adopted all", flush=True)

    await kopf.operator(registry=registry, settings=kopf_settings(), standalone=True, clusterwide=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(watch(sys.argv[1], int(sys.argv[2])))
