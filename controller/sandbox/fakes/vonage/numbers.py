"""The numbers of an account: list, buy, update, cancel."""

from aiohttp import web

from controller.sandbox.fakes.number_shelf import Capabilities
from controller.sandbox.fakes.vonage import webhook_probe
from controller.sandbox.fakes.vonage.context import account_of, form_of, number_of, whole_number, world_of
from controller.sandbox.fakes.vonage.errors import NEEDS_DASHBOARD, method_failed
from controller.sandbox.fakes.vonage.inventory import NumberType, find_shelf
from controller.sandbox.fakes.vonage.search import fits, names_of
from controller.sandbox.fakes.vonage.state import Charge, OwnedNumber, World
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_SUCCESS = {"error-code": "200", "error-code-label": "success"}


@routes.get("/account/numbers")
async def list_numbers(request: web.Request) -> web.Response:
    query = request.query
    numbers = [
        number
        for number in world_of(request).owned_by(account_of(request))
        if query.get("country", number.country) == number.country
        and query.get("application_id", number.app_id) == number.app_id
        and query.get("has_application", "true" if number.app_id else "false")
        == ("true" if number.app_id else "false")
        and fits(number.msisdn, query)
    ]
    size = whole_number(query.get("size"), 10, 100)
    start = (whole_number(query.get("index"), 1) - 1) * size
    if not numbers:
        return json_response({})
    shown = [describe(number) for number in numbers[start : start + size]]
    return json_response({"count": len(numbers), "numbers": shown})


@routes.post("/number/buy")
async def buy_number(request: web.Request) -> web.Response:
    world, account, form = world_of(request), account_of(request), await form_of(request)
    country, msisdn = form["country"], form["msisdn"]
    owned = world.numbers.get(msisdn)
    if owned is not None and owned.account == account:
        raise method_failed("You already own this number")
    found = find_shelf(world.inventory, country, msisdn)
    if found is None or owned is not None or msisdn in world.gone:
        raise method_failed()
    if found[1].dashboard_only:
        raise method_failed(NEEDS_DASHBOARD)
    number = new_number(world, account, country, msisdn)
    world.numbers[msisdn] = number
    world.charges.append(Charge(account, msisdn, found[1].price, number.bought))
    return json_response(_SUCCESS)


@routes.post("/number/cancel")
async def cancel_number(request: web.Request) -> web.Response:
    world_of(request).remove(number_of(request, await form_of(request)))
    return json_response(_SUCCESS)


@routes.post("/number/update")
async def update_number(request: web.Request) -> web.Response:
    world, form = world_of(request), await form_of(request)
    number = number_of(request, form)
    application = world.applications.get(form.get("app_id", ""))
    if form.get("app_id") and (application is None or application.account != number.account):
        raise method_failed("Invalid application")
    if ("voiceCallbackType" in form) != ("voiceCallbackValue" in form):
        raise method_failed("voiceCallbackType and voiceCallbackValue go together")
    sms_url = form.get("moHttpUrl", "")
    if sms_url and not await webhook_probe.answers(sms_url):
        raise method_failed("Invalid moHttpUrl: it did not answer 200")
    write(number, form, keeps_omitted=world.keeps_omitted)
    return json_response(_SUCCESS)


def write(number: OwnedNumber, form: dict[str, str], *, keeps_omitted: bool) -> None:
    """Set what the form names; the rest stays, or is cleared."""

    def value(name: str, present: str) -> str:
        return form.get(name, present if keeps_omitted else "")

    number.app_id = value("app_id", number.app_id)
    number.sms_url = value("moHttpUrl", number.sms_url)
    number.voice_callback_type = value("voiceCallbackType", number.voice_callback_type)
    number.voice_callback_value = value("voiceCallbackValue", number.voice_callback_value)
    number.voice_status_callback = value("voiceStatusCallback", number.voice_status_callback)


def new_number(world: World, account: str, country: str, msisdn: str) -> OwnedNumber:
    """Make a number as it is right after a purchase; it is not in the world yet."""
    kind, shelf = find_shelf(world.inventory, country, msisdn) or (NumberType.MOBILE, None)
    return OwnedNumber(
        msisdn=msisdn,
        account=account,
        country=country,
        kind=kind,
        capabilities=shelf.capabilities if shelf else Capabilities(),
        bought=world.now(),
    )


def describe(number: OwnedNumber) -> dict[str, object]:
    kind, value = number.voice_callback_type, number.voice_callback_value
    if number.app_id and not kind:
        kind, value = "app", number.app_id
    optional = {
        "moHttpUrl": number.sms_url,
        "voiceCallbackType": kind,
        "voiceCallbackValue": value,
        "app_id": number.app_id,
    }
    return {
        "country": number.country,
        "msisdn": number.msisdn,
        "type": number.kind,
        "features": names_of(number.capabilities),
        **{name: text for name, text in optional.items() if text},
    }
