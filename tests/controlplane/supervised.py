"""The starter's end of the supervisor: typed commands and answers over its two pipes."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.controlplane.errors import ControlPlaneError

LOG_TAIL_BYTES = 4000
SUPERVISOR = Path(__file__).with_name("supervisor.py")


@dataclass(frozen=True, slots=True)
class Exit:
    """A supervised process that ended by itself, and the last lines it wrote."""

    name: str
    code: int
    log: str


class Supervised:
    """A throwaway folder and the processes in it.

    Both are gone after `stop`, after a process ended by itself, and after the death of this process by any
    signal. A child this process forks without exec (multiprocessing's "fork") shares the lifeline: the
    processes then live until that child ends too.
    """

    def __init__(self) -> None:
        self._supervisor = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(SUPERVISOR)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a kill of our process group must not hit the one who cleans up
        )
        self._pids: dict[str, int] = {}
        self.folder = Path(str(self._answer()["folder"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name, in the order they were started; stopping goes the other way."""
        return dict(self._pids)

    def start(self, name: str, argv: Sequence[str]) -> None:
        """Start a process in the folder, its output in `<name>.log` there. ControlPlaneError if it cannot."""
        answer = self._ask({"name": name, "argv": list(argv)})
        if "exited" in answer:
            raise ControlPlaneError(f"{answer['exited']} exited with {answer['code']}:\n{answer['log']}")
        self._pids[name] = int(str(answer["pid"]))

    def log_tail(self, name: str) -> str:
        """The last lines a running process wrote."""
        return (self.folder / f"{name}.log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def run_at_the_end(self, argv: Sequence[str]) -> None:
        """Run a command when everything is stopped, whatever the reason."""
        self._ask({"finally": list(argv)})

    def exited(self) -> Exit | None:
        """The first process that ended by itself; the others and the folder are gone by then."""
        if self._supervisor.poll() is None:
            return None
        answer = self._answer()
        return Exit(str(answer["exited"]), int(str(answer["code"])), str(answer["log"]))

    def stop(self) -> None:
        """Stop the processes, the last one first, and remove the folder. Stopping twice does no harm."""
        if self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
        self._supervisor.wait()
        if self._supervisor.stdout is not None:
            self._supervisor.stdout.close()

    def _ask(self, command: dict[str, object]) -> dict[str, object]:
        if self._supervisor.stdin is None or self._supervisor.poll() is not None:
            raise ControlPlaneError(
                "The supervisor of the control plane has ended; start a new control plane."
            )
        self._supervisor.stdin.write(json.dumps(command).encode() + b"\n")
        self._supervisor.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, object]:
        line = self._supervisor.stdout.readline() if self._supervisor.stdout else b""
        if not line:
            raise ControlPlaneError(
                "The supervisor of the control plane was killed; its processes may be left behind."
            )
        answer: dict[str, object] = json.loads(line)
        return answer
