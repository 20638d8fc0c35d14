"""Choosing the server of a new instance. Pure."""

from collections.abc import Mapping

from controller.api.conditions import Reason
from controller.api.group import Kind
from controller.reconcile.allowed_namespaces import allows, not_allowed
from controller.reconcile.desired import DesiredInstance
from controller.reconcile.fleet import Fleet, InstanceServer
from controller.reconcile.verdict import Verdict


def place(
    wanted: DesiredInstance, fleet: Fleet, namespace: str, labels: Mapping[str, str] | None
) -> str | Verdict:
    """The server with the most room among those that fit and answer, or why there is none."""
    matching = [server for server in fleet.servers.values() if _fits(server, wanted)]
    if not matching:
        return Verdict.waiting(Reason.SERVER_NOT_FOUND, _not_found(wanted))
    fitting = [server for server in matching if allows(server.spec.allowed_namespaces, labels)]
    if not fitting:
        names = ", ".join(server.name for server in matching)
        return not_allowed(Kind.EVOLUTION_SERVER, names, namespace, labels)
    with_room = [server for server in fitting if server.schedulable and server.room > 0]
    if not with_room:
        names = ", ".join(
            f"{s.name} ({s.capacity - s.room} of {s.capacity}{'' if s.schedulable else ', not schedulable'})"
            for s in fitting
        )
        return Verdict.waiting(
            Reason.NO_ROOM,
            f"No room on any EvolutionServer that fits: {names}. Add a server or raise maxInstances.",
        )
    # A server that lost its instances looks empty, and is the last one to be trusted with new ones.
    answering = [s for s in with_room if (s.problem or s.mass_disappearance) is None and s.client is not None]
    if not answering:
        first = min(with_room, key=lambda server: server.name)
        return (
            first.problem
            or first.mass_disappearance
            or Verdict.waiting(Reason.WAITING_FOR_SERVER, f"EvolutionServer {first.name} is not ready yet.")
        )
    return max(answering, key=lambda server: (server.room, server.name)).name


def _fits(server: InstanceServer, wanted: DesiredInstance) -> bool:
    if wanted.server is not None:
        return server.name == wanted.server
    return wanted.region is None or server.spec.region == wanted.region


def _not_found(wanted: DesiredInstance) -> str:
    if wanted.server is not None:
        return (
            f"spec.whatsapp.serverRef names EvolutionServer {wanted.server}, which does not exist."
            " Create it, or name another."
        )
    if wanted.region is not None:
        return f"No EvolutionServer has spec.region {wanted.region}. Add one, or change spec.whatsapp.region."
    return "There is no EvolutionServer. Create one."
