"""Commands of a document, run as printed."""

import asyncio
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


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
