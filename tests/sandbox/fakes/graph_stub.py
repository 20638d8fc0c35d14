"""The stand-in for Meta's Graph API that the real server was recorded against."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

_IDS = web.AppKey("IDS", itertools.count)
_HELLO_WORLD = {
    "name": "hello_world",
    "parameter_format": "POSITIONAL",
    "components": [{"type": "BODY", "text": "Hi"}],
    "language": "en_US",
    "status": "APPROVED",
    "category": "UTILITY",
    "id": "594425479261596",
}
_EXPIRED = {
    "message": "Error validating access token: Session has expired.",
    "type": "OAuthException",
    "code": 190,
    "error_subcode": 463,
    "fbtrace_id": "Axyz",
}
_BEING_DELETED = {
    "message": "(#100) Invalid parameter",
    "type": "OAuthException",
    "code": 100,
    "error_data": {"details": "bad"},
    "error_subcode": 2388023,
    "is_transient": False,
    "error_user_title": "Message template language is being deleted",
    "error_user_msg": "New content can't be added while the existing content is being deleted.",
    "fbtrace_id": "AbCdEf",
}
_REFUSED = {"bad_one", "missing", "9990000"}
"""Names of templates and numbers that it was told to refuse."""


@asynccontextmanager
async def running_graph() -> AsyncIterator[str]:
    """Listen, and give the base URL."""
    app = web.Application()
    app.router.add_route("*", "/{version}/{id}/{edge}", _answer)
    app.router.add_post("/{version}/{id}", _edited)
    app[_IDS] = itertools.count(1)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _answer(request: web.Request) -> web.Response:
    if request.headers["Authorization"] == "Bearer bad-graph-token":
        return web.json_response({"error": _EXPIRED}, status=401)
    if request.method == "GET":
        return web.json_response({"data": [_HELLO_WORLD], "paging": {}})
    body = await request.json() if request.method == "POST" else dict(request.query)
    if {body.get("name"), body.get("to")} & _REFUSED:
        return web.json_response({"error": _BEING_DELETED}, status=400)
    if request.match_info["edge"] == "messages":
        return web.json_response({"messages": [{"id": f"wamid.HBgLNT{next(request.app[_IDS]):08d}"}]})
    if request.method == "DELETE":
        return web.json_response({"success": True})
    created = {
        "id": str(9000000000 + next(request.app[_IDS])),
        "status": "PENDING",
        "category": body["category"],
    }
    return web.json_response(created, status=200)


async def _edited(_request: web.Request) -> web.Response:
    return web.json_response({"success": True})
