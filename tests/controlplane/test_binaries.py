"""Which way to a real API server is taken, and what is said where there is none."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.controlplane import build
from tests.controlplane.binaries import Binaries, ExistingCluster, Kind, find
from tests.controlplane.errors import BuildError, UnavailableError


def executable(path: Path, script: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def fake_go(folder: Path, version: str, toolchain: str = "auto", on_build: str = "exit 0") -> Path:
    """A go command of some version; it writes its arguments and GOTOOLCHAIN beside itself when it builds."""
    return executable(
        folder / "go",
        f"""case "$1 $2" in
"env GOVERSION") echo {version} ;;
"env GOTOOLCHAIN") echo {toolchain} ;;
*) echo "$GOTOOLCHAIN $*" >> {folder}/calls
   {on_build} ;;
esac""",
    )


OUTPUT = 'while [ "$1" != -o ]; do shift; done; echo "#!/bin/sh" > "$2"; chmod +x "$2"'
"""Does what `go build -o FILE` does, in a shell."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine with nothing on it."""
    return {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path / "home")}


@pytest.fixture(autouse=True)
def no_real_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools installed on the machine that runs this are not found, only those of the test's own folder."""
    own = str(tmp_path / "bin")

    def which(name: str, path: str | None = None) -> str | None:
        candidate = Path(own) / name
        return str(candidate) if candidate.exists() else None

    monkeypatch.setattr("shutil.which", which)


def test_a_kubeconfig_for_tests_comes_before_everything(tmp_path: Path, environment: dict[str, str]) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    environment |= {"KUBECONFIG_TEST": str(kubeconfig), "KUBEBUILDER_ASSETS": str(tmp_path / "missing")}

    assert find(environment) == ExistingCluster(kubeconfig)


@pytest.mark.parametrize("controller_manager", [True, False])
def test_assets_come_before_go(tmp_path: Path, environment: dict[str, str], controller_manager: bool) -> None:  # noqa: FBT001
    assets = tmp_path / "assets"
    etcd, api_server = executable(assets / "etcd"), executable(assets / "kube-apiserver")
    third = executable(assets / "kube-controller-manager") if controller_manager else None
    fake_go(tmp_path / "bin", "go1.26.8")
    environment["KUBEBUILDER_ASSETS"] = str(assets)

    assert find(environment) == Binaries(etcd, api_server, third)
    assert not (tmp_path / "bin" / "calls").exists()


def test_go_builds_once(tmp_path: Path, environment: dict[str, str]) -> None:
    fake_go(tmp_path / "bin", "go1.26.8", on_build=OUTPUT)
    said: list[str] = []

    first = find(environment, progress=said.append)
    again = find(environment, progress=said.append)

    assert isinstance(first, Binaries)
    assert first == again
    assert first.etcd.parent.is_relative_to(tmp_path / "home" / ".cache" / "business-tenant-operator")
    assert first.etcd.samefile(first.kube_apiserver)
    calls = (tmp_path / "bin" / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].startswith("local build ")
    assert "component-base/version.gitVersion=v1.36." in calls[0]
    assert "Building Kubernetes v1.36." in said[0]


def test_two_runs_at_the_same_time_build_once(tmp_path: Path, environment: dict[str, str]) -> None:
    fake_go(tmp_path / "bin", "go1.26.8", on_build=f"sleep 0.3; {OUTPUT}")
    said: list[str] = []

    with ThreadPoolExecutor(2) as runs:
        first, second = runs.map(lambda _: find(environment, progress=said.append), range(2))

    assert first == second
    assert len((tmp_path / "bin" / "calls").read_text().splitlines()) == 1
    assert "Another process is building the control plane; waiting for it." in said


def test_what_was_built_is_found_without_go(tmp_path: Path, environment: dict[str, str]) -> None:
    go = fake_go(tmp_path / "bin", "go1.26.8", on_build=OUTPUT)
    built = find(environment, progress=lambda _: None)
    go.unlink()

    assert find(environment) == built


def test_a_build_that_fails_tells_what_the_compiler_said_and_is_tried_again(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    fake_go(tmp_path / "bin", "go1.26.8", on_build="echo main.go:1: broken >&2; exit 1")
    with pytest.raises(BuildError, match=r"main\.go:1: broken"):
        find(environment, progress=lambda _: None)

    fake_go(tmp_path / "bin", "go1.26.8", on_build=OUTPUT)
    assert isinstance(find(environment, progress=lambda _: None), Binaries)


@pytest.mark.parametrize("version", ["go1.25.4", "go1.27.0", "go1.27rc1"])
def test_another_go_fetches_the_pinned_one(tmp_path: Path, environment: dict[str, str], version: str) -> None:
    fake_go(tmp_path / "bin", version)

    assert build.find_go(environment) == build.Go(str(tmp_path / "bin" / "go"), build.GO_TOOLCHAIN)


@pytest.mark.parametrize("version", ["go1.25.4", "go1.27.0"])
def test_another_go_that_may_not_fetch_is_refused(
    tmp_path: Path, environment: dict[str, str], version: str
) -> None:
    fake_go(tmp_path / "bin", version, toolchain="local")

    with pytest.raises(
        UnavailableError, match=f"is {version}, .* needs Go 1.26, neither older nor newer"
    ) as error:
        find(environment)
    assert "GOTOOLCHAIN=auto" in str(error.value)


@pytest.mark.parametrize(("docker_info", "found"), [("exit 0", True), ("exit 1", False)])
def test_kind_is_the_last_way_and_needs_a_daemon_that_answers(
    tmp_path: Path,
    environment: dict[str, str],
    docker_info: str,
    found: bool,  # noqa: FBT001
) -> None:
    kind = executable(tmp_path / "bin" / "kind")
    executable(tmp_path / "bin" / "docker", docker_info)

    if found:
        assert find(environment) == Kind(kind)
    else:
        with pytest.raises(UnavailableError):
            find(environment)


def test_where_there_is_no_way_it_says_what_to_install(environment: dict[str, str]) -> None:
    with pytest.raises(
        UnavailableError, match=r"there is no go on the PATH\): install Go 1.26 .*KUBEBUILDER_ASSETS"
    ):
        find(environment)


@pytest.mark.parametrize("name", ["KUBECONFIG_TEST", "KUBEBUILDER_ASSETS"])
def test_a_way_asked_for_that_is_not_there_is_an_error_not_a_reason_for_the_next(
    tmp_path: Path, environment: dict[str, str], name: str
) -> None:
    fake_go(tmp_path / "bin", "go1.26.8", on_build=OUTPUT)
    environment[name] = str(tmp_path / "missing")

    with pytest.raises(UnavailableError, match=r"missing.*unset it"):
        find(environment)
