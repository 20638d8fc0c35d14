"""Builds the control plane from the pinned Go module, once per machine."""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.controlplane.errors import BuildError

MODULE = Path(__file__).with_name("module")
MODULE_FILES = ("go.mod", "go.sum", "main.go")
NAMES = ("etcd", "kube-apiserver", "kube-controller-manager")

GO_SERIES = "go1.26."
GO_TOOLCHAIN = "go1.26.8"
"""What a Go of another version is asked to fetch. Kubernetes 1.36 must not be built with Go 1.27 or newer:
its encoding/json breaks /openapi/v2 and /openapi/v3 and with them `kubectl apply` (measured)."""

PROGRESS_SECONDS = 5.0
ERROR_LINES = 30

Progress = Callable[[str], None]


def print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


@dataclass(frozen=True, slots=True)
class Go:
    """A Go command, and the GOTOOLCHAIN that makes it Go 1.26."""

    executable: str
    toolchain: str


@dataclass(frozen=True, slots=True)
class NoGo:
    """Why Go cannot build this; the end of a sentence."""

    reason: str


def find_go(environment: Mapping[str, str] = os.environ) -> Go | NoGo:
    """Go 1.26 as installed, or another Go that may fetch it (`GOTOOLCHAIN` is not `local`)."""
    executable = shutil.which("go", path=environment.get("PATH"))
    if executable is None:
        return NoGo("there is no go on the PATH")
    installed = go_env(executable, "GOVERSION", {**environment, "GOTOOLCHAIN": "local"})
    if installed.startswith(GO_SERIES):
        return Go(executable, "local")
    if go_env(executable, "GOTOOLCHAIN", environment) in {"local", ""}:
        return NoGo(
            f"{executable} is {installed or 'not working'}, Kubernetes 1.36 needs Go 1.26, neither older nor "
            "newer, and GOTOOLCHAIN=local forbids to fetch it; GOTOOLCHAIN=auto would allow it"
        )
    return Go(executable, GO_TOOLCHAIN)


def go_env(executable: str, name: str, environment: Mapping[str, str]) -> str:
    # Outside of the module: its go.mod would choose a toolchain before the question is answered.
    answer = subprocess.run(  # noqa: S603
        [executable, "env", name],
        cwd=tempfile.gettempdir(),
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip()


def kubernetes_version() -> str:
    """The pinned version, such as `v1.36.3`; go.mod is its only source."""
    match = re.search(r"^\tk8s\.io/kubernetes (v\S+)$", (MODULE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildError(f"{MODULE / 'go.mod'} requires no k8s.io/kubernetes.")
    return match.group(1)


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the binaries of this very module, for this very platform, are kept."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()} {ldflags()}".encode())
    for name in MODULE_FILES:
        digest.update((MODULE / name).read_bytes())
    cache = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or Path.home()) / ".cache"
    return Path(cache) / "business-tenant-operator" / "control-plane" / digest.hexdigest()[:16]


def cached(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of an earlier build, if there is one: no Go is needed then."""
    folder = cache_folder(environment)
    return folder if folder.is_dir() else None


def build(
    go: Go, environment: Mapping[str, str] = os.environ, *, progress: Progress = print_progress
) -> Path:
    """Build into the user's cache unless it is there; the folder with the three executables.

    Takes about 6 minutes of two cores and 2.2 GB of memory with an empty Go cache (measured), 100 MB of
    downloads. A second caller waits for the first. Raises BuildError.
    """
    folder = cache_folder(environment)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock"), progress):
        if folder.is_dir():
            return folder
        # Renamed when complete: a build that is killed half-way leaves nothing that looks like one.
        building = folder.with_suffix(".building")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        compile_binary(go, environment, building / NAMES[0], progress)
        for name in NAMES[1:]:
            (building / name).hardlink_to(building / NAMES[0])
        building.rename(folder)
    return folder


@contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file; the kernel releases it when this process ends, however it ends."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Another process is building the control plane; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ldflags() -> str:
    """Without the version clients would see v0.0.0."""
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".", 2)
    package = "k8s.io/component-base/version"
    return (
        f"-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
    )


def compile_binary(go: Go, environment: Mapping[str, str], output: Path, progress: Progress) -> None:
    variables = {
        **environment,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": go.toolchain,
        "GOWORK": "off",
        "GOFLAGS": "-mod=readonly",  # the developer's own GOFLAGS may not change what is pinned
    }
    argv = [
        go.executable,
        "build",
        "-v",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        ldflags(),
        "-o",
        str(output),
        ".",
    ]
    if (nice := shutil.which("nice")) is not None:
        argv = [nice, *argv]
    progress(f"Building Kubernetes {kubernetes_version()} for the tests (once; 6 minutes on two idle cores).")
    started = time.monotonic()
    with subprocess.Popen(  # noqa: S603
        argv, cwd=MODULE, env=variables, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as compiler:
        try:
            said = follow(compiler, started, progress)
        except BaseException:
            compiler.terminate()
            raise
    if compiler.returncode != 0:
        raise BuildError(f"go build of {MODULE} failed with {compiler.returncode}:\n" + "\n".join(said))
    progress(f"Built Kubernetes {kubernetes_version()} in {time.monotonic() - started:.0f} s.")


@dataclass(slots=True)
class Said:
    """What `go build -v` has written so far: a line for each download and each compiled package."""

    downloads: int = 0
    packages: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=ERROR_LINES))

    def line(self, line: str) -> None:
        if line.startswith("go: downloading "):
            self.downloads += 1
        else:
            self.packages += 1
            self.last.append(line)


def follow(compiler: subprocess.Popen[str], started: float, progress: Progress) -> deque[str]:
    """Tell how far the compiler is every few seconds until it ends; the last lines it wrote."""
    said = Said()

    def read() -> None:
        for line in compiler.stderr or ():
            said.line(line.rstrip())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while reader.is_alive():
        reader.join(PROGRESS_SECONDS)
        progress(
            f"{time.monotonic() - started:4.0f} s: {said.downloads} modules downloaded, "
            f"{said.packages} packages compiled of about {PACKAGES}"
        )
    return said.last


PACKAGES = 2500
"""Packages behind the one binary, the standard library included; only for the progress line."""
