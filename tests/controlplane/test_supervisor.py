"""The supervisor ends what it started, whatever happens to its starter. Driven with small processes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.processes import alive, assert_vanish
from tests.controlplane.supervised import Supervised

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 15.0

SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]

STARTER = f"""
import signal, time
# A shell that starts the tests in the background may have them ignored, and children inherit that.
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
from tests.controlplane.supervised import Supervised
supervised = Supervised()
supervised.start("first", {SLEEPER!r})
supervised.start("second", {SLEEPER!r})
print(supervised.folder, *supervised.pids.values(), flush=True)
time.sleep(600)
"""


def says_when_told_to_stop(name: str, journal: Path) -> list[str]:
    """A process that notes its name in the journal on SIGTERM; it notes `up` when it is ready for that."""
    code = (
        "import signal, sys\n"
        "def note(text):\n"
        "    with open(sys.argv[2], 'a') as journal: journal.write(text + '\\n')\n"
        "def stop(*_):\n"
        "    note(sys.argv[1]); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "note('up')\n"
        "while True: signal.pause()\n"
    )
    return [sys.executable, "-I", "-S", "-c", code, name, str(journal)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_processes_and_folder_vanish_with_a_starter_that_is_killed(how: signal.Signals) -> None:
    starter = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    folder, *pids = starter.stdout.readline().split()
    assert Path(folder).is_dir()
    assert all(alive(int(pid)) for pid in pids)

    starter.send_signal(how)
    starter.wait(WAIT_SECONDS)
    starter.stdout.close()

    assert_vanish(Path(folder), [int(pid) for pid in pids])


def test_the_last_process_is_stopped_first(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with Supervised() as supervised:
        for name in ("etcd", "kube-apiserver", "kube-controller-manager"):
            supervised.start(name, says_when_told_to_stop(name, journal))
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and (not journal.exists() or journal.read_text().count("up") < 3):
            time.sleep(0.02)

    assert journal.read_text().split() == [
        *("up", "up", "up"),
        *("kube-controller-manager", "kube-apiserver", "etcd"),
    ]


def test_a_process_that_dies_is_told_with_its_last_words_and_takes_the_others_with_it() -> None:
    with Supervised() as supervised:
        supervised.start("healthy", SLEEPER)
        supervised.start("broken", [sys.executable, "-I", "-S", "-c", "raise SystemExit('port is taken')"])
        deadline = time.monotonic() + WAIT_SECONDS
        while (exited := supervised.exited()) is None and time.monotonic() < deadline:
            time.sleep(0.02)

        assert exited is not None
        assert (exited.name, exited.code, exited.log) == ("broken", 1, "port is taken\n")
        assert_vanish(supervised.folder, [supervised.pids["healthy"]])


def test_an_executable_that_is_not_there_is_told() -> None:
    with (
        Supervised() as supervised,
        pytest.raises(ControlPlaneError, match=r"etcd exited with 2:\n.*no/such/etcd"),
    ):
        supervised.start("etcd", ["/no/such/etcd"])


def test_a_last_command_runs_after_the_processes_and_the_starter_are_gone(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with Supervised() as supervised:
        supervised.run_at_the_end([sys.executable, "-c", f"open({str(journal)!r}, 'a').write('deleted')"])
        assert not journal.exists()

    assert journal.read_text() == "deleted"
