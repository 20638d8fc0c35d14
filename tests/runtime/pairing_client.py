"""The pairing API as a client of it sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from aiohttp import web

from controller.runtime.http_server import serve

ADMINISTRATOR = "administrator"
"""A token of somebody who may do everything at the embedded API server."""


@dataclass(frozen=True)
class PairingClient:
    http: httpx.AsyncClient
    namespace: str

    async def pair(
        self, name: str = "cafe", *, token: str | None = ADMINISTRATOR, **wish: str
    ) -> httpx.Response:
        return await self.post(f"{name}/pairing", token=token, body=wish)

    async def verification_sms(
        self, name: str = "cafe", *, token: str | None = ADMINISTRATOR
    ) -> httpx.Response:
        return await self.post(f"{name}/verification-sms", token=token, body={})

    async def post(self, path: str, *, token: str | None, body: Any) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = f"/v1/namespaces/{self.namespace}/tenants/{path}"
        return await self.http.post(url, headers=headers, json=body)


@asynccontextmanager
async def pairing_client(application: web.Application, namespace: str) -> AsyncIterator[PairingClient]:
    """Serve the application on a free port while the context is open."""
    async with (
        serve(application, 0, host="127.0.0.1") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as http,  # noqa: S501
    ):
        yield PairingClient(http, namespace)
