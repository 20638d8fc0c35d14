"""`tenant-operator run`: the operator, until it is told to stop."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import click
import structlog
from kubernetes.aio.config import ConfigException

from controller.cli.event_loop import new_event_loop
from controller.operator import run_operator
from controller.runtime.environment import apply_environment
from controller.runtime.kube_connection import login
from controller.runtime.settings import Settings, SettingsError, setting_fields, texts_from_environment
from controller.runtime.structured_logs import configure_logs

log = structlog.get_logger(__name__)


def _flags_of_settings(command: Callable[..., None]) -> Callable[..., None]:
    """One flag a setting, made from the settings themselves."""
    for setting in reversed(setting_fields()):
        flag = click.option(
            f"--{setting.flag}", setting.name, metavar="TEXT", help=f"{setting.help} [${setting.variable}]"
        )
        command = flag(command)
    return command


@click.command()
@_flags_of_settings
def run(**given: Any) -> None:
    """Run the operator until it is told to stop."""
    flags = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings.from_texts(texts_from_environment(os.environ) | flags)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    configure_logs(settings.log_format, settings.log_level)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        sys.exit(runner.run(_run(settings)))


async def _run(settings: Settings) -> int:
    try:
        configuration = await login(kubeconfig=settings.kubeconfig or None, context=settings.context or None)
    except ConfigException as error:
        log.error("no cluster to log in to; give --kubeconfig", problem=str(error))  # noqa: TRY400 - no trace helps
        return 1
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run_operator(
        settings,
        configuration,
        stop=stop,
        on_ready=lambda port: log.info("ready", probes_port=port),
        prepare=lambda process: apply_environment(process.api, settings.operator_namespace, os.environ),
    )
    return 0
