"""Deleting an instance: answered at once, done later.

While `remove.instance` is being delivered and the rows go, the name stays taken.
"""

import asyncio

from aiohttp import web

from controller.sandbox.fakes.evolution import lifecycle
from controller.sandbox.fakes.evolution.context import DELIVERIES, WORLD, instance_of, is_open
from controller.sandbox.fakes.evolution.errors import bad_request
from controller.sandbox.fakes.evolution.state import Instance
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

BACKGROUND = web.AppKey("BACKGROUND", set[asyncio.Task[None]])


@routes.delete("/instance/delete/{name}")
async def delete_instance(request: web.Request) -> web.Response:
    """A dead socket fails the logout that comes first, and nothing is deleted."""
    instance = instance_of(request)
    if instance.socket_dead and is_open(instance):
        raise bad_request("Connection Closed")
    begin(request.app, instance)
    return json_response(
        {"status": "SUCCESS", "error": False, "response": {"message": "Instance deleted"}},
    )


def remove_by_name(app: web.Application, name: str) -> None:
    """Delete whatever bears the name; nothing when nobody does."""
    instance = app[WORLD].instances.get(name)
    if instance is not None:
        begin(app, instance)


def begin(app: web.Application, instance: Instance) -> None:
    world = app[WORLD]
    if instance.foreign:
        world.forget_foreign(instance)
        return
    if instance.deleting:
        return
    lifecycle.unload(world, instance)
    world.emit(instance, "instance.delete", {"instanceName": instance.name, "instanceId": instance.id})
    told = app[DELIVERIES].send(instance, "remove.instance", None)
    task = asyncio.create_task(_finish(app, instance, told))
    app[BACKGROUND].add(task)
    task.add_done_callback(app[BACKGROUND].discard)


async def _finish(app: web.Application, instance: Instance, told: asyncio.Event | None) -> None:
    world = app[WORLD]
    if told is not None:
        await told.wait()
    await asyncio.sleep(world.delete_after)
    if instance.delete_leaves_row:
        instance.delete_leaves_row = instance.deleting = False
        return
    lifecycle.forget(world, instance)
