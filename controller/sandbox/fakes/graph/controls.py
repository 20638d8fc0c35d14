"""Control routes: what Meta's reviewers and people in WhatsApp Manager do.

- `POST /_sandbox/templates/{id}/approve|pause|disable`, `.../reject {"reason": "INVALID_FORMAT"}`
- `POST /_sandbox/templates {"account", "name", "language", "category", "components", "status"}`: a person writes one
- `POST /_sandbox/templates/{id} {"status": "IN_APPEAL", "quality": "RED", "category": "MARKETING"}`
- `DELETE /_sandbox/templates/{id}`: a person deletes one; `DELETE /_sandbox/blocked-names`: all may be used again
- `POST /_sandbox/numbers/{id} {"status": "BANNED", "quality_rating": "RED", "verified_name": "..."}`; `DELETE`
- `POST /_sandbox/numbers/{id}/profile {"about": "..."}`: a person edits the profile
- `POST /_sandbox/accounts {"id", "token", "numbers": {"<phone number id>": "+371..."}}`: another business
- `POST /_sandbox/tokens {"token": "...", "state": "valid|expired|revoked|without-permission"}`
"""

from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.graph import profile, review, templates
from controller.sandbox.fakes.graph.accounts import add_account
from controller.sandbox.fakes.graph.context import world_of
from controller.sandbox.fakes.graph.errors import GraphRefusalError
from controller.sandbox.fakes.graph.phone_numbers import describe_number
from controller.sandbox.fakes.graph.state import PhoneNumber, Status, Template, TokenState
from controller.sandbox.fakes.graph.template_checks import CATEGORIES
from controller.sandbox.fakes.wire import MalformedBodyError, json_response, read_object

routes = web.RouteTableDef()


@routes.post("/_sandbox/templates/{id}/{order:approve|reject|pause|disable}")
async def decide(request: web.Request) -> web.Response:
    template = _template(request)
    match request.match_info["order"]:
        case "approve":
            review.approve(template)
        case "reject":
            review.reject(template, str((await read_object(request)).get("reason", "INVALID_FORMAT")))
        case "pause":
            template.status = Status.PAUSED
        case _:
            template.status = Status.DISABLED
    return json_response(templates.describe_template(template))


@routes.post("/_sandbox/templates")
async def write_template(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    components = body.get("components", [{"type": "BODY", "text": "Hi"}])
    if not isinstance(components, list) or not isinstance(body.get("name"), str):
        raise MalformedBodyError('The body must be {"account", "name", "language", "category", ...}.')
    account = str(body.get("account"))
    if account not in world.accounts:
        raise LookupError(f"There is no account {account}; the accounts are {sorted(world.accounts)}.")
    template = templates.add_template(
        world,
        account,
        name=str(body["name"]),
        language=str(body.get("language", "en_US")),
        category=_category(body.get("category", "UTILITY")),
        components=components,
    )
    template.status = _status(body.get("status", Status.APPROVED))
    return json_response(templates.describe_template(template), 201)


@routes.post("/_sandbox/templates/{id}")
async def edit_template(request: web.Request) -> web.Response:
    template, body = _template(request), await read_object(request)
    template.status = _status(body.get("status", template.status))
    template.category = _category(body.get("category", template.category))
    template.quality = str(body.get("quality", template.quality))
    return json_response(templates.describe_template(template))


@routes.delete("/_sandbox/templates/{id}")
async def delete_template(request: web.Request) -> web.Response:
    templates.remove_template(world_of(request), _template(request))
    return web.Response(status=204)


@routes.delete("/_sandbox/blocked-names")
async def free_names(request: web.Request) -> web.Response:
    world_of(request).blocked.clear()
    return web.Response(status=204)


@routes.post("/_sandbox/numbers/{id}")
async def edit_number(request: web.Request) -> web.Response:
    number, body = _number(request), await read_object(request)
    unknown = set(body) - set(number.fields)
    if unknown:
        raise MalformedBodyError(f"A number has no {sorted(unknown)}, only {sorted(number.fields)}.")
    number.fields |= body
    return json_response(describe_number(number))


@routes.delete("/_sandbox/numbers/{id}")
async def delete_number(request: web.Request) -> web.Response:
    del world_of(request).numbers[_number(request).id]
    return web.Response(status=204)


@routes.post("/_sandbox/numbers/{id}/profile")
async def edit_profile(request: web.Request) -> web.Response:
    number, body = _number(request), await read_object(request)
    try:
        number.profile |= profile.checked(body)
    except GraphRefusalError as error:
        raise MalformedBodyError(error.message) from error
    return json_response(number.profile)


@routes.post("/_sandbox/accounts")
async def open_account(request: web.Request) -> web.Response:
    body = await read_object(request)
    id_, token, numbers = body.get("id"), body.get("token"), body.get("numbers")
    if not isinstance(id_, str) or not isinstance(token, str) or not isinstance(numbers, Mapping):
        raise MalformedBodyError(
            'The body must be {"id", "token", "numbers": {"<phone number id>": "+..."}}.'
        )
    add_account(world_of(request), id_, token, {str(key): str(value) for key, value in numbers.items()})
    return json_response({"id": id_, "numbers": sorted(numbers)}, 201)


@routes.post("/_sandbox/tokens")
async def set_token(request: web.Request) -> web.Response:
    world, body = world_of(request), await read_object(request)
    token = world.tokens.get(str(body.get("token")))
    if token is None:
        raise LookupError("There is no such token: POST /_sandbox/accounts first.")
    try:
        token.state = TokenState(str(body.get("state", TokenState.VALID)))
    except ValueError:
        raise MalformedBodyError(f'"state" must be one of {[*TokenState]}.') from None
    token.expired_at = world.now() if token.state is TokenState.EXPIRED else None
    return json_response({"accounts": sorted(token.accounts), "state": token.state})


def _template(request: web.Request) -> Template:
    template = world_of(request).templates.get(request.match_info["id"])
    if template is None:
        raise LookupError(f"There is no template {request.match_info['id']}.")
    return template


def _number(request: web.Request) -> PhoneNumber:
    number = world_of(request).numbers.get(request.match_info["id"])
    if number is None:
        raise LookupError(f"There is no phone number {request.match_info['id']}.")
    return number


def _status(word: object) -> Status:
    try:
        return Status(str(word))
    except ValueError:
        raise MalformedBodyError(f'"status" must be one of {[*Status]}.') from None


def _category(word: object) -> str:
    if word not in CATEGORIES:
        raise MalformedBodyError(f'"category" must be one of {[*CATEGORIES]}.')
    return str(word)
