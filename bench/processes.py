"""A process that is measured: what it used of CPU and memory, from Linux' /proc."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 30.0


class ProcessFailedError(Exception):
    """A process of the benchmark ended by itself, or did not say in time what it should have said."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used since it began."""

    cpu_seconds: float
    rss_mb: float
    peak_rss_mb: float


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used in all its threads, for itself and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


class MeasuredProcess:
    """A Python process with its output in a file; ended by its id alone."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.started = time.monotonic()

    @classmethod
    async def start(
        cls, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Start `python <arguments>`."""
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                env={**os.environ, **(environment or {})},
                stdout=output,
                stderr=output,
            )
        return cls(process, log)

    def check(self) -> None:
        """Raise ProcessFailedError with the last lines of its output when it has ended."""
        if self._process.returncode is not None:
            tail = self._log.read_text(errors="replace")[-2000:]
            raise ProcessFailedError(f"A process ended with {self._process.returncode}:\n{tail}")

    def usage(self) -> Usage:
        """What it has used so far. Raises ProcessFailedError."""
        self.check()
        memory = dict(
            re.findall(
                r"^(VmRSS|VmHWM):\s+(\d+) kB$",
                Path(f"/proc/{self._process.pid}/status").read_text(),
                flags=re.MULTILINE,
            )
        )
        cpu = cpu_seconds(self._process.pid)
        return Usage(cpu, int(memory["VmRSS"]) / 1024, int(memory["VmHWM"]) / 1024)

    async def said(self, pattern: str, within: float = 60.0) -> str:
        """What the first group of `pattern` matches in its output, once it does. Raises ProcessFailedError."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = re.search(pattern, self._log.read_text(errors="replace"))
            if found is not None:
                return found[1]
            self.check()
            await asyncio.sleep(0.02)
        raise ProcessFailedError(f"{pattern} was not printed within {within:.0f} s.")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not obeyed."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def kill(self) -> None:
        """SIGKILL, for one that has nothing to finish."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def ended(self, within: float) -> None:
        """Wait until it ends by itself, without an error. Raises ProcessFailedError, TimeoutError."""
        if await asyncio.wait_for(self._process.wait(), within) != 0:
            self.check()
