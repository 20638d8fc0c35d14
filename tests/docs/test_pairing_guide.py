"""The guide to pairing is true: its commands run as printed, in one shell after another, against a sandbox."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.docs.console import ROOT, commands_between, run, sandbox

GUIDE = (ROOT / "docs" / "pairing.md").read_text()
APPLIED = ("manifests/samples/namespace.yaml", "docs/tutorial/sunrise-cafe.yaml")


def pattern(line: str) -> str:
    """What a printed line looks like with other numbers and codes; `...` is left out of the guide."""
    escaped = re.escape(line).replace(r"\.\.\.", ".+")
    escaped = re.sub(r"\\\+\d+", r"\\+[0-9]+", escaped)
    return escaped.replace(r"ABCD\-EFGH", "[0-9A-Z]{4}-[0-9A-Z]{4}")


async def test_the_guide_runs_as_printed(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    arguments = [argument for path in APPLIED for argument in ("--apply", path)]
    arguments += ["--manual-pairing", "--write-kubeconfig", str(kubeconfig)]
    async with sandbox(*arguments, until="WaitingForPairing") as printed:
        pairing = re.search(
            r'-H "Authorization: Bearer sandbox" (\S+)/NAMESPACE/tenants/NAME/pairing', printed
        )
        evolution = re.search(r"^Evolution +(\S+)$", printed, re.MULTILINE)
        assert pairing, printed
        assert evolution, printed
        environment = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PAIRING": f"{pairing[1]}/tenants/tenants",
            "EVOLUTION": evolution[1],
        }
        commands = commands_between(GUIDE, "<!-- guide", "<!-- end of guide -->")
        assert len(commands) >= 8
        for command, expected in commands:
            code, output = await run(command, environment)
            assert code == 0, f"{command}\n{output}"
            for line in filter(None, expected):
                assert re.search(pattern(line), output), f"{command}\n{line}\n{output}"


def test_the_guide_names_what_the_manifests_ship() -> None:
    base = "".join(path.read_text() for path in (ROOT / "manifests" / "base").glob("pairing-*.yaml"))
    for name in ("tenant-pairing", "tenant-pairing-connect", "tenant-operator-pairing"):
        assert f"name: {name}\n" in base
        assert name in GUIDE


@pytest.mark.parametrize("status", ["200", "202", "400", "401", "403", "404", "409", "429", "501", "503"])
def test_every_answer_is_explained(status: str) -> None:
    assert re.search(rf"^\|.*\b{status}\b.*\|", GUIDE, re.MULTILINE)
