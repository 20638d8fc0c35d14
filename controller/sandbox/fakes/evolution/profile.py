"""The profile endpoints: only a connected WHATSAPP-BAILEYS instance has them."""

from aiohttp import web

from controller.sandbox.fakes.evolution import lifecycle
from controller.sandbox.fakes.evolution.context import (
    body_of,
    instance_of,
    is_open,
    require_channel,
    world_of,
)
from controller.sandbox.fakes.evolution.errors import bad_request, thrown
from controller.sandbox.fakes.evolution.lifecycle import jid
from controller.sandbox.fakes.evolution.state import Instance
from controller.sandbox.fakes.evolution.validation import require_text
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_UPDATED = {"update": "success"}


@routes.post("/chat/updateProfileName/{name}")
async def update_name(request: web.Request) -> web.Response:
    instance = instance_of(request)
    name = require_text(await body_of(request), "name")
    _require_socket(instance, "Error updating profile name", "updateProfileName")
    if not instance.app_state_key:
        raise thrown(["Error updating profile name", "Error: App state key not present!"])
    instance.account.name = name
    return json_response(_UPDATED)


@routes.post("/chat/updateProfileStatus/{name}")
async def update_about(request: web.Request) -> web.Response:
    instance = instance_of(request)
    about = require_text(await body_of(request), "status")
    _require_socket(instance, "Error updating profile status", "updateProfileStatus")
    instance.account.about = about
    return json_response(_UPDATED)


@routes.post("/chat/updateProfilePicture/{name}")
async def update_picture(request: web.Request) -> web.Response:
    instance = instance_of(request)
    picture = require_text(await body_of(request), "picture")
    _require_socket(instance, "Error updating profile picture", "updateProfilePicture")
    instance.account.picture = picture
    lifecycle.open_second_socket(world_of(request), instance)
    return json_response(_UPDATED)


@routes.delete("/chat/removeProfilePicture/{name}")
async def remove_picture(request: web.Request) -> web.Response:
    """Read in the server's source, not recorded."""
    instance = instance_of(request)
    _require_socket(instance, "Error removing profile picture", "removeProfilePicture")
    instance.account.picture = None
    lifecycle.open_second_socket(world_of(request), instance)
    return json_response(_UPDATED)


@routes.post("/chat/fetchProfile/{name}")
async def fetch_profile(request: web.Request) -> web.Response:
    """Read in the server's source, not recorded: without a number it is the instance's own profile."""
    instance = instance_of(request)
    number = (await body_of(request)).get("number")
    require_channel(instance)
    if not is_open(instance):
        raise thrown("Cannot read properties of undefined (reading 'onWhatsApp')")
    wanted = jid(str(number)) if number else instance.owner_jid
    if wanted is not None and wanted.split("@")[0] in world_of(request).not_on_whatsapp:
        raise bad_request({"jid": wanted, "exists": False, "number": number})
    own = wanted == instance.owner_jid
    return json_response(
        {
            "wuid": wanted,
            "name": instance.account.name if own else None,
            "numberExists": True,
            "picture": instance.account.picture if own else None,
            "status": instance.account.about if own else None,
            "isBusiness": False,
        },
    )


@routes.post("/chat/fetchBusinessProfile/{name}")
async def fetch_business_profile(request: web.Request) -> web.Response:
    instance = instance_of(request)
    number = require_text(await body_of(request), "number")
    # The text names another call: the real server's own slip (recorded).
    _require_socket(instance, "Error updating profile name", "getBusinessProfile")
    address = jid(number)
    return json_response(
        {
            "isBusiness": False,
            "message": "Not is business profile",
            "jid": address,
            "exists": True,
            "number": address,
        },
    )


@routes.get("/chat/fetchPrivacySettings/{name}")
async def fetch_privacy(request: web.Request) -> web.Response:
    instance = instance_of(request)
    require_channel(instance)
    if not is_open(instance):
        raise thrown("Cannot read properties of undefined (reading 'fetchPrivacySettings')")
    return json_response(instance.account.privacy)


@routes.post("/chat/updatePrivacySettings/{name}")
async def update_privacy(request: web.Request) -> web.Response:
    instance, body = instance_of(request), await body_of(request)
    for name in instance.account.privacy:
        require_text(body, name)
    _require_socket(instance, "Error updating privacy settings", "updateReadReceiptsPrivacy")
    instance.account.privacy = {name: str(body[name]) for name in instance.account.privacy}
    lifecycle.open_second_socket(world_of(request), instance)
    return json_response({"update": "success", "data": instance.account.privacy}, 201)


def _require_socket(instance: Instance, failure: str, call: str) -> None:
    require_channel(instance)
    if not is_open(instance):
        raise thrown([failure, f"TypeError: Cannot read properties of undefined (reading '{call}')"])
    if instance.socket_dead:
        raise thrown([failure, "Error: Connection Closed"])
