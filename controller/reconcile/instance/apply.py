"""Carrying out the changes of an instance. Each answers what it looks like afterwards."""

import secrets as random_secrets
from dataclasses import replace

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, Retryable
from controller.providers.evolution.protocol import (
    EvolutionServerClient,
    InstanceRow,
    NewInstance,
    WebhookSettings,
)
from controller.reconcile.ai.actions import DeleteBot, ForgetKey, ParkKey, RegisterKey
from controller.reconcile.ai.apply import apply_to_bots
from controller.reconcile.ai.desired_bot import bot_mark
from controller.reconcile.ai.observe import read_routes
from controller.reconcile.ai.plan import plan_routes
from controller.reconcile.ai.routes import NOBODY
from controller.reconcile.change import (
    CreateInstance,
    RetainInstance,
    SaveToken,
    SetBehaviour,
    SetWebhook,
    StartPairing,
)
from controller.reconcile.fleet import InstanceServer
from controller.reconcile.instance.observe import token_secret_name, wanted_name
from controller.reconcile.observed import InstanceObserved, NumberObserved
from controller.reconcile.run import Run

InstanceAction = CreateInstance | SaveToken | SetBehaviour | StartPairing | RetainInstance
# An instance has a webhook, a few bots and keys; a plan that never ends is a defect.
MOST_ROUTES = 32
TOKEN_KEY = "token"  # noqa: S105  # the name of the key, not a token


async def apply_instance(
    action: InstanceAction, number: NumberObserved, observed: InstanceObserved, run: Run
) -> InstanceObserved:
    """Do it. Raises `OutsideError`."""
    match action:
        case CreateInstance(server=server_name):
            return await _create(server_name, number, observed, run)
        case SaveToken():
            await _save_token(_row(observed).token, run)
            return replace(observed, token_saved=True)
        case SetBehaviour(settings=settings):
            server, client = reach(observed.server, run)
            await client.set_settings(_row(observed).name, settings)
            return _seen(server, replace(observed, row=replace(_row(observed), settings=settings)), run)
        case StartPairing():
            return await _start_pairing(observed, run)
        case RetainInstance():
            await silence(observed, run)
            return InstanceObserved()


async def silence(observed: InstanceObserved, run: Run) -> None:
    """Let nobody answer for a tenant that is gone: webhook off, bots and keys of ours deleted. The pairing stays.

    Deleted and not only off: a credential must not stay behind with an instance nobody looks after.
    """
    _, client = reach(observed.server, run)
    recorded = run.tenant.status.routing.bot_id if run.tenant.status.routing else None
    mark = bot_mark(run.desired.owner)
    try:
        read = await read_routes(client, _row(observed).name, NOBODY, mark=mark, recorded=recorded)
        for _ in range(MOST_ROUTES):
            change = next(iter(plan_routes(read, NOBODY, recorded=recorded, fought=False)), None)
            match change.action if change is not None else None:
                case None:
                    return
                case SetWebhook(webhook=webhook):
                    await client.set_webhook(read.instance, webhook)
                    read = replace(read, webhook=webhook)
                case RegisterKey() | ForgetKey() | ParkKey() | DeleteBot() as action:
                    read = await apply_to_bots(action, client, read, mark=mark, recorded=recorded)
                case other:
                    raise AssertionError(f"silencing does not plan {other}")
    except NotFound:
        return  # the instance is gone: silent enough


async def close_webhook(observed: InstanceObserved, run: Run) -> None:
    """Turn the webhook off before a deletion: the server would tell it, for 25 minutes if it is down (measured)."""
    _, client = reach(observed.server, run)
    name = _row(observed).name
    try:
        current = await client.webhook(name)
        if current is not None and current.enabled:
            await client.set_webhook(name, WebhookSettings(enabled=False, url=current.url, headers={}))
    except NotFound:
        return


def reach(server_name: str | None, run: Run) -> tuple[InstanceServer, EvolutionServerClient]:
    """The server and its client. Raises `Retryable` while it is not ready."""
    server = run.context.fleet.servers.get(server_name or "")
    if server is None or server.client is None:
        raise Retryable(f"EvolutionServer {server_name} is not ready.", reason=Reason.WAITING_FOR_SERVER)
    return server, server.client


async def _create(
    server_name: str, number: NumberObserved, observed: InstanceObserved, run: Run
) -> InstanceObserved:
    wanted = run.desired.instance
    assert wanted is not None  # noqa: S101  # planned only for a wanted instance
    server, client = reach(server_name, run)
    name = wanted_name(wanted, observed)
    # A create on a name that is live deletes it when it fails (measured): look on the server itself first.
    row = await client.instance(name)
    is_new = row is None
    if row is None:
        token = await _token(run)
        server.placing.add(name)
        try:
            await client.create(
                NewInstance(
                    name=name,
                    integration=wanted.integration,
                    token=token,
                    number=number.held.owned.number.removeprefix("+") if number.held else "",
                    settings=wanted.behaviour,
                )
            )
        except Conflict as error:
            # In use but not there: a deletion is still under way, or another server shares the database.
            raise Retryable(error.message, reason=Reason.CREATING, after=2.0) from error
        finally:
            server.placing.discard(name)
        row = await client.instance(name)
    if row is None:
        raise Retryable(
            f"{name} was created on {server_name} but cannot be read back; looking again.",
            reason=Reason.CREATING,
        )
    await _save_token(row.token, run)
    state = await client.live_state(name)
    server.instances.record_live(name, state)
    # What was tried on an instance before this one must not delay the pairing of this one.
    run.context.memory.connected_at.pop(run.tenant.key, None)
    created = replace(
        observed,
        server=server_name,
        row=row,
        state=state,
        token_saved=True,
        loss_proven=False,
        placement=None,
        connect_tried_at=None,
        pairing_since=None,
        is_new=is_new,
    )
    return _seen(server, created, run)


async def _token(run: Run) -> str:
    """The token of an earlier instance of this tenant, or a new one: a re-created instance keeps its token."""
    secret = await run.context.secrets.read(run.tenant.key.namespace, token_secret_name(run.tenant))
    kept = (secret or {}).get(TOKEN_KEY)
    return kept or random_secrets.token_hex(24).upper()


async def _save_token(token: str, run: Run) -> None:
    name = token_secret_name(run.tenant)
    secret = await run.context.secrets.read(run.tenant.key.namespace, name)
    if secret is None or secret.get(TOKEN_KEY) != token:
        await run.context.secrets.write_owned(run.tenant, name, {TOKEN_KEY: token})


async def _start_pairing(observed: InstanceObserved, run: Run) -> InstanceObserved:
    server, client = reach(observed.server, run)
    now = run.context.clock.now()
    run.context.memory.connected_at[run.tenant.key] = now
    name = _row(observed).name
    await client.connect(name)
    state = await client.live_state(name)
    server.instances.record_live(name, state)
    return replace(observed, state=state, connect_tried_at=now, pairing_since=observed.pairing_since or now)


def _row(observed: InstanceObserved) -> InstanceRow:
    assert observed.row is not None  # noqa: S101  # planned only where there is a row
    return observed.row


def _seen(server: InstanceServer, observed: InstanceObserved, run: Run) -> InstanceObserved:
    row = _row(observed)
    server.instances.listed.record(row.name, row, run.context.clock.now())
    return observed
