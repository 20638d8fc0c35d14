"""Commands of a document, run as printed."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


def commands_between(text: str, begin: str, end: str) -> list[tuple[str, list[str]]]:
    """Each command of the consoles between two marks, with the lines printed under it."""
    commands: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text.partition(begin)[2].partition(end)[0], re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append((line.removeprefix("$ "), []))
            else:
                commands[-1][1].append(line)
    return commands


async def run(command: str, environment: dict[str, str]) -> tuple[int, str]:
    """Exit code, and what was printed."""
    process = await asyncio.create_subprocess_shell(
        command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode or 0, output.decode()


@asynccontextmanager
async def sandbox(*arguments: str, until: str) -> AsyncIterator[str]:
    """A sandbox; what it printed until it printed a certain text."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "controller.cli.main", "sandbox", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield await asyncio.wait_for(_printed(process, until), START_SECONDS)
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 20)


async def _printed(process: asyncio.subprocess.Process, until: str) -> str:
    assert process.stdout is not None
    printed = ""
    while until not in printed:
        line = (await process.stdout.readline()).decode()
        assert line, f"the sandbox ended early:\n{printed}"
        printed += line
    return printed
