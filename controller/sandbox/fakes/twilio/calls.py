"""Calls: a list with filters, for usage figures."""

from datetime import UTC, datetime, timedelta

from aiohttp import web

from controller.sandbox.fakes.twilio.context import API_VERSION, account_of, account_uri, world_of
from controller.sandbox.fakes.twilio.errors import refused
from controller.sandbox.fakes.twilio.pages import page_of
from controller.sandbox.fakes.twilio.state import Call, rfc2822
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()


@routes.get("/2010-04-01/Accounts/{account}/Calls.json")
async def list_calls(request: web.Request) -> web.Response:
    account, query = account_of(request), request.query
    recorded = world_of(request).calls.get(account.sid, [])
    positions = {call.sid: index for index, call in enumerate(recorded)}
    after, before, day = (moment(query.get(name)) for name in ("StartTime>", "StartTime<", "StartTime"))
    calls = [
        call
        for call in reversed(recorded)
        if query.get("To", call.destination) == call.destination
        and query.get("From", call.source) == call.source
        and query.get("Status", call.status) == call.status
        and (after is None or call.started >= after)
        and (before is None or call.started <= before)
        and (day is None or day <= call.started < day + timedelta(days=1))
    ]
    return json_response(
        page_of(
            calls,
            name="calls",
            path=request.path,
            query=query,
            describe=describe,
            token_of=lambda call: call.sid,
            is_after=lambda call, sid: positions[call.sid] < positions.get(sid, 0),
        ),
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


def moment(text: str | None) -> datetime | None:
    """Read a date or a time of the query; times without a zone are UTC. Raises TwilioError."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refused(20001, f"{text!r} is not a date: use YYYY-MM-DD") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
