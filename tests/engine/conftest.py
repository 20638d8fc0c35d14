import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import structlog

from tests.runtime.pairing_client import PairingClient, pairing_client

from .process import OperatorProcess
from .tenants import tenant
from .wire import Wire
from .world import NAMESPACE, World, running_world


@pytest.fixture(autouse=True, scope="session")
def one_tls_context() -> Iterator[None]:
    """Nothing here speaks TLS, but every connection would load the machine's certificates, which takes 0.2 s."""
    with pytest.MonkeyPatch.context() as patches:
        context = ssl.create_default_context()
        patches.setattr(ssl, "create_default_context", lambda *_, **__: context)
        yield


StartWorld = Callable[..., AbstractAsyncContextManager[World]]
RecordProperty = Callable[[str, object], None]


@pytest.fixture
def start_world(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> StartWorld:
    """Starts a world of its own; when it ends, no secret may have been seen anywhere."""

    @asynccontextmanager
    async def start(**options: Any) -> AsyncIterator[World]:
        with monkeypatch.context() as patches, structlog.testing.capture_logs() as lines:
            wire = Wire()
            wire.attach(patches)
            async with running_world(wire, **options) as world:
                world.log_lines = lines
                yield world
                texts = [*wire.texts, *map(str, lines), caplog.text]
                shown = [secret for secret in world.secrets() for text in texts if secret in text]
                assert not shown, f"shown: {shown}"

    return start


@pytest.fixture
async def world(start_world: StartWorld) -> AsyncIterator[World]:
    async with start_world() as world:
        yield world


@pytest.fixture
async def operator(world: World) -> OperatorProcess:
    """That of a tenant which waits for nobody, or only for somebody to pair it."""
    return await world.ready(tenant())


@pytest.fixture
async def desk(operator: OperatorProcess) -> AsyncIterator[PairingClient]:
    async with pairing_client(operator.process.pairing.application(), NAMESPACE) as desk:
        yield desk
