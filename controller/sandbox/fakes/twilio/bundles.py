"""Numbers v2: regulatory bundles and where their review stands."""

from aiohttp import web

from controller.sandbox.fakes.twilio.auth import check
from controller.sandbox.fakes.twilio.context import world_of
from controller.sandbox.fakes.twilio.errors import not_found
from controller.sandbox.fakes.twilio.state import Bundle, iso8601
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_URL = "https://numbers.twilio.com/v2/RegulatoryCompliance/Bundles"
_LINKS = {
    "evaluations": "Evaluations",
    "item_assignments": "ItemAssignments",
    "bundle_copies": "Copies",
}


@routes.get("/v2/RegulatoryCompliance/Bundles/{sid}")
async def fetch_bundle(request: web.Request) -> web.Response:
    """Of the account that signs: the path names none."""
    world = world_of(request)
    bundle = world.bundles.get(request.match_info["sid"])
    if bundle is None or bundle.account_sid != check(request, world).sid:
        raise not_found(request.path)
    return json_response(describe(bundle))


def describe(bundle: Bundle) -> dict[str, object]:
    return {
        "sid": bundle.sid,
        "account_sid": bundle.account_sid,
        "regulation_sid": bundle.regulation_sid,
        "friendly_name": bundle.friendly_name,
        "status": bundle.status,
        "valid_until": None,
        "email": "compliance@business.example",
        "status_callback": None,
        "date_created": iso8601(bundle.created),
        "date_updated": iso8601(bundle.updated),
        "url": f"{_URL}/{bundle.sid}",
        "links": {name: f"{_URL}/{bundle.sid}/{path}" for name, path in _LINKS.items()},
    }
