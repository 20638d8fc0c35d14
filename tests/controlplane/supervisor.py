"""Owns the processes and the folder of one control plane and ends them when whoever started it is gone.

Run as a script; standard library only, so that it is up in milliseconds. It reads one JSON command a line
from standard input and answers on standard output. Standard input is the lifeline: the kernel closes the
other end when the starter exits in any way, SIGKILL included, and end-of-file means stop everything.

Why a process on a pipe and not PR_SET_PDEATHSIG: that signal is bound to the *thread* that forked (a control
plane started in a worker thread would die with the thread), exists on Linux only, cannot remove a folder, and
cannot stop kube-apiserver before etcd.

    -> {"name": "etcd", "argv": ["/path/etcd", "--name=x"]}
    <- {"folder": "/tmp/control-plane-x"}                        first, unasked
    <- {"started": "etcd", "pid": 4711}
    <- {"exited": "etcd", "code": 1, "log": "its last lines"}    then everything is stopped
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

POLL_SECONDS = 0.1
GRACE_SECONDS = 5.0
"""A running kube-apiserver needs 1 s (measured); one that is still starting may ignore SIGTERM."""
LOG_TAIL_BYTES = 4000
STDIN = 0


def main() -> None:
    # The terminal's Ctrl-C and hang-up are for the starter, whose end is noticed on the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = Path(tempfile.mkdtemp(prefix="control-plane-"))
    running: dict[str, subprocess.Popen[bytes]] = {}
    finally_run: list[list[str]] = []
    # Nobody may be left to read the answers: the clean-up below is then all that matters.
    with contextlib.suppress(BrokenPipeError):
        try:
            answer({"folder": str(folder)})
            serve(folder, running, finally_run)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for process in reversed(running.values()):
                end(process)
            for argv in finally_run:
                subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603
            shutil.rmtree(folder, ignore_errors=True)


def serve(folder: Path, running: dict[str, subprocess.Popen[bytes]], finally_run: list[list[str]]) -> None:
    """Start what is asked for until the starter is gone or one of the processes exits."""
    for line in lines_until_idle():
        if line:
            command = json.loads(line)
            if "finally" in command:
                finally_run.append(command["finally"])
                answer({"noted": True})
            else:
                start(folder, running, command["name"], command["argv"])
        for name, process in running.items():
            if process.poll() is not None:
                log = (folder / f"{name}.log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
                answer({"exited": name, "code": process.returncode, "log": log})
                return


def lines_until_idle() -> Iterator[bytes]:
    """Each line of standard input, and an empty one whenever none came for a while; ends at end-of-file."""
    pending = b""
    while True:
        if select.select([STDIN], [], [], POLL_SECONDS)[0]:
            received = os.read(STDIN, 65536)
            if not received:
                return
            *lines, pending = (pending + received).split(b"\n")
            yield from lines
        else:
            yield b""


def start(folder: Path, running: dict[str, subprocess.Popen[bytes]], name: str, argv: list[str]) -> None:
    with (folder / f"{name}.log").open("wb") as log:
        try:
            process = subprocess.Popen(  # noqa: S603
                argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        except OSError as error:
            answer({"exited": name, "code": error.errno, "log": str(error)})
            raise SystemExit(1) from error
    running[name] = process
    answer({"started": name, "pid": process.pid})


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answer(message: dict[str, object]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
