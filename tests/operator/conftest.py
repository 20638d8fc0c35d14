from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.controlplane.fixtures import Wanted, wanted_cluster
from tests.operator.clusters import Cluster, alone_on, embedded_cluster, real_cluster
from tests.operator.fast_clock import FastClock
from tests.operator.outside import Evolution, Telephony
from tests.operator.stage import Stage


@pytest.fixture
def kubeconfig_of_real_cluster(request: pytest.FixtureRequest) -> Iterator[Path | None]:
    """Where the real cluster is, while this test has it alone; None when the embedded one is to be used."""
    if wanted_cluster(request.config) is Wanted.SANDBOX:
        yield None
        return
    path: Path = request.getfixturevalue("control_plane").kubeconfig_path
    with alone_on(path):
        yield path


@pytest.fixture
async def cluster(kubeconfig_of_real_cluster: Path | None, tmp_path: Path) -> AsyncIterator[Cluster]:
    wanted = kubeconfig_of_real_cluster
    async with embedded_cluster(tmp_path) if wanted is None else real_cluster(wanted) as cluster:
        yield cluster


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
async def telephony(clock: FastClock) -> AsyncIterator[Telephony]:
    telephony = await Telephony.start(clock)
    yield telephony
    await telephony.close()


@pytest.fixture
async def evolution(clock: FastClock) -> AsyncIterator[Evolution]:
    evolution = await Evolution.start(clock)
    yield evolution
    await evolution.close()


@pytest.fixture
async def empty_stage(
    cluster: Cluster, telephony: Telephony, evolution: Evolution, clock: FastClock, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A cluster without provider and server; every status seen on it must keep the rules of the API."""
    stage = Stage(cluster, telephony, evolution, clock, tmp_path)
    await stage.open()
    yield stage
    await stage.close()
    assert not stage.watch.broken, "\n".join(stage.watch.broken)


@pytest.fixture
async def stage(empty_stage: Stage) -> Stage:
    """A cluster with one provider and one server."""
    await empty_stage.apply_fleet()
    return empty_stage
