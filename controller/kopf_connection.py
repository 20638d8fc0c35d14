"""kopf's way to the API server: with our credentials, and without what makes long lists expensive."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp
import kopf
import orjson
from kubernetes.aio.client.configuration import Configuration

from controller.runtime.kube_connection import USER_AGENT, look_for_proxy_once, tls_of

TOKEN_LIFETIME: Final = timedelta(minutes=5)


class _Answer(aiohttp.ClientResponse):
    async def json(
        self,
        *,
        encoding: str | None = None,
        loads: Any = orjson.loads,
        content_type: str | None = "application/json",
    ) -> Any:
        """A page of 500 tenants in a third of the time that the standard library takes."""
        return await super().json(encoding=encoding, loads=loads, content_type=content_type)


async def kopf_session(configuration: Configuration) -> kopf.AiohttpSession:
    """The credentials our own connection uses; tokens are asked for anew every few minutes. kopf closes it."""
    look_for_proxy_once(configuration)
    token = (await configuration.auth_settings()).get("BearerToken", {}).get("value")
    headers = {"User-Agent": f"{USER_AGENT} (watch)"}
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls_of(configuration), limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers | ({"Authorization": token} if token else {}),
        proxy=configuration.proxy,
        response_class=_Answer,
    )
    return kopf.AiohttpSession(
        server=configuration.host,
        aiohttp_session=session,
        expiration=datetime.now(UTC) + TOKEN_LIFETIME if token else None,
    )
