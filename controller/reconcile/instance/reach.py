"""A tenant's server, and what is done to an instance whatever becomes of it."""

from controller.api.conditions import Reason
from controller.providers.errors import NotFound, Retryable
from controller.providers.evolution.protocol import EvolutionServerClient, WebhookSettings
from controller.reconcile.fleet import InstanceServer
from controller.reconcile.observed import InstanceObserved
from controller.reconcile.run import Run


async def silence(observed: InstanceObserved, run: Run) -> None:
    """Turn the webhook off, so that nobody is told of a tenant that is gone. The pairing stays."""
    _, client = reach(observed.server, run)
    assert observed.row is not None  # noqa: S101  # planned only where there is a row
    name = observed.row.name
    try:
        current = await client.webhook(name)
        if current is not None and current.enabled:
            # Headers are cleared too: a credential must not stay behind with an instance nobody looks after.
            await client.set_webhook(name, WebhookSettings(enabled=False, url=current.url, headers={}))
    except NotFound:
        return  # the instance is gone: silent enough


def reach(server_name: str | None, run: Run) -> tuple[InstanceServer, EvolutionServerClient]:
    """The server and its client. Raises `Retryable` while it is not ready."""
    server = run.context.fleet.servers.get(server_name or "")
    if server is None or server.client is None:
        raise Retryable(f"EvolutionServer {server_name} is not ready.", reason=Reason.WAITING_FOR_SERVER)
    return server, server.client
