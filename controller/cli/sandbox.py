"""`tenant-operator sandbox`: the outside world, an API server and the operator, all on this machine."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from kubernetes.aio.client.configuration import Configuration
from rich.console import Console

from controller.api.crd import custom_resource_definitions
from controller.cli.event_loop import new_event_loop
from controller.cli.progress import Progress
from controller.operator import run_operator
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, anonymous, login
from controller.runtime.kube_errors import ApiNotFound
from controller.runtime.kube_resources import BUSINESS_TENANTS, EVOLUTION_SERVERS, PHONE_PROVIDERS
from controller.runtime.manifests import ManifestError, apply_manifests, read_manifests
from controller.runtime.settings import Settings
from controller.runtime.structured_logs import LogFormat, LogLevel, configure_logs

CLUSTER_ID: Final = "sandbox"
NOT_READY: Final = 1


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    apply: tuple[Path, ...]
    until_ready: bool
    timeout: float
    kubeconfig: Path | None
    write_kubeconfig: Path
    operator: bool
    manual_pairing: bool
    verbose: bool
    state: Path | None


@click.command()
@click.option(
    "--apply",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Manifests to apply, a file or a folder. May be given several times.",
)
@click.option(
    "--until-ready",
    is_flag=True,
    help="End when all applied tenants are Ready (exit 0), or after --timeout with the reasons (exit 1).",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=120.0,
    show_default=True,
    help="Seconds to wait with --until-ready.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Use this real cluster instead of the embedded API server; CRDs and the sandbox's provider objects are"
    " applied there.",
)
@click.option(
    "--write-kubeconfig",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path(".sandbox/kubeconfig"),
    show_default=True,
    help="Where the kubeconfig of the embedded API server is written.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything the sandbox holds in this folder, and go on from it the next time. Without it the sandbox"
    " forgets.",
)
@click.option("--no-operator", is_flag=True, help="Start the servers only; run the operator yourself.")
@click.option(
    "--manual-pairing",
    is_flag=True,
    help="Instances wait for a scan instead of scanning themselves; how to get their codes is printed.",
)
@click.option("--verbose", is_flag=True, help="Show the operator's log.")
def sandbox(
    apply: tuple[Path, ...],
    until_ready: bool,  # noqa: FBT001 - click passes flags so
    timeout: float,
    kubeconfig: Path | None,
    write_kubeconfig: Path,
    no_operator: bool,  # noqa: FBT001
    manual_pairing: bool,  # noqa: FBT001
    verbose: bool,  # noqa: FBT001
    state: Path | None,
) -> None:
    """Try it on this machine: fakes of Twilio, Vonage, Evolution and Meta, an API server, the operator, on loopback."""
    if until_ready and not apply:
        raise click.UsageError("--until-ready needs --apply: it waits for the tenants that are applied.")
    if until_ready and no_operator:
        raise click.UsageError(
            "--until-ready and --no-operator exclude each other: nothing would become Ready."
        )
    configure_logs(LogFormat.LOGFMT, LogLevel.INFO if verbose else LogLevel.ERROR)
    options = Options(
        apply,
        until_ready,
        timeout,
        kubeconfig,
        write_kubeconfig,
        not no_operator,
        manual_pairing,
        verbose,
        state,
    )
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        sys.exit(runner.run(_sandbox(options, Console())))


async def _sandbox(options: Options, console: Console) -> int:
    try:
        # The sandbox is an extra; without it this command says so instead of failing on an import.
        from controller.sandbox.world import OPERATOR_NAMESPACE, start_world, world_objects  # noqa: PLC0415
        from controller.sandbox.world_state import WorldStateError, load_world, save_world  # noqa: PLC0415
    except ImportError as error:
        console.print(f"{error.name} is missing. Install: pip install 'business-tenant-operator\\[sandbox]'")
        return NOT_READY
    stop = _stop_on_signals()
    async with AsyncExitStack() as stack:
        world = await start_world(manual_pairing=options.manual_pairing)
        stack.push_async_callback(world.stop)
        if options.state is not None:
            options.state.mkdir(parents=True, exist_ok=True)
            try:
                load_world(world, options.state)
            except WorldStateError as error:
                raise click.ClickException(str(error)) from error
            stack.callback(save_world, world, options.state)
        configuration = await _cluster(options, console, stack)
        connection = KubeConnection(configuration)
        stack.push_async_callback(connection.close)
        api = KubeApi(connection)
        console.print(
            f"Twilio     {world.twilio_url}\nVonage     {world.vonage_url}\nEvolution  {world.evolution_url}\n"
            f"Meta       {world.graph_url}"
        )
        try:
            await apply_manifests(api, custom_resource_definitions())
            await _established(api)
            await apply_manifests(api, world_objects(world))
            if options.operator:
                settings = Settings(
                    shards=0,
                    cluster_id=CLUSTER_ID,
                    operator_namespace=OPERATOR_NAMESPACE,
                    probe_address="127.0.0.1",
                    probe_port=0,
                    pairing_address="127.0.0.1",
                    pairing_port=_free_port(),
                    meta_base_url=world.graph_url,
                )
                await _start_operator(settings, configuration, console, stop, stack)
                if options.manual_pairing:
                    _say_how_to_pair(settings.pairing_port, world.evolution_url, options, console)
            applied = [body for path in options.apply for body in read_manifests(path)]
            await apply_manifests(api, applied)
        except ManifestError as error:
            console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
            return NOT_READY
        return await _follow(options, api, applied, console, stop)


async def _cluster(options: Options, console: Console, stack: AsyncExitStack) -> Configuration:
    """The real cluster that was named, or the embedded API server."""
    if options.kubeconfig is not None:
        console.print(f"Kubernetes {options.kubeconfig}")
        return await login(kubeconfig=str(options.kubeconfig))
    from controller.sandbox.apiserver import ApiServer  # noqa: PLC0415
    from controller.sandbox.apiserver.snapshot import SnapshotError  # noqa: PLC0415

    try:
        server = ApiServer(snapshot=options.state / "apiserver.json" if options.state is not None else None)
    except SnapshotError as error:
        raise click.ClickException(str(error)) from error
    url = await server.start()
    stack.push_async_callback(server.stop)
    options.write_kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    server.write_kubeconfig(options.write_kubeconfig)
    console.print(f"Kubernetes {url} (kubeconfig {options.write_kubeconfig})")
    return anonymous(url)


async def _established(api: KubeApi) -> None:
    """A real API server serves a kind a moment after its definition was accepted."""
    for resource in (BUSINESS_TENANTS, PHONE_PROVIDERS, EVOLUTION_SERVERS):
        for _ in range(100):
            try:
                await api.list(resource)
                break
            except ApiNotFound:
                await asyncio.sleep(0.1)


async def _start_operator(
    settings: Settings,
    configuration: Configuration,
    console: Console,
    stop: asyncio.Event,
    stack: AsyncExitStack,
) -> None:
    ready = asyncio.Event()

    def on_ready(port: int) -> None:
        console.print(f"Operator   http://127.0.0.1:{port}/metrics")
        ready.set()

    operator_stop = asyncio.Event()
    task = asyncio.create_task(
        run_operator(settings, configuration, stop=operator_stop, on_ready=on_ready), name="operator"
    )

    async def end() -> None:
        operator_stop.set()
        await task

    stack.push_async_callback(end)

    def ended(_: asyncio.Task[None]) -> None:
        # An operator that ends by itself ends the sandbox; its error is shown on the way out.
        stop.set()
        ready.set()

    task.add_done_callback(ended)
    await ready.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _say_how_to_pair(port: int, evolution_url: str, options: Options, console: Console) -> None:
    """How a person gets a code, and how the phone that scans it is played."""
    # The embedded API server takes any token for its administrator's.
    token = "sandbox" if options.kubeconfig is None else "$(kubectl create token default)"
    for line in (
        (
            f'Pairing    curl -X POST -H "Authorization: Bearer {token}"'
            f" http://127.0.0.1:{port}/v1/namespaces/NAMESPACE/tenants/NAME/pairing"
        ),
        (
            f"Scan       curl -X POST {evolution_url}/_sandbox/instances/INSTANCE/scan -d '{{}}'"
            "   (INSTANCE is the tenant's status.instance.name)"
        ),
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


async def _follow(
    options: Options, api: KubeApi, applied: list[dict[str, Any]], console: Console, stop: asyncio.Event
) -> int:
    tenants = {
        (body["metadata"].get("namespace", "default"), body["metadata"]["name"])
        for body in applied
        if body.get("kind") == "BusinessTenant"
    }
    if tenants and options.operator:
        progress = Progress(api, tenants, console)
        all_ready = await progress.follow(options.timeout if options.until_ready else None, stop)
        if options.until_ready:
            return 0 if all_ready else NOT_READY
    if not options.until_ready and not stop.is_set():
        if options.kubeconfig is None:
            console.print(f"\nUse it:  export KUBECONFIG={os.fspath(options.write_kubeconfig.absolute())}")
            console.print("         kubectl get bt -A -w")
        console.print("Ctrl-C ends it.")
        await stop.wait()
    return 0


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
