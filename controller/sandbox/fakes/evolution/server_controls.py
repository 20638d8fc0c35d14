"""Control routes of the whole server: how it was started, and restarts.

- `POST /_sandbox/server {"licensed": false, "disabledBots": ["dify"], "chatwoot": true, "stickySessions": true,
  "openaiBaseUrl": ..., "graphBaseUrl": ...}`: how it was started; what is left out stays
- `POST /_sandbox/restart {"seconds": 0.5}`: the process ends and starts again; for so long it answers without
  having loaded its instances. Queued webhooks, answers of bots and unfinished deletions are lost
- `POST /_sandbox/instances/{name}/troubles {"deadSocket": true, "deleteLeavesRow": true}`: the socket is dead while
  memory says open; the next deletion succeeds and leaves the row behind
"""

from dataclasses import replace

from aiohttp import web

from controller.sandbox.fakes.evolution.bots.kinds import Kind
from controller.sandbox.fakes.evolution.context import control_instance, world_of
from controller.sandbox.fakes.wire import MalformedBodyError, json_response, read_object

routes = web.RouteTableDef()


@routes.post("/_sandbox/server")
async def configure(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    options = world.options
    openai, graph = body.get("openaiBaseUrl"), body.get("graphBaseUrl", options.graph_base_url)
    world.options = replace(
        options,
        licensed=_flag(body, "licensed", present=options.licensed),
        chatwoot=_flag(body, "chatwoot", present=options.chatwoot),
        sticky_sessions=_flag(body, "stickySessions", present=options.sticky_sessions),
        disabled_bots=_kinds(body, options.disabled_bots),
        openai_base_url=openai if isinstance(openai, str) else options.openai_base_url,
        graph_base_url=str(graph) if graph else None,
    )
    return json_response(world.options.describe())


async def seconds_of(request: web.Request) -> float:
    """Read how long a restart takes. Raises MalformedBodyError."""
    seconds = (await read_object(request)).get("seconds", 0)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        raise MalformedBodyError('The body must be {"seconds": <a number from 0>}.')
    return float(seconds)


@routes.post("/_sandbox/instances/{name}/troubles")
async def make_trouble(request: web.Request) -> web.Response:
    instance, body = control_instance(request), await read_object(request)
    instance.socket_dead = _flag(body, "deadSocket", present=instance.socket_dead)
    instance.delete_leaves_row = _flag(body, "deleteLeavesRow", present=instance.delete_leaves_row)
    return json_response(
        {"deadSocket": instance.socket_dead, "deleteLeavesRow": instance.delete_leaves_row},
    )


def _kinds(body: dict[str, object], present: frozenset[Kind]) -> frozenset[Kind]:
    value = body.get("disabledBots")
    if not isinstance(value, list):
        return present
    unknown = sorted({str(kind) for kind in value} - set(Kind))
    if unknown:
        raise MalformedBodyError(f"Unknown kinds of bots {unknown}; the kinds are {sorted(Kind)}.")
    return frozenset(Kind(kind) for kind in value)


def _flag(body: dict[str, object], name: str, *, present: bool) -> bool:
    value = body.get(name, present)
    if not isinstance(value, bool):
        raise MalformedBodyError(f'"{name}" must be true or false.')
    return value
