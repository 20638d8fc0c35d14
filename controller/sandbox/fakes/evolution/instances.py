"""The instance endpoints: list, state, connect, restart, logout, presence."""

import asyncio

from aiohttp import web

from controller.sandbox.fakes.evolution import lifecycle
from controller.sandbox.fakes.evolution.context import (
    body_of,
    instance_of,
    is_open,
    require_channel,
    world_of,
)
from controller.sandbox.fakes.evolution.errors import bad_request, not_loaded, thrown, unauthorized
from controller.sandbox.fakes.evolution.qr import qr_body
from controller.sandbox.fakes.evolution.state import Connection, Instance, World
from controller.sandbox.fakes.evolution.validation import check_presence
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_FAILED = {"error": True, "message": "[object Object]"}
"""What connect and restart answer, with status 200, when they fail (recorded)."""


@routes.get("/instance/fetchInstances")
async def fetch_instances(request: web.Request) -> web.Response:
    world = world_of(request)
    name = request.query.get("instanceName")
    key = request.headers.get("apikey", "")
    if key != world.api_key:
        found = _of_token(world, key, name)
    elif name:
        found = [_loaded(world, name)]
    elif "instanceId" in request.query or "number" in request.query:
        found = [_by_id_or_number(world, request.query.get("instanceId"), request.query.get("number"))]
    else:
        found = list(world.instances.values())
    return json_response([row(world, instance) for instance in found if not instance.row_gone])


@routes.get("/instance/connectionState/{name}")
async def connection_state(request: web.Request) -> web.Response:
    return json_response(_state(instance_of(request)))


@routes.get("/instance/connect/{name}")
async def connect(request: web.Request) -> web.Response:
    world, instance = world_of(request), instance_of(request)
    if instance.live is None:
        return json_response(_FAILED)
    if instance.live is Connection.OPEN:
        return json_response(_state(instance))
    if instance.live is Connection.CLOSE:
        lifecycle.connect(world, instance, request.query.get("number"))
        await asyncio.sleep(world.pace.connect_wait)
    return json_response(qr_body(instance))


@routes.post("/instance/restart/{name}")
async def restart(request: web.Request) -> web.Response:
    instance = instance_of(request)
    if instance.live is None or instance.live is Connection.CLOSE:
        return json_response(_FAILED)
    # The answer tells the old state: the restart happens behind it (measured).
    answer = _state(instance) if is_open(instance) else qr_body(instance)
    lifecycle.restart(world_of(request), instance)
    return json_response(answer)


@routes.delete("/instance/logout/{name}")
async def logout(request: web.Request) -> web.Response:
    instance = instance_of(request)
    if instance.live is Connection.CLOSE:
        raise bad_request(f'The "{instance.name}" instance is not connected')
    if instance.socket_dead:
        raise thrown("Connection Closed")
    if instance.live is not None:
        lifecycle.log_out(world_of(request), instance)
    return json_response(
        {"status": "SUCCESS", "error": False, "response": {"message": "Instance logged out"}},
    )


@routes.post("/instance/setPresence/{name}")
async def set_presence(request: web.Request) -> web.Response:
    instance = instance_of(request)
    presence = check_presence(await body_of(request))
    require_channel(instance)
    if not is_open(instance):
        raise bad_request("TypeError: Cannot read properties of undefined (reading 'sendPresenceUpdate')")
    return json_response({"presence": presence}, 201)


def row(world: World, instance: Instance) -> dict[str, object]:
    """One row of fetchInstances: the database's view, which lags behind the live state."""
    return {
        "id": instance.id,
        "name": instance.name,
        "connectionStatus": Connection.CLOSE if instance.half_made else instance.stored,
        "ownerJid": instance.owner_jid,
        "profileName": instance.profile_name,
        "profilePicUrl": instance.profile_picture,
        "integration": instance.integration,
        "number": instance.number,
        "businessId": instance.business_id,
        "token": instance.token,
        "clientName": world.client_name,
        "disconnectionReasonCode": instance.disconnection_code,
        "disconnectionObject": instance.disconnection_object,
        "disconnectionAt": instance.disconnection_at,
        "createdAt": instance.created_at,
        "updatedAt": instance.updated_at,
        "Chatwoot": None,
        "Proxy": None,
        "Rabbitmq": None,
        "Nats": None,
        "Sqs": None,
        "Websocket": None,
        "Setting": None if instance.half_made else _setting_row(instance),
        "_count": {
            "Message": instance.counts.messages,
            "Contact": instance.counts.contacts,
            "Chat": instance.counts.chats,
        },
    }


def _setting_row(instance: Instance) -> dict[str, object]:
    setting = instance.setting
    return {
        "id": setting.id,
        **setting.values,
        "createdAt": setting.created_at,
        "updatedAt": setting.updated_at,
        "instanceId": instance.id,
    }


def _state(instance: Instance) -> dict[str, object]:
    """The live state; it is absent while the instance is not loaded, as during a deletion."""
    state = {} if instance.live is None else {"state": instance.live}
    return {"instance": {"instanceName": instance.name, **state}}


def _loaded(world: World, name: str) -> Instance:
    instance = world.instances.get(name)
    if instance is None or instance.live is None:
        raise not_loaded(name)
    return instance


def _by_id_or_number(world: World, instance_id: str | None, number: str | None) -> Instance:
    for instance in world.instances.values():
        if (instance.id == instance_id) if instance_id else (instance.number == number):
            return _loaded(world, instance.name)
    raise not_loaded(instance_id or number or "")


def _of_token(world: World, token: str, name: str | None) -> list[Instance]:
    owned = [instance for instance in world.all_known() if instance.token == token]
    if name:
        if name not in [instance.name for instance in owned]:
            raise unauthorized()
        return [_loaded(world, name)]
    loaded = [instance for instance in owned if instance.live is not None]
    if not loaded:
        raise not_loaded(", ".join(instance.name for instance in owned), plural=True)
    return loaded
