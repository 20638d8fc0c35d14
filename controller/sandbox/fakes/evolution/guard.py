"""The guards in front of every route, in the real server's order: exists, name free, key.

An unknown instance is therefore 404 even without a key (measured).
"""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.errors import name_taken, unauthorized, unknown_instance
from controller.sandbox.fakes.evolution.state import Instance, World

CREATE = "/instance/create"
FETCH = "/instance/fetchInstances"

_OPEN_PATHS = frozenset({"/", "/metrics", "/webhook/evolution"})


def check(request: web.Request, world: World, body: Mapping[str, object]) -> None:
    """Raises RefusalError."""
    if request.path in _OPEN_PATHS:
        return
    name = request.match_info.get("name")
    instance = world.known(name) if name is not None else None
    if name is not None and instance is None:
        raise unknown_instance(name)
    wanted = body.get("instanceName")
    if request.path == CREATE and isinstance(wanted, str) and world.known(wanted):
        raise name_taken(wanted)
    _check_key(request, world, instance)


def _check_key(request: web.Request, world: World, instance: Instance | None) -> None:
    key = request.headers.get("apikey")
    if not key:
        raise unauthorized()
    if key == world.api_key:
        return
    if instance is not None and instance.token == key:
        return
    if request.path == FETCH and any(known.token == key for known in world.all_known()):
        return
    raise unauthorized()
