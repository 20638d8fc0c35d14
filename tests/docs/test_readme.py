"""The README is true: its tutorial runs as printed, its links and targets exist."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.console import ROOT, commands_between, run, sandbox

README = (ROOT / "README.md").read_text()
TUTORIAL = ("<!-- tutorial", "<!-- end of tutorial -->")


def shape(line: str) -> str:
    """A printed line without what differs from run to run: numbers, ages, widths of columns."""
    line = re.sub(r"\+[1-9]\d{6,14}", "+NUMBER", line)
    line = re.sub(r"\b\d+m?s\b|\b\d+m\d+s\b", "AGE", line)
    line = re.sub(r" deleted from \w+ namespace", " deleted", line)
    return re.sub(r"\s+", " ", line).strip()


async def test_the_tutorial_runs_as_printed(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    arguments = ("--apply", "manifests/samples", "--write-kubeconfig", str(kubeconfig))
    async with sandbox(*arguments, until="Ctrl-C ends it.") as printed:
        assert "9/9 tenants Ready" in printed
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"KUBECONFIG": str(kubeconfig), "PATH": path}
        commands = [
            entry for entry in commands_between(README, *TUTORIAL) if not entry[0].startswith("export ")
        ]
        assert len(commands) >= 8
        for command, expected in commands:
            code, output = await run(command, environment)
            refused = [line.removeprefix("! ") for line in expected if line.startswith("! ")]
            if refused:
                assert code != 0, output
                assert all(sentence in output for sentence in refused), output
                continue
            assert code == 0, f"{command}\n{output}"
            wanted = {shape(line) for line in expected if line}
            assert wanted <= {shape(line) for line in output.splitlines()}, f"{command}\n{output}"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z-]+)", README))))
def test_every_make_target_that_is_named_exists(target: str) -> None:
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(((?!https?:)[^)#]+)\)", README))))
def test_every_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("folder", re.findall(r"^\| `([\w./]+)` \|", README, re.MULTILINE))
def test_every_folder_that_is_explained_exists(folder: str) -> None:
    assert (ROOT / folder).exists()


def test_a_kubectl_is_there_for_the_tutorial() -> None:
    assert shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
