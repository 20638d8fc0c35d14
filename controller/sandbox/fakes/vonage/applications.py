"""`/v2/applications`: named bundles of webhooks that numbers are linked to."""

from collections.abc import Iterator, Mapping

from aiohttp import web
from yarl import URL

from controller.sandbox.fakes.vonage.context import account_of, whole_number, world_of
from controller.sandbox.fakes.vonage.errors import VonageError
from controller.sandbox.fakes.vonage.state import Application, World
from controller.sandbox.fakes.wire import MalformedBodyError, json_response, read_object

routes = web.RouteTableDef()

_PATH = "/v2/applications"
_POST_ONLY = frozenset({"inbound_url", "status_url"})


@routes.get(_PATH)
async def list_applications(request: web.Request) -> web.Response:
    applications = world_of(request).applications_of(account_of(request))
    size = whole_number(request.query.get("page_size"), 10, 100)
    page = whole_number(request.query.get("page"), 1)
    pages = -(-len(applications) // size)
    shown = applications[(page - 1) * size : page * size]
    links = {"self": page, "first": 1, "last": max(pages, 1)}
    return json_response(
        {
            "page_size": size,
            "page": page,
            "total_items": len(applications),
            "total_pages": pages,
            "_embedded": {"applications": [describe(application) for application in shown]},
            "_links": {
                name: {"href": f"{_PATH}?page_size={size}&page={number}"} for name, number in links.items()
            },
        },
    )


@routes.post(_PATH)
async def create_application(request: web.Request) -> web.Response:
    account, body = account_of(request), await _body(request)
    application = add(world_of(request), account, body)
    return json_response(
        {
            **describe(application),
            "keys": {"public_key": application.public_key, "private_key": "none: this is a sandbox"},
        },
        201,
    )


@routes.get(_PATH + "/{id}")
async def fetch_application(request: web.Request) -> web.Response:
    return json_response(describe(_application(request)))


@routes.put(_PATH + "/{id}")
async def replace_application(request: web.Request) -> web.Response:
    application, body = _application(request), await _body(request)
    _write(application, body)
    return json_response(describe(application))


@routes.delete(_PATH + "/{id}")
async def delete_application(request: web.Request) -> web.Response:
    remove(world_of(request), _application(request))
    return web.Response(status=204)


def add(world: World, account: str, body: Mapping[str, object]) -> Application:
    application = Application(world.uuid(), account, "", {}, {}, f"public key {world.uuid()}")
    _write(application, body)
    world.applications[application.id] = application
    return application


def remove(world: World, application: Application) -> None:
    """Its numbers stay, linked to nothing."""
    world.applications.pop(application.id, None)
    for number in world.owned_by(application.account):
        if number.app_id == application.id:
            number.app_id = ""


def describe(application: Application) -> dict[str, object]:
    return {
        "id": application.id,
        "name": application.name,
        "keys": {"public_key": application.public_key},
        "capabilities": application.capabilities,
        "privacy": application.privacy,
        "_links": {"self": {"href": f"{_PATH}/{application.id}"}},
    }


async def _body(request: web.Request) -> dict[str, object]:
    if request.content_type != "application/json":
        raise VonageError(415)
    try:
        body = await read_object(request)
    except MalformedBodyError as error:
        raise VonageError(400, str(error)) from error
    invalid = [("name", "is required")] if not isinstance(body.get("name"), str) or not body["name"] else []
    invalid += list(_invalid_webhooks(body.get("capabilities") or {}))
    if invalid:
        raise VonageError(400, invalid=invalid)
    return body


def _invalid_webhooks(capabilities: object) -> Iterator[tuple[str, str]]:
    if not isinstance(capabilities, Mapping):
        yield "capabilities", "must be an object"
        return
    for name, capability in capabilities.items():
        webhooks = capability.get("webhooks", {}) if isinstance(capability, Mapping) else {}
        for kind, webhook in webhooks.items():
            place = f"capabilities.{name}.webhooks.{kind}"
            methods = ("POST",) if kind in _POST_ONLY else ("GET", "POST")
            if webhook.get("http_method", "POST") not in methods:
                yield f"{place}.http_method", f"must be one of: {', '.join(methods)}"
            address = URL(str(webhook.get("address", "")))
            if address.scheme not in ("http", "https") or not address.host:
                yield f"{place}.address", "must be a valid URL"


def _write(application: Application, body: Mapping[str, object]) -> None:
    """Replace everything but the keys."""
    capabilities, privacy = body.get("capabilities"), body.get("privacy")
    application.name = str(body["name"])
    application.capabilities = capabilities if isinstance(capabilities, dict) else {}
    application.privacy = privacy if isinstance(privacy, dict) else {"improve_ai": True}


def _application(request: web.Request) -> Application:
    application = world_of(request).applications.get(request.match_info["id"])
    if application is None or application.account != account_of(request):
        raise VonageError(404, f"ID '{request.match_info['id']}' does not exist, or you do not have access")
    return application
