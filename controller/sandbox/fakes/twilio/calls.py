"""Calls: a list with filters, for usage figures."""

from datetime import timedelta

from aiohttp import web

from controller.sandbox.fakes.twilio.context import API_VERSION, account_of, account_uri, world_of
from controller.sandbox.fakes.twilio.recorded import page_of_recorded
from controller.sandbox.fakes.twilio.state import Call, rfc2822

routes = web.RouteTableDef()


@routes.get("/2010-04-01/Accounts/{account}/Calls.json")
async def list_calls(request: web.Request) -> web.Response:
    account, query = account_of(request), request.query
    return page_of_recorded(
        request,
        world_of(request).calls.get(account.sid, []),
        name="calls",
        time_filter="StartTime",
        time_of=lambda call: call.started,
        describe=describe,
        is_wanted=lambda call: query.get("Status", call.status) == call.status,
    )


def describe(call: Call) -> dict[str, object]:
    uri = f"{account_uri(call.account_sid)}/Calls/{call.sid}"
    ended = call.started + timedelta(seconds=call.duration)
    return {
        "account_sid": call.account_sid,
        "answered_by": None,
        "api_version": API_VERSION,
        "caller_name": None,
        "date_created": rfc2822(call.started),
        "date_updated": rfc2822(ended),
        "direction": call.direction,
        "duration": str(call.duration),
        "end_time": rfc2822(ended),
        "forwarded_from": None,
        "from": call.source,
        "from_formatted": call.source,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": call.phone_number_sid,
        "price": call.price,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call.sid,
        "start_time": rfc2822(call.started),
        "status": call.status,
        "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
        "to": call.destination,
        "to_formatted": call.destination,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }
