"""How fast and how large the embedded API server is: `make bench-server`.

The server runs in a process of its own on one core, the client on another. Tenants are of realistic size (about
3 kB of spec). Prints one line a figure.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[1]
TENANTS = "/apis/x-sevenai.com/v1alpha1/namespaces/default/businesstenants"
SERVER = """
import asyncio, sys
import yaml
from controller.sandbox.apiserver import ApiServer

async def main():
    server = ApiServer()
    for path in sys.argv[1:]:
        with open(path) as file:
            server.install_crd(yaml.safe_load(file))
    print(await server.start(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""


def tenant(number: int) -> dict[str, Any]:
    """A tenant with about 3 kB of spec."""
    return {
        "apiVersion": "x-sevenai.com/v1alpha1",
        "kind": "BusinessTenant",
        "metadata": {"name": f"tenant-{number:05}"},
        "spec": {
            "business": {
                "id": f"business-{number}",
                "name": f"Business {number}",
                "description": "d" * 500,
                "about": "a" * 130,
                "languages": ["lv", "en", "ru"],
                "websites": ["https://example.org/" + "w" * 900],
                "address": "s" * 250,
            },
            "phoneNumber": {"country": "LV", "type": "Mobile", "capabilities": ["Voice", "SMS"]},
            "whatsapp": {"channel": "Baileys", "settings": {"rejectCalls": True, "ignoreGroups": True}},
            "ai": {
                "route": "Webhook",
                "webhook": {"url": "https://example.org/" + "h" * 800, "events": ["MessagesUpsert"]},
                "features": ["menu", "reservations", "delivery"],
            },
        },
    }


def status(number: int) -> dict[str, Any]:
    """A status patch as the operator writes it."""
    condition = {"status": "True", "reason": "Available", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    types = ("Ready", "Paused", "NumberReady", "InstanceReady", "WhatsAppConnected", "RoutingReady")
    conditions = [{"type": t, "message": "as wanted", **condition} for t in types]
    return {
        "status": {
            "phase": "Ready",
            "observedGeneration": 1,
            "message": f"{number}",
            "conditions": conditions,
        }
    }


async def rate(count: int, parallel: int, call: Callable[[int], Awaitable[None]]) -> float:
    """Calls a second with `parallel` at a time."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await call(number)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(parallel)))
    return count / (time.perf_counter() - began)


def resident_mb(pid: int) -> float:
    """Resident memory of a process now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(count: int, parallel: int) -> dict[str, float]:
    """Start the server, fill it, and take the figures."""
    crds = [str(path) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    began = time.perf_counter()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVER, *crds),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    url = (await server.stdout.readline()).decode().strip()
    ready = time.perf_counter() - began
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(server.pid, {cores[0]})
    os.sched_setaffinity(0, {cores[-1]})
    patch_headers = {"Content-Type": "application/merge-patch+json"}
    async with aiohttp.ClientSession(base_url=url) as session:

        async def create(number: int) -> None:
            async with session.post(TENANTS, json=tenant(number)) as answer:
                assert answer.status == 201, await answer.text()

        async def patch(number: int) -> None:
            path = f"{TENANTS}/tenant-{number:05}/status"
            data = json.dumps(status(number))
            async with session.patch(path, data=data, headers=patch_headers) as answer:
                assert answer.status == 200, await answer.text()

        creates = await rate(count, parallel, create)
        patches = await rate(count, parallel, patch)
        memory = resident_mb(server.pid)
    server.stdin.close()
    await server.wait()
    return {
        "ready_seconds": round(ready, 2),
        "creates_per_second": round(creates),
        "status_patches_per_second": round(patches),
        "tenants": count,
        "resident_mb": round(memory),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--parallel", type=int, default=16)
    arguments = parser.parse_args()
    for name, value in asyncio.run(measure(arguments.tenants, arguments.parallel)).items():
        print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
