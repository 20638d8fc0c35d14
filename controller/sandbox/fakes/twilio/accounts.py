"""`GET /2010-04-01/Accounts/{sid}.json`."""

from aiohttp import web

from controller.sandbox.fakes.twilio.context import account_of, account_uri
from controller.sandbox.fakes.twilio.state import rfc2822
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()


@routes.get("/2010-04-01/Accounts/{account}.json")
async def fetch_account(request: web.Request) -> web.Response:
    account = account_of(request)
    uri = account_uri(account.sid)
    subresources = {
        "available_phone_numbers": "AvailablePhoneNumbers",
        "calls": "Calls",
        "incoming_phone_numbers": "IncomingPhoneNumbers",
    }
    return json_response(
        {
            "auth_token": account.auth_token,
            "date_created": rfc2822(account.created),
            "date_updated": rfc2822(account.created),
            "friendly_name": account.friendly_name,
            "owner_account_sid": account.owner_sid,
            "sid": account.sid,
            "status": account.status,
            "subresource_uris": {name: f"{uri}/{path}.json" for name, path in subresources.items()},
            "type": account.kind,
            "uri": f"{uri}.json",
        },
    )
