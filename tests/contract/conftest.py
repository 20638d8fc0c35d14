"""A fake Evolution for replays."""

from collections.abc import AsyncIterator

import pytest

from .evolution_replay import Replay, replaying


@pytest.fixture
async def replay(request: pytest.FixtureRequest) -> AsyncIterator[Replay]:
    """A fake that has been asked nothing yet."""
    async with replaying(request.node.user_properties) as running:
        yield running
