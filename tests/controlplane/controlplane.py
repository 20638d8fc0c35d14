"""etcd, kube-apiserver and kube-controller-manager on free loopback ports, started and stopped in seconds."""

import base64
import datetime as dt
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.controlplane import certificates, cluster
from tests.controlplane.binaries import Binaries
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.supervised import Supervised

READY_SECONDS = 90.0
POLL_SECONDS = 0.1
ADMINISTRATORS = "system:masters"


@dataclass(frozen=True, slots=True)
class Options:
    """What tests may want otherwise. The API server's limits (`--max-requests-inflight`...) are its own.

    `api_server_flags` are added to, or replace, the flags chosen here; names without the leading dashes.
    """

    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    api_server_flags: Mapping[str, str] = field(default_factory=dict)
    controller_manager: bool = True


class ControlPlane(cluster.Cluster):
    """A control plane of one's own; several may run beside each other.

    There is no kubelet: nothing runs in Pods. RBAC decides; ServiceAccount admission is off, so that a Pod
    can be created before its account. Synchronous on purpose: it is started once, outside of any event loop.
    """

    def __init__(self, binaries: Binaries, options: Options | None = None) -> None:
        self._binaries = binaries
        self._options = options or Options()
        self._stack = ExitStack()
        self._supervised: Supervised | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """Certificates, logs (`<process>.log`), etcd's data and the kubeconfig; gone after `stop`."""
        return self._running().folder

    @property
    def kubeconfig_path(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by the name of the executable."""
        return self._running().pids

    def start(self) -> None:
        """Start and wait until the API server answers, the system roles exist and the controllers work.

        Raises ControlPlaneError, with the last lines of the log, if a process dies or it takes too long.
        """
        with ExitStack() as stack:
            self._supervised = stack.enter_context(Supervised())
            try:
                self._start(stack, self._supervised)
            except BaseException:
                self._supervised = None
                raise
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Stop the processes, kube-apiserver before etcd: without etcd its shutdown hangs."""
        self._supervised = None
        self._stack.close()

    def _running(self) -> Supervised:
        if self._supervised is None:
            raise ControlPlaneError("The control plane is not running: call start() first.")
        return self._supervised

    def _start(self, stack: ExitStack, supervised: Supervised) -> None:
        now = dt.datetime.now(dt.UTC)
        folder = supervised.folder
        authority = certificates.Authority.create(now)
        (folder / "ca.crt").write_bytes(authority.pem)
        (folder / "service-account.key").write_bytes(certificates.service_account_key())
        authority.server(now).write(folder, "server")
        administrator = authority.client("admin", ADMINISTRATORS, now)
        controllers = authority.client("system:kube-controller-manager", None, now)
        administrator.write(folder, "admin")

        etcd_port = reserve_port(stack)
        port = reserve_port(stack)
        server = f"https://127.0.0.1:{port}"
        cluster.write(kubeconfig(server, authority.pem, administrator), folder / "kubeconfig")
        cluster.write(kubeconfig(server, authority.pem, controllers), folder / "controllers.kubeconfig")

        supervised.start("etcd", [str(self._binaries.etcd), *flags(etcd_flags(folder, etcd_port))])
        supervised.start(
            "kube-apiserver",
            [
                str(self._binaries.kube_apiserver),
                *flags(api_server_flags(folder, port, etcd_port, self._options)),
            ],
        )
        deadline = time.monotonic() + READY_SECONDS
        with api_client(server, folder) as client:
            wait_for(client, "/readyz", supervised, deadline)
            controller_manager = self._binaries.kube_controller_manager
            if controller_manager is None or not self._options.controller_manager:
                wait_for(client, "/api/v1/namespaces/default", supervised, deadline)
                return
            # Not before the API server answers: it gives up on one that does not after 10 s.
            argv = [str(controller_manager), *flags(controller_manager_flags(folder, self._options))]
            supervised.start("kube-controller-manager", argv)
            # A controller's work, seen from outside: the first thing the others would miss.
            wait_for(client, "/api/v1/namespaces/default/serviceaccounts/default", supervised, deadline)


def reserve_port(stack: ExitStack) -> int:
    """A free loopback port that stays ours: both servers bind it too (SO_REUSEPORT), no other process can.

    The socket is bound and never listens, so it takes no connections away. Merely asking for a free port and
    releasing it would race with every control plane started beside this one.
    """
    reservation = stack.enter_context(socket.socket())
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reservation.bind(("127.0.0.1", 0))
    port: int = reservation.getsockname()[1]
    return port


def etcd_flags(folder: Path, port: int) -> dict[str, str]:
    return {
        "data-dir": str(folder / "etcd"),
        "unsafe-no-fsync": "true",
        "listen-client-urls": f"http://127.0.0.1:{port}",
        "advertise-client-urls": f"http://127.0.0.1:{port}",
        "listen-peer-urls": "http://127.0.0.1:0",
        "socket-reuse-port": "true",
        "log-level": "warn",
    }


def api_server_flags(folder: Path, port: int, etcd_port: int, options: Options) -> dict[str, str]:
    return {
        "etcd-servers": f"http://127.0.0.1:{etcd_port}",
        "bind-address": "127.0.0.1",
        "secure-port": str(port),
        "permit-port-sharing": "true",
        "cert-dir": str(folder),
        "tls-cert-file": str(folder / "server.crt"),
        "tls-private-key-file": str(folder / "server.key"),
        "client-ca-file": str(folder / "ca.crt"),
        "authorization-mode": "RBAC",
        "disable-admission-plugins": "ServiceAccount",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": str(folder / "service-account.key"),
        "service-account-signing-key-file": str(folder / "service-account.key"),
        "service-cluster-ip-range": "10.0.0.0/24",
        "endpoint-reconciler-type": "none",  # a loopback address is refused in an Endpoints object
        **gate_flags(options),
        **options.api_server_flags,
    }


def controller_manager_flags(folder: Path, options: Options) -> dict[str, str]:
    return {
        "kubeconfig": str(folder / "controllers.kubeconfig"),
        "leader-elect": "false",
        "kube-api-qps": "200",  # its own limit of 20 a second makes starting take 4 s longer
        "kube-api-burst": "400",
        "secure-port": "0",
        "use-service-account-credentials": "true",  # each under its own system role
        "service-account-private-key-file": str(folder / "service-account.key"),
        "root-ca-file": str(folder / "ca.crt"),
        **gate_flags(options),
    }


def gate_flags(options: Options) -> dict[str, str]:
    if not options.feature_gates:
        return {}
    return {
        "feature-gates": ",".join(f"{gate}={str(on).lower()}" for gate, on in options.feature_gates.items())
    }


def flags(values: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items()]


def kubeconfig(server: str, authority: bytes, client: certificates.Pair) -> cluster.KubeconfigDocument:
    def encode(pem: bytes) -> str:
        return base64.b64encode(pem).decode()

    name = "control-plane"
    login = {
        "client-certificate-data": encode(client.certificate),
        "client-key-data": encode(client.key),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": encode(authority)}}
        ],
        "users": [{"name": name, "user": login}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def api_client(server: str, folder: Path) -> httpx.Client:
    """A client that logs in as administrator; proxies of the environment do not apply to loopback."""
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "admin.crt", folder / "admin.key")
    return httpx.Client(base_url=server, verify=context, trust_env=False, timeout=5.0)


def wait_for(client: httpx.Client, path: str, supervised: Supervised, deadline: float) -> None:
    """Wait until a GET is answered with 200; ControlPlaneError when a process exits or at the deadline."""
    last = "no answer"
    while time.monotonic() < deadline:
        if (exited := supervised.exited()) is not None:
            raise ControlPlaneError(f"{exited.name} exited with {exited.code}:\n{exited.log}")
        try:
            response = client.get(path)
        except httpx.TransportError as error:
            last = str(error)
        else:
            if response.status_code == httpx.codes.OK:
                return
            last = f"{response.status_code} {response.text[:200]}"
        time.sleep(POLL_SECONDS)
    logs = "\n".join(f"{name}: {supervised.log_tail(name)}" for name in supervised.pids)
    raise ControlPlaneError(
        f"GET {path} was not answered with 200 in {READY_SECONDS:.0f} s ({last}).\n{logs}"
    )
