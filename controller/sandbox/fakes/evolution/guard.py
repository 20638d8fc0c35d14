"""The guards in front of every route, in the real server's order: exists, name free, key.

An unknown instance is therefore 404 even without a key (measured).
"""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.evolution.context import FlatRefusalError
from controller.sandbox.fakes.evolution.errors import name_taken, unauthorized, unknown_instance
from controller.sandbox.fakes.evolution.state import Instance, World

CREATE = "/instance/create"
FETCH = "/instance/fetchInstances"

_OPEN_PATHS = frozenset({"/", "/metrics", "/webhook/evolution", "/webhook/meta"})

_WITHOUT_LICENCE = ("/license/", "/manager", "/assets", "/store", "/ws")
"""What a server from 2.4.0 on answers before it is activated, besides `/` (read in its source)."""


def check(request: web.Request, world: World, body: Mapping[str, object]) -> None:
    """Raises RefusalError and FlatRefusalError."""
    if not world.options.licensed and not request.path.startswith(_WITHOUT_LICENCE) and request.path != "/":
        raise FlatRefusalError(503, _licence_required(world))
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


def _licence_required(world: World) -> dict[str, object]:
    return {
        "error": "service not activated",
        "code": "LICENSE_REQUIRED",
        "register_url": f"{world.server_url}/manager/login",
        "instance_id": "00000000-0000-4000-8000-000000000000",
        "docs_url": "https://doc.evolution-api.com",
        "message": "This server is not activated yet.",
    }
