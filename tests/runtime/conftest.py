from collections.abc import AsyncIterator

import pytest

from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, anonymous
from controller.sandbox.apiserver import ApiServer


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    """An API server, started by `server_url`."""
    server = ApiServer()
    yield server
    await server.stop()


@pytest.fixture
async def server_url(server: ApiServer) -> str:
    """The base URL of a running API server."""
    return await server.start()


@pytest.fixture
async def api(server_url: str) -> AsyncIterator[KubeApi]:
    connection = KubeConnection(anonymous(server_url))
    yield KubeApi(connection)
    await connection.close()
