"""A tenant's server, and what is done to an instance whatever becomes of it."""

from controller.api.conditions import Reason
from controller.providers.errors import NotFound, Retryable
from controller.providers.evolution.protocol import EvolutionServerClient, WebhookSettings
from controller.reconcile.ai.desired_bot import bot_mark
from controller.reconcile.ai.silence import silence_instance
from controller.reconcile.fleet import InstanceServer
from controller.reconcile.observed import InstanceObserved
from controller.reconcile.run import Run


async def silence(observed: InstanceObserved, run: Run) -> None:
    """Let nobody answer for a tenant that is gone: webhook off, bots and keys of ours deleted. The pairing stays.

    Deleted and not only off: a credential must not stay behind with an instance nobody looks after.
    """
    _, client = reach(observed.server, run)
    assert observed.row is not None  # noqa: S101  # planned only where there is a row
    recorded = run.tenant.status.routing.bot_id if run.tenant.status.routing else None
    await silence_instance(client, observed.row.name, bot_mark(run.desired.owner), recorded)


async def close_webhook(observed: InstanceObserved, run: Run) -> None:
    """Turn the webhook off before a deletion: the server would tell it, for 25 minutes if it is down (measured)."""
    _, client = reach(observed.server, run)
    assert observed.row is not None  # noqa: S101  # planned only where there is a row
    name = observed.row.name
    try:
        current = await client.webhook(name)
        if current is not None and current.enabled:
            await client.set_webhook(name, WebhookSettings(enabled=False, url=current.url, headers={}))
    except NotFound:
        return  # the instance is gone


def reach(server_name: str | None, run: Run) -> tuple[InstanceServer, EvolutionServerClient]:
    """The server and its client. Raises `Retryable` while it is not ready."""
    server = run.context.fleet.servers.get(server_name or "")
    if server is None or server.client is None:
        raise Retryable(f"EvolutionServer {server_name} is not ready.", reason=Reason.WAITING_FOR_SERVER)
    return server, server.client
