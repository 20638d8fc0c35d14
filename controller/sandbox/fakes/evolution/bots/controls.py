"""Control routes of bots.

- `GET /_sandbox/bots/calls`: the newest calls of bots and how they ended
- `GET /_sandbox/instances/{name}/messages`: the stored messages; `botId` names the bot that wrote one
- `POST /_sandbox/bots {"disabled": ["dify"], "openaiBaseUrl": ..., "graphBaseUrl": ...}`: how the server was started
"""

from aiohttp import web

from controller.sandbox.fakes.evolution.bots.answering import Answering
from controller.sandbox.fakes.evolution.bots.kinds import Kind
from controller.sandbox.fakes.evolution.context import control_instance, world_of
from controller.sandbox.fakes.wire import MalformedBodyError, json_response, read_object

routes = web.RouteTableDef()

ANSWERING = web.AppKey("ANSWERING", Answering)


@routes.get("/_sandbox/bots/calls")
async def calls(request: web.Request) -> web.Response:
    return json_response([call.describe() for call in request.app[ANSWERING].calls])


@routes.get("/_sandbox/instances/{name}/messages")
async def messages(request: web.Request) -> web.Response:
    log = control_instance(request).log
    return json_response([{**logged.row, "botId": logged.bot_id} for logged in log])


@routes.post("/_sandbox/bots")
async def configure(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    disabled = body.get("disabled")
    if isinstance(disabled, list):
        unknown = sorted({str(kind) for kind in disabled} - set(Kind))
        if unknown:
            raise MalformedBodyError(f"Unknown kinds of bots {unknown}; the kinds are {sorted(Kind)}.")
        world.disabled_bots = {Kind(kind) for kind in disabled}
    if isinstance(body.get("openaiBaseUrl"), str):
        world.openai_base_url = str(body["openaiBaseUrl"])
    if "graphBaseUrl" in body:
        world.graph_base_url = str(body["graphBaseUrl"]) if body["graphBaseUrl"] else None
    return json_response(
        {
            "disabled": sorted(world.disabled_bots),
            "openaiBaseUrl": world.openai_base_url,
            "graphBaseUrl": world.graph_base_url,
        }
    )
