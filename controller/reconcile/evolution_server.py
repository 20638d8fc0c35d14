"""One pass over an EvolutionServer: live states every poll, the rows less often and after changes, tenants woken."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from controller.api.conditions import Reason
from controller.api.evolution_server import EvolutionServerSpec, MetricsMode, OrphanInstance
from controller.providers.errors import OutsideError
from controller.providers.evolution.protocol import SessionState
from controller.reconcile.context import Context
from controller.reconcile.fingerprint import fingerprint
from controller.reconcile.fleet import InstanceServer
from controller.reconcile.fleet_object import FleetObject, ready_conditions
from controller.reconcile.next_look import ON_CHANGE, BackOff, NextLook
from controller.reconcile.ownership import is_derived_instance_name
from controller.reconcile.ports import MissingSecretKeyError, ObjectChangedError
from controller.reconcile.serving import goes_now, poll_delay, poll_interval
from controller.reconcile.status import status_patch
from controller.reconcile.timestamps import stamp
from controller.reconcile.verdict import Again, Verdict

# The rows cost the server a count of messages a row; the live states cost nothing.
POLLS_PER_LIST: Final = 10
# One slow answer must not rewrite the status of 500 tenants.
FAILURES_BELIEVED: Final = 3
# Below three, instances that went were deleted one by one; from there on more than 5 % is the server's trouble.
MASS_MINIMUM: Final = 3
MASS_SHARE: Final = 0.05
DOUBT_SECONDS: Final = 2.0
ITS_INSTANCES: Final = (Reason.MASS_DISAPPEARANCE, Reason.WHATSAPP_UNREACHABLE)
ORPHANS_SHOWN: Final = 256

Server = FleetObject[EvolutionServerSpec]


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a poll found: what to say, and whose instances moved."""

    verdict: Verdict
    changed: frozenset[str] = frozenset()


async def reconcile_evolution_server(server: Server, context: Context, back_off: BackOff) -> NextLook:
    """Look at the server once, and say what was found."""
    name = server.key.name
    known = context.fleet.servers.setdefault(name, InstanceServer(name, server.spec))
    edited = known.spec != server.spec
    known.spec, known.deleting = server.spec, server.deleted_at is not None
    try:
        serving = bool(context.tenant_index.on_server(name))
        writes = context.shards.holds(server.key)
        if writes and await goes_now(server, context.fleet_objects, serving=serving):
            forget_evolution_server(name, context)
            return ON_CHANGE
        before, began_before, was_full = known.problem, known.instances.listed.began_at, known.room <= 0
        mass_before = known.mass_disappearance is not None
        refused = await _connect(server, known, context)
        looked = _Looked(refused) if refused is not None else await _look(known, context)
        known.problem = _believed(known, looked.verdict)
        first = known.instances.listed.crossed(context.shards.newest_acquisition(), began_before)
        mass_turned = mass_before != (known.mass_disappearance is not None)
        has_room_again = was_full and known.room > 0
        turned = edited or mass_turned or (before is None) != (known.problem is None)
        _wake(known, looked.changed, context, first=first, turned=turned)
        if has_room_again:
            context.wake.wake(context.tenant_index.unsettled())
        if writes:
            await _report(server, known, looked.verdict, context)
    except ObjectChangedError:
        return NextLook(1.0)
    poll = poll_interval(server.spec.poll_interval, context.policy.instance_poll_interval)
    delay = poll_delay(server, looked.verdict, poll, back_off)
    # A row that a list lacks for the first time is looked for again soon: the second list decides.
    return NextLook(min(delay, DOUBT_SECONDS) if known.instances.listed.has_doubts() else delay)


def forget_evolution_server(name: str, context: Context) -> None:
    """The object is gone: its tenants say so, and nothing new is placed there."""
    context.fleet.servers.pop(name, None)
    context.wake.wake({*context.tenant_index.on_server(name).values(), *context.tenant_index.unsettled()})


async def _connect(server: Server, known: InstanceServer, context: Context) -> Verdict | None:
    """Have a client with the key as it is now; None when there is one."""
    reference, namespace = server.spec.api_key_secret_ref, context.policy.operator_namespace
    metrics = server.spec.metrics.basic_auth_secret_ref if server.spec.metrics else None
    versions = [
        context.secrets.version(namespace, reference.name),
        context.secrets.version(namespace, metrics.name) if metrics else None,
    ]
    made_of = fingerprint([server.spec.to_wire(), versions])
    if known.client is not None and known.made_of == made_of:
        return None
    if known.client is not None:
        client, known.client = known.client, None
        await client.close()
    secret = await context.secrets.read(namespace, reference.name)
    key = (secret or {}).get(reference.key)
    if not key:
        lacking = "does not exist" if secret is None else f"has no key {reference.key}"
        return Verdict.waiting(
            Reason.SECRET_NOT_FOUND,
            f"Secret {namespace}/{reference.name} {lacking}. Create it with the server's global API key.",
        )
    metrics_secret = await context.secrets.read(namespace, metrics.name) if metrics else None
    try:
        known.client = context.clients.evolution(known.name, server.spec, key, metrics_secret)
    except MissingSecretKeyError as error:
        return Verdict.waiting(Reason.SECRET_NOT_FOUND, str(error))
    known.made_of, known.failures = made_of, 0
    return None


async def _look(known: InstanceServer, context: Context) -> _Looked:
    client = known.client
    assert client is not None  # noqa: S101  # _connect made it
    instances, changed = known.instances, frozenset[str]()
    try:
        live = await client.live_states() if _uses_metrics(known) else None
        if live is not None:
            changed = instances.put_live(context.clock.now(), live)
        elif instances.live is not None:
            changed = instances.without_live()
        if not _list_due(known, changed, context):
            return _Looked(_say(known), changed)
        began_at = context.clock.now()
        rows = {row.name: row for row in await client.instances()}
    except OutsideError as error:
        return _Looked(Verdict.failed(error), changed)
    gone = _mass_disappearance(known, rows.keys(), context)
    known.mass_disappearance = gone
    if instances.listed.proven or gone is None:
        changed |= instances.listed.put(began_at, rows)
    return _Looked(gone or _say(known), changed)


def _uses_metrics(known: InstanceServer) -> bool:
    return known.spec.metrics is None or known.spec.metrics.mode is MetricsMode.AUTO


def _list_due(known: InstanceServer, changed: frozenset[str], context: Context) -> bool:
    """Every tenth poll, and after any sign that rows differ from the list held."""
    began_at = known.instances.listed.began_at
    if (
        began_at is None
        or began_at < context.shards.newest_acquisition()
        or changed
        or known.instances.suspects_change()
        or known.instances.listed.has_doubts()
        or (known.mass_disappearance is not None and known.spec.lost)  # a person has just said what it is
    ):
        return True
    poll = poll_interval(known.spec.poll_interval, context.policy.instance_poll_interval)
    return context.clock.now() - began_at >= POLLS_PER_LIST * poll


def _mass_disappearance(known: InstanceServer, names: Collection[str], context: Context) -> Verdict | None:
    """Many instances of tenants gone at once: the server's trouble, not a wave of re-creations."""
    recorded = context.tenant_index.on_server(known.name)
    gone = [name for name in recorded if name not in names]
    if known.spec.lost or len(gone) < MASS_MINIMUM or len(gone) <= MASS_SHARE * len(recorded):
        return None
    return Verdict.waiting(
        Reason.MASS_DISAPPEARANCE,
        f"{len(gone)} of {len(recorded)} tenants' instances are missing on {known.name}. Nothing is re-created."
        " Check the server's database; set spec.lost: true when the loss is real and final.",
    )


def _say(known: InstanceServer) -> Verdict:
    if known.instances.without_whatsapp:
        down, paired = known.instances.cut_off()
        return Verdict.waiting(
            Reason.WHATSAPP_UNREACHABLE,
            f"{down} of {paired} paired instances on {known.name} are cut off from WhatsApp. Nothing is done to them;"
            " they reconnect by themselves. Check the server's way out to WhatsApp.",
        )
    rows = len(known.instances.listed.rows)
    if known.instances.live is None:
        return Verdict.good(
            Reason.AVAILABLE, f"{rows} instances; no /metrics, so states come from the database, which lags."
        )
    return Verdict.good(Reason.AVAILABLE, f"{rows} instances listed.")


def _believed(known: InstanceServer, verdict: Verdict) -> Verdict | None:
    """The problem that tenants are told of: a failing server is believed after three polls, a refusal at once.

    Trouble of its instances is the server's condition alone: its tenants tell of theirs.
    """
    if verdict.ready or verdict.reason in ITS_INSTANCES:
        known.failures = 0
        return None
    known.failures += 1
    passing = verdict.again is Again.BACK_OFF and known.instances.listed.proven
    return None if passing and known.failures < FAILURES_BELIEVED else verdict


def _wake(
    known: InstanceServer, changed: frozenset[str], context: Context, *, first: bool, turned: bool
) -> None:
    index, on_server = context.tenant_index, context.tenant_index.on_server(known.name)
    if first or turned:
        context.wake.wake({*on_server.values(), *index.unsettled()}, first_lists=first)
        return
    keys = {on_server.get(name) or index.by_instance_name(name) for name in changed}
    context.wake.wake(key for key in keys if key is not None)


async def _report(server: Server, known: InstanceServer, verdict: Verdict, context: Context) -> None:
    # While a failing poll is not believed yet, Ready stays as it was.
    passing = known.problem is None and not verdict.ready and verdict.reason not in ITS_INSTANCES
    if passing:
        return
    status = _status(server, known, verdict, context)
    kept = {name: server.status[name] for name in ("recentIrreversible",) if name in server.status}
    patch = status_patch(server.status, {**kept, **status})
    if patch:
        await context.fleet_objects.patch_status(server.key, server.resource_version, patch)


def _status(server: Server, known: InstanceServer, verdict: Verdict, context: Context) -> dict[str, Any]:
    conditions: list[Mapping[str, Any]] = server.status.get("conditions") or []
    status: dict[str, Any] = {
        "conditions": ready_conditions(verdict, server.generation, conditions, context.clock.now()),
        "tenants": len(context.tenant_index.on_server(known.name)),
        "capacity": known.capacity,
        "observedGeneration": server.generation,
    }
    listed = known.instances.listed
    if listed.proven:
        status["instances"] = len(listed.rows)
        states = (known.instances.live_state(name) for name in listed.rows)
        status["connected"] = sum(state is SessionState.OPEN for state in states)
        orphans = _orphans(known, server.status, context)
        known.orphans = len(orphans)
        if orphans:
            status["orphans"] = [orphan.to_wire() for orphan in orphans[:ORPHANS_SHOWN]]
    if known.instances.live is not None:
        status["version"] = known.instances.live.version
        status["clientName"] = known.instances.live.client_name
    return status


def _orphans(known: InstanceServer, before: Mapping[str, Any], context: Context) -> list[OrphanInstance]:
    """Instances named as ours are that no tenant here has; never deleted by themselves."""
    since = {orphan["name"]: orphan["since"] for orphan in before.get("orphans") or ()}
    now = stamp(context.clock.now())
    return [
        OrphanInstance(name=name, since=since.get(name, now))
        for name in sorted(known.instances.listed.rows)
        if is_derived_instance_name(name) and context.tenant_index.by_instance_name(name) is None
    ]
