"""The operator that kopf's tutorial leads to, for comparison: handlers for creation, update and resumption, and a timer
for each tenant. It makes the same outside calls as ours, and none of the writes that keep money safe: no claim, no
intent, no look before the purchase is repeated. Crashed in the wrong moment, it buys twice.

`kopf run --standalone -n tenants bench/contenders/plain_kopf.py`, with KUBECONFIG and BENCH_OUTSIDE set.
"""

import base64
import os
from typing import Any

import aiohttp
import kopf

from bench.contenders.calls import api_session, outside_from_environment
from bench.contenders.floor import SECRETS, ready_status

KIND = "businesstenants"


@kopf.on.startup()
async def connect(memo: kopf.Memo, **_: Any) -> None:
    memo.api = await api_session(os.environ["KUBECONFIG"])
    memo.outside = outside_from_environment(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))


@kopf.on.cleanup()
async def disconnect(memo: kopf.Memo, **_: Any) -> None:
    await memo.api.close()
    await memo.outside.session.close()


@kopf.on.create(KIND)
@kopf.on.resume(KIND)
async def onboard(name: str, status: kopf.Status, patch: kopf.Patch, memo: kopf.Memo, **_: Any) -> None:
    if status.get("phase") == "Ready":
        return
    outside, url = memo.outside, memo.outside.server_of(name)
    number = await outside.find_number()
    await outside.owned(number)
    await outside.buy(number, name)
    await outside.owned(number)
    await outside.instance(url, name)
    await outside.state(url, name)
    token = await outside.create(url, name, number)
    body = {
        "metadata": {"name": f"{name}-evolution"},
        "data": {"token": base64.b64encode(token.encode()).decode()},
    }
    async with memo.api.post(SECRETS, json=body) as answer:
        assert answer.ok, await answer.text()
    await outside.instance(url, name)
    await outside.state(url, name)
    await outside.webhook(url, name)
    await outside.set_webhook(url, name)
    await outside.webhook(url, name)
    patch.status.update(ready_status(name, number))


@kopf.on.update(KIND, field="spec")
async def change(name: str, memo: kopf.Memo, **_: Any) -> None:
    await memo.outside.set_webhook(memo.outside.server_of(name), name)


@kopf.timer(KIND, interval=30, initial_delay=30)
async def look(name: str, memo: kopf.Memo, **_: Any) -> None:
    await memo.outside.state(memo.outside.server_of(name), name)
