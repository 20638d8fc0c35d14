"""A code to pair with, for a person who looks now. It is read from the server, handed over and kept nowhere."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

import structlog

from controller.api.business_tenant import Channel
from controller.providers.errors import NotFound, OutsideError
from controller.providers.evolution.protocol import EvolutionServerClient, InstanceRow, SessionState
from controller.reconcile.connection import needs_pairing, pairing_expired, wrong_number
from controller.reconcile.context import Context, OpenedFor
from controller.reconcile.desired import DesiredInstance, desire
from controller.reconcile.fleet import InstanceServer
from controller.reconcile.instance.observe import pairing_since, session_timeout
from controller.reconcile.not_possible import NotPossibleError, Obstacle
from controller.reconcile.observed import NumberObserved
from controller.reconcile.ownership import Owner
from controller.reconcile.tenant_object import Tenant

log = structlog.get_logger(__name__)

SOON: Final = 2.0
"""Seconds until a code that is being made may be there."""


class PairWith(StrEnum):
    """What the person can enter on the phone: a picture for its camera, or eight characters."""

    QR = "QR"
    PAIRING_CODE = "PairingCode"


@dataclass(frozen=True, slots=True)
class Wish:
    """`number`, E.164, is the phone that a pairing code is for, where the tenant may be paired with any."""

    pair_with: PairWith = PairWith.QR
    number: str | None = None


@dataclass(frozen=True, slots=True)
class CodeOffered:
    """Who sees this can take the instance over. `number` is the one to be paired, where there is one."""

    number: str | None
    qr: str = field(repr=False)
    pairing_code: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connected:
    """Nothing is left to be done, unless `problem` says what."""

    number: str | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Preparing:
    """There is no code yet: ask again in `after` seconds."""

    message: str
    after: float = SOON


PairingAnswer = CodeOffered | Connected | Preparing


@dataclass(frozen=True, slots=True)
class _Desk:
    """One request: whose instance, where it is, and what is to be paired."""

    tenant: Tenant
    context: Context
    wanted: DesiredInstance
    server: InstanceServer
    client: EvolutionServerClient
    name: str
    wish: Wish
    number: str | None


async def pair(tenant: Tenant, wish: Wish, context: Context) -> PairingAnswer:
    """Look at the tenant's instance now, and say what a person can pair it with.

    Somebody is looking, so a session that had timed out waits again. Raises `NotPossibleError`.
    """
    _check_may_change(tenant)
    wanted = _wanted_instance(tenant, context)
    number = _number_to_pair(tenant, wanted, wish)
    recorded = tenant.status.instance
    if recorded is None:
        return Preparing(tenant.status.message or "The instance is not there yet.")
    server = context.fleet.servers.get(recorded.server)
    if server is None:
        raise NotPossibleError(
            Obstacle.OUTSIDE,
            f"EvolutionServer {recorded.server}, where the instance is, does not exist. Create it again.",
        )
    if server.client is None or server.problem is not None:
        said = (
            server.problem.message if server.problem else f"EvolutionServer {server.name} is not ready yet."
        )
        raise NotPossibleError(Obstacle.OUTSIDE, said)
    desk = _Desk(tenant, context, wanted, server, server.client, recorded.name, wish, number)
    try:
        return await _look(desk)
    except NotFound:
        return _missing(desk)
    except OutsideError as error:
        raise NotPossibleError(Obstacle.OUTSIDE, error.message) from error


def _check_may_change(tenant: Tenant) -> None:
    if tenant.deleted_at is not None:
        raise NotPossibleError(Obstacle.TENANT, f"{tenant.key} is being deleted.")
    if tenant.paused_by is not None:
        raise NotPossibleError(
            Obstacle.TENANT, f"{tenant.key} is paused by {tenant.paused_by}. Unset it, then pair."
        )
    if tenant.observe_only:
        raise NotPossibleError(
            Obstacle.TENANT, f"{tenant.key} has managementPolicy: Observe, so nothing is paired for it."
        )


def _wanted_instance(tenant: Tenant, context: Context) -> DesiredInstance:
    owner = Owner(context.policy.cluster_id, tenant.key.namespace, tenant.key.name)
    wanted = desire(tenant.spec, owner).instance
    if wanted is None or wanted.channel is not Channel.BAILEYS:
        raise NotPossibleError(
            Obstacle.TENANT,
            f"{tenant.key} has nothing to pair: only instances with spec.whatsapp.channel Baileys are paired.",
        )
    return wanted


def _number_to_pair(tenant: Tenant, wanted: DesiredInstance, wish: Wish) -> str | None:
    own = tenant.status.phone_number.number if tenant.status.phone_number else None
    if wanted.paired_number_is_tenants and wish.number not in (None, own):
        raise NotPossibleError(
            Obstacle.TENANT,
            f"Only the number of {tenant.key} may be paired. Leave the number out, or set whatsapp.number: Any.",
        )
    number = wish.number or own
    if wish.pair_with is PairWith.PAIRING_CODE and number is None:
        raise NotPossibleError(
            Obstacle.TENANT,
            f"{tenant.key} has no number: say which phone the pairing code is for, or use QR.",
        )
    return number


async def _look(desk: _Desk) -> PairingAnswer:
    row = await desk.client.instance(desk.name)
    if row is None:
        return _missing(desk)
    state = await desk.client.live_state(desk.name)
    _take_note(desk, row, state)
    if state is SessionState.OPEN:
        return _connected(desk, row)
    if state is None:
        return Preparing(f"{desk.server.name} has not loaded {desk.name} yet.")
    if not needs_pairing(row):
        return Preparing(f"{desk.name} is paired and connects by itself; nobody needs to do anything.")
    _somebody_looks(desk)
    if state is SessionState.CLOSE:
        return await _open(desk)
    # The database says so only once a code of this connection has come: before, an old one would be shown.
    if row.stored_state is not SessionState.CONNECTING:
        return Preparing(f"{desk.name} has been opened; its first code is on the way.")
    return await _read_code(desk)


async def _read_code(desk: _Desk) -> PairingAnswer:
    offer = await desk.client.pairing_code(desk.name)
    if offer is SessionState.OPEN:
        return Preparing(f"{desk.name} has just connected.")
    if offer is None:
        return Preparing(f"{desk.name} is connecting; its code is on the way.")
    opened = desk.context.memory.opened_for.get(desk.tenant.key)
    # A code for a phone that nobody knows (this process did not ask for it) could be anybody's.
    code = offer.pairing_code if opened is not None and opened.number == desk.number else None
    if code is None and desk.wish.pair_with is PairWith.PAIRING_CODE:
        return await _open_again_for_number(desk)
    return CodeOffered(desk.number, offer.qr, code)


async def _open(desk: _Desk) -> Preparing:
    """Open the socket of a closed instance, at most once an interval: more start parallel loops (measured)."""
    memory, now, interval = (
        desk.context.memory,
        desk.context.clock.now(),
        desk.context.policy.connect_interval,
    )
    tried = memory.connected_at.get(desk.tenant.key)
    if tried is not None and now - tried < interval:
        return Preparing(
            f"{desk.name} was opened less than {int(interval.total_seconds())} s ago and closed again; it is opened"
            " once more after that.",
            (interval - (now - tried)).total_seconds(),
        )
    await _connect(desk)
    return Preparing(f"{desk.name} has been opened; its first code is on the way.")


async def _open_again_for_number(desk: _Desk) -> Preparing:
    """A connecting instance takes no number: it is logged out first. Nobody is paired, so nobody is unlinked."""
    memory, now = desk.context.memory, desk.context.clock.now()
    opened = memory.opened_for.get(desk.tenant.key)
    if opened is not None and now - opened.at < desk.context.policy.connect_interval:
        return Preparing(f"WhatsApp has not given {desk.name} a pairing code yet.")
    # Before the socket closes: the engine must not open it without the number in between.
    memory.connected_at[desk.tenant.key] = now
    await desk.client.logout(desk.name)
    _log(desk, f"log {desk.name} out, which nobody is paired with")
    await _connect(desk)
    return Preparing(
        f"{desk.name} offered QR codes; it was closed and opened again for a pairing code of {desk.number}."
    )


async def _connect(desk: _Desk) -> None:
    key, memory, now = desk.tenant.key, desk.context.memory, desk.context.clock.now()
    memory.connected_at[key] = now
    number = desk.number if desk.wish.pair_with is PairWith.PAIRING_CODE else None
    if number is None:
        memory.opened_for.pop(key, None)
        await desk.client.connect(desk.name)
    else:
        memory.opened_for[key] = OpenedFor(number, now)
        # What it answers may be a code of the connection before this one, even one that was used.
        await desk.client.pairing_code(desk.name, number.removeprefix("+"))
    _log(desk, f"offer a pairing code of {desk.name}")
    desk.context.wake.wake([key])


def _log(desk: _Desk, change: str) -> None:
    log.info("change made", tenant=str(desk.tenant.key), what=change, why="somebody asked for a code")


def _take_note(desk: _Desk, row: InstanceRow, state: SessionState | None) -> None:
    """What is seen here is newer than the snapshot; the tenant follows at once instead of at the next poll."""
    instances, before = desk.server.instances, desk.server.instances.listed.get(desk.name)
    moved = before != row or (instances.live is not None and instances.live_state(desk.name) is not state)
    instances.listed.record(desk.name, row, desk.context.clock.now())
    instances.record_live(desk.name, state)
    if moved:
        desk.context.wake.wake([desk.tenant.key])


def _somebody_looks(desk: _Desk) -> None:
    key, memory, now = desk.tenant.key, desk.context.memory, desk.context.clock.now()
    timeout = timedelta(seconds=session_timeout(desk.server))
    expired = pairing_expired(pairing_since(desk.tenant, now), memory.looked_at.get(key), timeout, now)
    memory.looked_at[key] = now
    if expired:
        desk.context.wake.wake([key])


def _connected(desk: _Desk, row: InstanceRow) -> Connected:
    number = NumberObserved(recorded=desk.tenant.status.phone_number)
    if not wrong_number(desk.wanted, number, row):
        return Connected(row.owner_number)
    return Connected(
        row.owner_number,
        f"{desk.name} is paired with {row.owner_number}, but the tenant's number is {desk.number}. Unlink the device"
        " on that phone, then pair the right one.",
    )


def _missing(desk: _Desk) -> Preparing:
    desk.context.wake.wake([desk.tenant.key])
    return Preparing(f"{desk.name} is not on {desk.server.name} now; the tenant's status says what is done.")
