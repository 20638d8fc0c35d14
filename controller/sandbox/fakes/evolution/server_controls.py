"""Control routes of the whole server: how it was started, and restarts.

- `POST /_sandbox/server {"licensed": false, "disabledBots": ["dify"], "chatwoot": true, "openaiBaseUrl": ...,
  "graphBaseUrl": ...}`: how it was started; what is left out stays
- `POST /_sandbox/restart {"seconds": 0.5}`: the process ends and starts again; for so long it answers without
  having loaded its instances. Queued webhooks, answers of bots and unfinished deletions are lost
- `POST /_sandbox/instances/{name}/troubles {"deadSocket": true, "deleteLeavesRow": true}`: the socket is dead while
  memory says open; the next deletion succeeds and leaves the row behind
"""

from aiohttp import web

from controller.sandbox.fakes.evolution.bots.kinds import Kind
from controller.sandbox.fakes.evolution.context import control_instance, world_of
from controller.sandbox.fakes.evolution.state import World
from controller.sandbox.fakes.wire import MalformedBodyError, json_response, read_object

routes = web.RouteTableDef()


@routes.post("/_sandbox/server")
async def configure(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    world.licensed = _flag(body, "licensed", world.licensed)
    world.chatwoot_enabled = _flag(body, "chatwoot", world.chatwoot_enabled)
    disabled = body.get("disabledBots")
    if isinstance(disabled, list):
        unknown = sorted({str(kind) for kind in disabled} - set(Kind))
        if unknown:
            raise MalformedBodyError(f"Unknown kinds of bots {unknown}; the kinds are {sorted(Kind)}.")
        world.disabled_bots = {Kind(kind) for kind in disabled}
    if isinstance(body.get("openaiBaseUrl"), str):
        world.openai_base_url = str(body["openaiBaseUrl"])
    if "graphBaseUrl" in body:
        world.graph_base_url = str(body["graphBaseUrl"]) if body["graphBaseUrl"] else None
    return json_response(describe_server(world))


async def seconds_of(request: web.Request) -> float:
    """Read how long a restart takes. Raises MalformedBodyError."""
    seconds = (await read_object(request)).get("seconds", 0)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        raise MalformedBodyError('The body must be {"seconds": <a number from 0>}.')
    return float(seconds)


@routes.post("/_sandbox/instances/{name}/troubles")
async def make_trouble(request: web.Request) -> web.Response:
    instance, body = control_instance(request), await read_object(request)
    instance.socket_dead = _flag(body, "deadSocket", instance.socket_dead)
    instance.delete_leaves_row = _flag(body, "deleteLeavesRow", instance.delete_leaves_row)
    return json_response(
        {"deadSocket": instance.socket_dead, "deleteLeavesRow": instance.delete_leaves_row},
    )


def describe_server(world: World) -> dict[str, object]:
    return {
        "licensed": world.licensed,
        "disabledBots": sorted(world.disabled_bots),
        "chatwoot": world.chatwoot_enabled,
        "openaiBaseUrl": world.openai_base_url,
        "graphBaseUrl": world.graph_base_url,
    }


def _flag(body: dict[str, object], name: str, present: bool) -> bool:  # noqa: FBT001  read as a value
    value = body.get(name, present)
    if not isinstance(value, bool):
        raise MalformedBodyError(f'"{name}" must be true or false.')
    return value
