"""The guards in front of every route, in the real server's order: exists, name free, key.

An unknown instance is therefore 404 even without a key (measured).
"""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.errors import name_taken, unauthorized, unknown_instance
from controller.sandbox.fakes.evolution.state import World

CREATE = "/instance/create"
FETCH = "/instance/fetchInstances"

_OPEN_PATHS = frozenset({"/", "/metrics", "/webhook/evolution"})


def check(request: web.Request, world: World, body: Mapping[str, object]) -> None:
    """Raises RefusalError."""
    if request.path in _OPEN_PATHS:
        return
    name = request.match_info.get("name")
    if name is not None and name not in world.instances:
        raise unknown_instance(name)
    wanted = body.get("instanceName")
    if request.path == CREATE and isinstance(wanted, str) and wanted in world.instances:
        raise name_taken(wanted)
    _check_key(request, world, name)


def _check_key(request: web.Request, world: World, name: str | None) -> None:
    key = request.headers.get("apikey")
    if not key:
        raise unauthorized()
    if key == world.api_key:
        return
    if name is not None and world.instances[name].token == key:
        return
    if request.path == FETCH and any(instance.token == key for instance in world.instances.values()):
        return
    raise unauthorized()
