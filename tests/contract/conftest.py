"""A fake Evolution for replays, and somebody who listens to its webhooks."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.fakes.receiver import Receiver

from .evolution_replay import Replay, replaying


@pytest.fixture
async def replay(request: pytest.FixtureRequest) -> AsyncIterator[Replay]:
    """A fake that has been asked nothing yet."""
    async with replaying(request.node.user_properties) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()
