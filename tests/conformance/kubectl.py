"""kubectl as people use it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.conformance.api_client import Body
from tests.controlplane.cluster import find_kubectl

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """What a successful command printed, without the line's end."""
        assert self.code == 0, self.err or self.out
        return self.out.strip()


class Kubectl:
    """One kubectl, in one namespace."""

    def __init__(self, executable: str, kubeconfig: Path, namespace: str, folder: Path) -> None:
        self._base = [executable, f"--kubeconfig={kubeconfig}", f"--namespace={namespace}"]
        # Discovery is cached by host and port, and another server may have had ours.
        self._environment = {**os.environ, "KUBECACHEDIR": str(folder / "cache"), "HOME": str(folder)}

    def __call__(self, *arguments: str, stdin: Body | str = "", editor: str = "") -> Said:
        text = stdin if isinstance(stdin, str) else yaml.safe_dump(stdin)
        done = subprocess.run(  # noqa: S603
            [*self._base, *arguments],
            input=text,
            env=self._environment | ({"KUBE_EDITOR": editor} if editor else {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that goes on; the caller ends it."""
        return subprocess.Popen(  # noqa: S603
            [*self._base, *arguments], env=self._environment, stdout=subprocess.PIPE, text=True
        )


def newest() -> str:
    """The kubectl of this virtual environment."""
    return find_kubectl()


def installed() -> str | None:
    """The machine's own kubectl, usually another version; None where there is none."""
    beside_python = Path(newest()).parent
    folders = [
        folder for folder in os.environ.get("PATH", "").split(os.pathsep) if Path(folder) != beside_python
    ]
    return shutil.which("kubectl", path=os.pathsep.join(folders))
