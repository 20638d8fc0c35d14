"""Messages: a list with filters, for SMS that a number received."""

from aiohttp import web

from controller.sandbox.fakes.twilio.context import API_VERSION, account_of, account_uri, world_of
from controller.sandbox.fakes.twilio.recorded import page_of_recorded
from controller.sandbox.fakes.twilio.state import Message, rfc2822

routes = web.RouteTableDef()


@routes.get("/2010-04-01/Accounts/{account}/Messages.json")
async def list_messages(request: web.Request) -> web.Response:
    account = account_of(request)
    return page_of_recorded(
        request,
        world_of(request).messages.get(account.sid, []),
        name="messages",
        time_filter="DateSent",
        time_of=lambda message: message.sent,
        describe=describe,
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
