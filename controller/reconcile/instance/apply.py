"""Carrying out the changes of an instance. Each answers what it looks like afterwards."""

import secrets as random_secrets
from dataclasses import replace

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, Retryable
from controller.providers.evolution.protocol import (
    EvolutionServerClient,
    InstanceRow,
    NewInstance,
    SessionState,
)
from controller.reconcile.change import (
    CreateInstance,
    ReplaceInstance,
    RetainInstance,
    SaveToken,
    SetBehaviour,
    StartPairing,
)
from controller.reconcile.context import CreationBegun
from controller.reconcile.desired import DesiredInstance
from controller.reconcile.fleet import InstanceServer
from controller.reconcile.instance.business import make_way, new_business_instance
from controller.reconcile.instance.observe import token_secret_name, wanted_name
from controller.reconcile.instance.reach import reach, silence
from controller.reconcile.instance.webhook_along import webhook_along
from controller.reconcile.observed import InstanceObserved, NumberObserved, RoutingObserved
from controller.reconcile.run import Run

InstanceAction = CreateInstance | ReplaceInstance | SaveToken | SetBehaviour | StartPairing | RetainInstance
TOKEN_KEY = "token"  # noqa: S105  # the name of the key, not a token


async def apply_instance(
    action: InstanceAction, number: NumberObserved, observed: InstanceObserved, run: Run
) -> InstanceObserved:
    """Do it. Raises `OutsideError`."""
    match action:
        case CreateInstance(server=server_name):
            return await _create(server_name, number, observed, run)
        case ReplaceInstance():
            in_the_way = await make_way(observed, run)
            if in_the_way is not None:
                return in_the_way
            assert observed.server is not None  # noqa: S101  # where its row is
            return await _create(observed.server, number, observed, run)
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


async def _create(
    server_name: str, number: NumberObserved, observed: InstanceObserved, run: Run
) -> InstanceObserved:
    wanted = run.desired.instance
    assert wanted is not None  # noqa: S101  # planned only for a wanted instance
    server, client = reach(server_name, run)
    name = wanted_name(wanted, observed)
    if observed.recorded is None and server.room <= 0 and server.instances.listed.get(name) is None:
        raise Retryable(f"{server_name} was filled by others meanwhile.", reason=Reason.CREATING, after=1.0)
    made_with: RoutingObserved | None = None
    saved: str | None = None
    # Its room is taken from here on: other tenants look for theirs while this one waits for the server.
    server.placing.add(name)
    try:
        # A create on a name that is live deletes it when it fails (measured): look on the server itself first.
        row, state = await _look(name, client)
        is_new = row is None
        if row is None:
            planned = replace(observed, server=server_name, row=_planned_row(name, wanted), is_new=True)
            saved, made_with, row = await _created(name, wanted, number, _with_owner(planned), client, run)
            # Nobody has connected it yet: what the database says is how it is (measured).
            state = row.stored_state if row is not None else None
        if row is None:
            raise Retryable(
                f"{name} was created on {server_name} but cannot be read back; looking again.",
                reason=Reason.CREATING,
            )
        server.instances.listed.record(name, row, run.context.clock.now())
        run.context.memory.creations.pop(run.tenant.key, None)
    finally:
        server.placing.discard(name)
    if wanted.cloud_api is None and row.token != saved:
        await _save_token(row.token, run)
    server.instances.record_live(name, state)
    # What was tried on an instance before this one must not delay the pairing of this one.
    run.context.memory.connected_at.pop(run.tenant.key, None)
    run.context.memory.opened_for.pop(run.tenant.key, None)
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
        made_with=made_with,
    )
    return _with_owner(created)


async def _look(name: str, client: EvolutionServerClient) -> tuple[InstanceRow | None, SessionState | None]:
    """The instance of that name and its live state. Raises `Retryable` where it is not loaded."""
    try:
        state = await client.live_state(name)
    except NotFound:
        return None, None
    return await client.instance(name), state


async def _created(
    name: str,
    wanted: DesiredInstance,
    number: NumberObserved,
    planned: InstanceObserved,
    client: EvolutionServerClient,
    run: Run,
) -> tuple[str, RoutingObserved | None, InstanceRow | None]:
    """Create it; the token that is kept, the routing whose webhook went along, and the row as read back."""
    new = await _new_instance(name, wanted, number, run)
    along = await webhook_along(number, planned, run)
    webhook, made_with = along if along is not None else (None, None)
    assert planned.server is not None  # noqa: S101  # where it is to be
    refused = False
    try:
        await client.create(replace(new, webhook=webhook))
        return new.token, made_with, await client.instance(name)
    except Conflict as error:
        refused = True
        raise Retryable(
            f"{name} is in use in the database of {planned.server}, but not there: a deletion is still under way, or"
            " another server on the same database has it.",
            reason=Reason.CREATING,
            after=2.0,
        ) from error
    finally:
        # An answer that was lost, or not waited for: on another server it would be created a second time.
        if not refused:
            begun = CreationBegun(planned.server, run.context.clock.now())
            run.context.memory.creations[run.tenant.key] = begun


def _planned_row(name: str, wanted: DesiredInstance) -> InstanceRow:
    """The instance before it is there: without an id, and paired with nobody."""
    return InstanceRow(
        name=name,
        id="",
        integration=wanted.integration.value,
        stored_state=None,
        owner_number=None,
        token="",
    )


def _with_owner(created: InstanceObserved) -> InstanceObserved:
    """On the Cloud API the owner's number is known before the instance is."""
    if created.meta is None:
        return created
    row = replace(_row(created), owner_number=created.meta.number)
    return replace(created, row=row, meta=replace(created.meta, differing=()))


async def _new_instance(name: str, wanted: DesiredInstance, number: NumberObserved, run: Run) -> NewInstance:
    if wanted.cloud_api is not None:
        return await new_business_instance(name, wanted, wanted.cloud_api, run)
    return NewInstance(
        name=name,
        integration=wanted.integration,
        # Kept before the instance is: whatever crashes then, the token that customers' systems use is not lost.
        token=await _saved_token(run),
        number=number.held.owned.number.removeprefix("+") if number.held else "",
        settings=wanted.behaviour,
    )


async def _saved_token(run: Run) -> str:
    """The token of an earlier instance of this tenant, or a new one: a re-created instance keeps its token.

    It is in the tenant's Secret by then. The watch may be behind, so that a Secret it does not show is created, not
    overwritten: the API server says whether there is one, and no read has to ask first.
    """
    secrets, namespace, name = run.context.secrets, run.tenant.key.namespace, token_secret_name(run.tenant)
    token = random_secrets.token_hex(24).upper()
    unseen = secrets.version(namespace, name) is None
    if unseen and await secrets.create_owned(run.tenant, name, {TOKEN_KEY: token}):
        return token
    kept = (await secrets.read(namespace, name) or {}).get(TOKEN_KEY)
    if kept:
        return kept
    await secrets.write_owned(run.tenant, name, {TOKEN_KEY: token})
    return token


async def _save_token(token: str, run: Run) -> None:
    name = token_secret_name(run.tenant)
    secret = await run.context.secrets.read(run.tenant.key.namespace, name)
    if secret is None or secret.get(TOKEN_KEY) != token:
        await run.context.secrets.write_owned(run.tenant, name, {TOKEN_KEY: token})


async def _start_pairing(observed: InstanceObserved, run: Run) -> InstanceObserved:
    server, client = reach(observed.server, run)
    now = run.context.clock.now()
    run.context.memory.connected_at[run.tenant.key] = now
    run.context.memory.opened_for.pop(run.tenant.key, None)
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
