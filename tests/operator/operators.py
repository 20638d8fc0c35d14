"""The operator as a test runs it: in this process, or as a process of its own that can be killed."""

import asyncio
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from controller.operator import run_operator
from controller.runtime.environment import apply_environment
from controller.runtime.settings import Settings
from tests.operator.clusters import Cluster
from tests.operator.eventually import eventually
from tests.operator.fast_clock import FastClock

_PORT = re.compile(r"probes_port=(\d+)")


class Operator(Protocol):
    """A running operator; `port` is that of its probes."""

    port: int

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """End it as Kubernetes does: what is under way is finished."""
        ...

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        ...


class OperatorTask:
    """The operator as a task of this process, on a fast clock."""

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        clock: FastClock,
        environment: dict[str, str] | None = None,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._clock = clock
        self._environment = environment or {}
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        ready = asyncio.Event()

        def on_ready(port: int) -> None:
            self.port = port
            ready.set()

        self._stop = asyncio.Event()
        self._task = asyncio.create_task(
            run_operator(
                self._settings,
                await self._cluster.configuration(),
                stop=self._stop,
                clock=self._clock,
                on_ready=on_ready,
                prepare=lambda process: apply_environment(
                    process.api, self._settings.operator_namespace, self._environment
                ),
            ),
            name="operator",
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([self._task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        if self._task is not None:
            self._stop.set()
            task, self._task = self._task, None
            await task

    async def kill(self) -> None:
        if self._task is not None:
            self._task.cancel()
            task, self._task = self._task, None
            with suppress(asyncio.CancelledError):
                await task


class OperatorProcess:
    """The operator as `tenant-operator run`, on the machine's clock."""

    def __init__(
        self, cluster: Cluster, settings: Settings, log: Path, environment: dict[str, str] | None = None
    ) -> None:
        self._arguments = [
            f"--kubeconfig={cluster.kubeconfig}",
            f"--cluster-id={settings.cluster_id}",
            f"--operator-namespace={settings.operator_namespace}",
            f"--namespaces={','.join(settings.namespaces)}",
            f"--sale-check-interval={settings.sale_check_interval.total_seconds():g}s",
            f"--lease-duration={settings.lease_duration.total_seconds():g}s",
            "--probe-address=127.0.0.1",
            "--probe-port=0",
            "--pairing-port=0",
        ]
        self._environment = environment or {}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "controller.cli.main",
                "run",
                *self._arguments,
                env=os.environ | self._environment,
                stdout=log,
                stderr=log,
            )
        self.port = await eventually(self._said_port, told=self._log.read_text)

    async def _said_port(self) -> int:
        assert self._process is not None
        assert self._process.returncode is None, self._log.read_text()
        said = _PORT.search(self._log.read_text())
        return int(said[1]) if said else 0

    async def stop(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0, self._log.read_text()

    def pause(self) -> None:
        """Stop it where it stands, without its knowing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            await process.wait()
