"""The server's own endpoints: welcome, credentials, metrics."""

from aiohttp import web

from controller.sandbox.fakes.evolution.context import world_of
from controller.sandbox.fakes.evolution.state import VERSION, Connection
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()
metrics_routes = web.RouteTableDef()
"""Served only when the server was started with metrics on."""


@routes.get("/")
async def welcome(request: web.Request) -> web.Response:
    world = world_of(request)
    return json_response(
        {
            "status": 200,
            "message": "Welcome to the Evolution API, it is working!",
            "version": VERSION,
            "clientName": world.client_name,
            "manager": f"{world.server_url}/manager",
            "documentation": "https://doc.evolution-api.com",
            "whatsappWebVersion": "2.3000.1027934701",
        },
    )


@routes.post("/verify-creds")
async def verify_credentials(_request: web.Request) -> web.Response:
    return json_response({"status": 200, "message": "Credentials are valid"})


@metrics_routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """The live state of every loaded instance, without a key."""
    world = world_of(request)
    loaded = [instance for instance in world.instances.values() if instance.live is not None]
    lines = [
        "# HELP evolution_environment_info Environment information",
        "# TYPE evolution_environment_info gauge",
        (
            f'evolution_environment_info{{version="{VERSION}",clientName="{_label(world.client_name)}",'
            f'serverUrl="{_label(world.server_url)}"}} 1'
        ),
        "# HELP evolution_instances_total Total number of instances",
        "# TYPE evolution_instances_total gauge",
        f"evolution_instances_total {len(loaded)}",
        "# HELP evolution_instance_up 1 if instance state is open, else 0",
        "# TYPE evolution_instance_up gauge",
        "# HELP evolution_instance_state Instance state as a labelled metric",
        "# TYPE evolution_instance_state gauge",
    ]
    for instance in loaded:
        labels = f'instance="{_label(instance.name)}",integration="{instance.integration}"'
        lines.append(f"evolution_instance_up{{{labels}}} {int(instance.live is Connection.OPEN)}")
        lines.append(f'evolution_instance_state{{{labels},state="{instance.live}"}} 1')
    return web.Response(
        body=("\n".join(lines) + "\n").encode(),
        headers={
            "Content-Type": "text/plain; charset=utf-8; version=0.0.4",
            "Cache-Control": "no-cache, no-store, must-revalidate",
        },
    )


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
