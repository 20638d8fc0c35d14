"""What is known of a tenant's instance: from the snapshots, with one targeted read right after pairing."""

from dataclasses import replace
from datetime import datetime

from controller.api.common_fields import parse_duration
from controller.api.conditions import Reason
from controller.providers.errors import OutsideError
from controller.providers.evolution.protocol import Integration, SessionState
from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredInstance, DesiredTenant
from controller.reconcile.fleet import InstanceServer
from controller.reconcile.instance.placement import place
from controller.reconcile.observed import InstanceObserved
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import Verdict

DEFAULT_SESSION_TIMEOUT = "1h"


async def observe_instance(tenant: Tenant, desired: DesiredTenant, context: Context) -> InstanceObserved:
    """Everything the instance's plan needs."""
    observed = _from_snapshot(tenant, desired, context)
    try:
        return await _with_paired_number(observed, context)
    except OutsideError as error:
        return replace(observed, unreachable=Verdict.failed(error))


async def _with_paired_number(observed: InstanceObserved, context: Context) -> InstanceObserved:
    """A list taken before the pairing does not show the paired number; routing depends on it, so ask."""
    row, server = observed.row, context.fleet.servers.get(observed.server or "")
    if (
        row is None
        or server is None
        or server.client is None
        or observed.unreachable is not None
        or observed.state is not SessionState.OPEN
        or row.integration != Integration.BAILEYS.value
        or row.owner_number is not None
    ):
        return observed
    fresh = await server.client.instance(row.name)
    if fresh is None:
        return observed
    server.instances.listed.record(row.name, fresh, context.clock.now())
    return replace(observed, row=fresh)


def _from_snapshot(tenant: Tenant, desired: DesiredTenant, context: Context) -> InstanceObserved:
    recorded = tenant.status.instance
    if recorded is not None:
        return _on_server(recorded.server, recorded.name, tenant, context)
    if desired.instance is None:
        return InstanceObserved()
    name = desired.instance.name
    first = context.tenant_index.first_naming_instance(name)
    if desired.instance.named and first not in (None, tenant.key):
        return InstanceObserved(
            placement=Verdict.waiting(
                Reason.NAME_TAKEN,
                f"spec.whatsapp.instanceName names {name}, which the older tenant {first} names too. Name another.",
            )
        )
    for server in context.fleet.servers.values():
        if server.instances.listed.get(name) is not None:
            return _on_server(server.name, name, tenant, context)
    not_listed = tuple(context.fleet.servers_not_listed(context.shards.held_since(tenant.key)))
    if not_listed:
        return InstanceObserved(servers_not_listed=not_listed)
    if desired.instance.named:
        return InstanceObserved(
            placement=Verdict.waiting(
                Reason.INSTANCE_NOT_FOUND,
                f"spec.whatsapp.instanceName names {name}, which no EvolutionServer has. Nothing is created. Correct"
                " the name, or leave the field out to have a new instance.",
            )
        )
    begun_on = _begun_on(tenant, context)
    if begun_on is not None:
        return InstanceObserved(placement=begun_on)
    namespace = tenant.key.namespace
    return InstanceObserved(
        placement=place(desired.instance, context.fleet, namespace, context.namespaces.labels(namespace))
    )


def _begun_on(tenant: Tenant, context: Context) -> str | None:
    """The server that may have made the instance without our knowing; None where its next list would have shown it."""
    begun = context.memory.creations.get(tenant.key)
    server = context.fleet.servers.get(begun.server) if begun is not None else None
    if begun is None or server is None or server.spec.lost or server.instances.listed.shows(begun.at):
        return None
    return server.name


def _on_server(server_name: str, name: str, tenant: Tenant, context: Context) -> InstanceObserved:
    recorded = tenant.status.instance
    server = context.fleet.servers.get(server_name)
    if server is None:
        return InstanceObserved(
            recorded=recorded,
            server=server_name,
            unreachable=Verdict.waiting(
                Reason.SERVER_NOT_FOUND,
                f"The instance {name} is on EvolutionServer {server_name}, which does not exist. Create it again.",
            ),
        )
    row = server.instances.listed.get(name)
    server.instances.listed.expect(name)
    return InstanceObserved(
        recorded=recorded,
        server=server.name,
        row=row,
        state=server.instances.live_state(name) if row is not None else None,
        token_saved=context.secrets.version(tenant.key.namespace, token_secret_name(tenant)) is not None,
        unreachable=_why_unreachable(server, missing=row is None),
        loss_proven=server.instances.listed.loss_proven(name),
        connect_tried_at=context.memory.connected_at.get(tenant.key),
        pairing_since=pairing_since(tenant, context.clock.now()),
        looked_at=context.memory.looked_at.get(tenant.key),
        session_timeout_seconds=session_timeout(server),
    )


def token_secret_name(tenant: Tenant) -> str:
    """Secret that holds the instance's token; on the Cloud API it is the user's own, with Meta's token."""
    cloud_api = tenant.spec.whatsapp.cloud_api if tenant.spec.whatsapp else None
    if cloud_api is not None:
        return cloud_api.access_token_secret_ref.name
    return f"{tenant.key.name}-evolution"


def wanted_name(wanted: DesiredInstance, observed: InstanceObserved) -> str:
    """The recorded name stays; a new instance gets the derived one."""
    return observed.recorded.name if observed.recorded is not None else wanted.name


def _why_unreachable(server: InstanceServer, *, missing: bool) -> Verdict | None:
    if server.problem is not None:
        return server.problem
    if missing and server.mass_disappearance is not None:
        return server.mass_disappearance
    return None


def session_timeout(server: InstanceServer) -> float:
    """How many seconds an instance of the server is offered for pairing while nobody looks."""
    return parse_duration(server.spec.session_timeout or DEFAULT_SESSION_TIMEOUT).total_seconds()


def pairing_since(tenant: Tenant, now: datetime) -> datetime | None:
    """When codes began to be offered; None before that."""
    recorded = tenant.status.instance
    if recorded is None or recorded.pairing_since is None:
        return None
    # A request to look now starts a new pairing period.
    return now if tenant.reconcile_requested else datetime.fromisoformat(recorded.pairing_since)
