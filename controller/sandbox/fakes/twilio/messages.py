"""Messages: a list with filters, for SMS that a number received."""

from datetime import timedelta

from aiohttp import web

from controller.sandbox.fakes.twilio.calls import moment
from controller.sandbox.fakes.twilio.context import API_VERSION, account_of, account_uri, world_of
from controller.sandbox.fakes.twilio.pages import page_of
from controller.sandbox.fakes.twilio.state import Message, rfc2822
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()


@routes.get("/2010-04-01/Accounts/{account}/Messages.json")
async def list_messages(request: web.Request) -> web.Response:
    account, query = account_of(request), request.query
    recorded = world_of(request).messages.get(account.sid, [])
    positions = {message.sid: index for index, message in enumerate(recorded)}
    after, before, day = (moment(query.get(name)) for name in ("DateSent>", "DateSent<", "DateSent"))
    messages = [
        message
        for message in reversed(recorded)
        if query.get("To", message.destination) == message.destination
        and query.get("From", message.source) == message.source
        and (after is None or message.sent >= after)
        and (before is None or message.sent <= before)
        and (day is None or day <= message.sent < day + timedelta(days=1))
    ]
    return json_response(
        page_of(
            messages,
            name="messages",
            path=request.path,
            query=query,
            describe=describe,
            token_of=lambda message: message.sid,
            is_after=lambda message, sid: positions[message.sid] < positions.get(sid, 0),
        ),
    )


def describe(message: Message) -> dict[str, object]:
    uri = f"{account_uri(message.account_sid)}/Messages/{message.sid}"
    return {
        "account_sid": message.account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": rfc2822(message.sent),
        "date_sent": rfc2822(message.sent),
        "date_updated": rfc2822(message.sent),
        "direction": message.direction,
        "error_code": None,
        "error_message": None,
        "from": message.source,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": "-0.00750",
        "price_unit": "USD",
        "sid": message.sid,
        "status": "received" if message.direction == "inbound" else "sent",
        "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        "to": message.destination,
        "uri": f"{uri}.json",
    }
