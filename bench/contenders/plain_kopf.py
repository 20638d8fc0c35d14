"""The operator that kopf's tutorial leads to, for comparison: handlers for creation, update and resumption, and a timer
for each tenant. It makes the same outside calls as ours, and none of the writes that keep money safe: no claim, no
intent, no look before the purchase is repeated. Crashed in the wrong moment, it buys twice.

`kopf run --standalone -n tenants bench/contenders/plain_kopf.py`, with KUBECONFIG and BENCH_OUTSIDE set.
"""

import os
from typing import Any

import aiohttp
import kopf

from bench.contenders import bodies
from bench.contenders.calls import api_session, new_token, outside_from_environment
from bench.contenders.floor import SECRETS

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
async def onboard(
    name: str, uid: str, status: kopf.Status, patch: kopf.Patch, memo: kopf.Memo, **_: Any
) -> None:
    if status.get("phase") == "Ready":
        return
    outside, url = memo.outside, memo.outside.server_of(name)
    number = await outside.find_number()
    await outside.owned(number)
    number_id = await outside.buy(number, name)
    await outside.owned(number)
    await outside.state(url, name)
    token = new_token(name)
    async with memo.api.post(SECRETS, json=bodies.token_secret(name, uid, token)) as answer:
        assert answer.ok, await answer.text()
    await outside.create(url, name, number, token)
    instance_id = await outside.instance(url, name)
    await outside.webhook(url, name)
    server = f"evolution-{outside.evolution.index(url)}"
    patch.status.update(bodies.ready_status(bodies.Onboarded(name, number, number_id, server, instance_id)))


@kopf.on.update(KIND, field="spec")
async def change(name: str, memo: kopf.Memo, **_: Any) -> None:
    await memo.outside.set_webhook(memo.outside.server_of(name), name)


@kopf.timer(KIND, interval=30, initial_delay=30)
async def look(name: str, memo: kopf.Memo, **_: Any) -> None:
    await memo.outside.state(memo.outside.server_of(name), name)
