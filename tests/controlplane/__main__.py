"""A real control plane at the command line.

python -m tests.controlplane                     start one and print how to use it, until Ctrl-C
python -m tests.controlplane build               only find or build the binaries
python -m tests.controlplane --exec COMMAND...   run a command with KUBECONFIG set, then stop; its exit code
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from tests.controlplane.binaries import Binaries, ExistingCluster, Source, find
from tests.controlplane.cluster import Cluster, find_kubectl
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.provision import provision


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.controlplane",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("action", nargs="?", choices=["start", "build"], default="start")
    parser.add_argument("--exec", nargs=argparse.REMAINDER, metavar="COMMAND", dest="command")
    parsed = parser.parse_args(arguments)
    if parsed.command == []:
        parser.error("--exec needs a command")
    # A service manager's or CI's way to end us; handled like Ctrl-C, so that everything is stopped in order.
    # Also where a shell in the background has SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        source = find()
        if parsed.action == "build":
            print(describe(source))  # noqa: T201
            return 0
        with provision(source) as cluster:
            return run(parsed.command, cluster) if parsed.command else show(cluster)
    except ControlPlaneError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130


def describe(source: Source) -> str:
    match source:
        case ExistingCluster(kubeconfig):
            return f"KUBECONFIG_TEST names a cluster: {kubeconfig}"
        case Binaries(etcd):
            return str(etcd.parent)
        case _:
            return f"Clusters will be made by {source.executable}"


def run(command: Sequence[str], cluster: Cluster) -> int:
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig_path)}
    try:
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
    except OSError as error:
        raise ControlPlaneError(f"{command[0]} cannot be run: {error.strerror}.") from error


def show(cluster: Cluster) -> int:
    print(  # noqa: T201
        f"A real Kubernetes API server is ready, as administrator:\n\n"
        f"    export KUBECONFIG={cluster.kubeconfig_path}\n"
        f"    {find_kubectl()} get namespaces\n\n"
        "No node runs Pods. Ctrl-C stops it and forgets everything.",
        flush=True,
    )
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
