"""The keys of OpenAI that bots use, and the models they open."""

from aiohttp import web

from controller.sandbox.fakes.evolution.bots.kinds import Kind
from controller.sandbox.fakes.evolution.bots.requirements import require_enabled, require_row
from controller.sandbox.fakes.evolution.bots.store import Credentials
from controller.sandbox.fakes.evolution.context import OUTBOUND, body_of, instance_of, world_of
from controller.sandbox.fakes.evolution.errors import bad_request, thrown
from controller.sandbox.fakes.evolution.outbound import OutboundError
from controller.sandbox.fakes.evolution.validation import missing_properties, refuse_invalid, wrong_types
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()


@routes.post("/openai/creds/{name}")
async def create_credentials(request: web.Request) -> web.Response:
    world, instance, body = world_of(request), instance_of(request), await body_of(request)
    texts = wrong_types(body, {"name": str, "apiKey": str})
    refuse_invalid(texts + missing_properties(body, ("name", "apiKey")))
    require_enabled(world, Kind.OPENAI)
    instance_id, store = require_row(instance), world.database.bots
    name, api_key = str(body["name"]), str(body["apiKey"])
    if any(found.api_key == api_key for found in store.credentials.values()):
        raise bad_request("This API key is already registered. Please use a different API key.")
    namesakes = [found for found in store.credentials.values() if found.name == name]
    if any(found.instance_id == instance_id for found in namesakes):
        raise bad_request("This credential name is already in use. Please choose a different name.")
    if namesakes:
        raise thrown("Error creating openai creds")
    now = world.timestamp()
    credentials = Credentials(world.cuid(), name, api_key, instance_id, now, now)
    store.credentials[credentials.id] = credentials
    return json_response(credentials.row(), 201)


@routes.get("/openai/creds/{name}")
async def find_credentials(request: web.Request) -> web.Response:
    """The keys come in clear (measured)."""
    world = world_of(request)
    require_enabled(world, Kind.OPENAI)
    found = world.database.bots.credentials_of(require_row(instance_of(request)))
    return json_response([credentials.row() | {"OpenaiAssistant": []} for credentials in found])


@routes.delete("/openai/creds/{id}/{name}")
async def delete_credentials(request: web.Request) -> web.Response:
    """What settings name cannot be deleted (measured)."""
    world = world_of(request)
    require_enabled(world, Kind.OPENAI)
    instance_id, store = require_row(instance_of(request)), world.database.bots
    credentials = store.credentials.get(request.match_info["id"])
    if (
        credentials is None
        or credentials.instance_id != instance_id
        or any(settings.credentials_id == credentials.id for settings in store.settings.values())
    ):
        raise thrown("Error deleting openai creds")
    store.delete_credentials(credentials.id)
    return json_response({"openaiCreds": {"id": credentials.id}})


@routes.get("/openai/getModels/{name}")
async def get_models(request: web.Request) -> web.Response:
    world = world_of(request)
    require_enabled(world, Kind.OPENAI)
    instance_id, store = require_row(instance_of(request)), world.database.bots
    settings = store.settings.get((instance_id, Kind.OPENAI))
    wanted = request.query.get("openaiCredsId") or (settings.credentials_id if settings else None)
    credentials = store.credentials.get(str(wanted))
    if credentials is None:
        raise thrown("Error fetching models")
    try:
        answer = await request.app[OUTBOUND].call(
            "GET",
            f"{world.options.openai_base_url}/models",
            headers={"Authorization": f"Bearer {credentials.api_key}"},
        )
    except OutboundError as error:
        raise thrown("Error fetching models") from error
    return json_response(answer.field("data"))
