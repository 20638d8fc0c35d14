"""Control routes of bots.

- `GET /_sandbox/bots/calls`: the newest calls of bots and how they ended
- `GET /_sandbox/instances/{name}/messages`: the stored messages; `botId` names the bot that wrote one
"""

from aiohttp import web

from controller.sandbox.fakes.evolution.bots.answering import Answering
from controller.sandbox.fakes.evolution.context import control_instance
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

ANSWERING = web.AppKey("ANSWERING", Answering)


@routes.get("/_sandbox/bots/calls")
async def calls(request: web.Request) -> web.Response:
    return json_response([call.describe() for call in request.app[ANSWERING].calls])


@routes.get("/_sandbox/instances/{name}/messages")
async def messages(request: web.Request) -> web.Response:
    log = control_instance(request).log
    return json_response([{**logged.row, "botId": logged.bot_id} for logged in log])
