"""Sending: texts and approved templates. What was written is not kept."""

import base64
import re
from collections.abc import Mapping

from aiohttp import web

from controller.sandbox.fakes.graph.context import NODE, body_of, number_of, world_of
from controller.sandbox.fakes.graph.errors import not_sent, refused_parameter
from controller.sandbox.fakes.graph.state import PhoneNumber, Status, World
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_RECIPIENT = re.compile(r"\+?[1-9]\d{6,14}")
_CANNOT_SEND = {
    Status.PAUSED: (132015, "Template is Paused", "The template is paused for its low quality."),
    Status.DISABLED: (132016, "Template is Disabled", "The template was paused too often and is disabled."),
}


@routes.post(NODE + "/messages")
async def send_message(request: web.Request) -> web.Response:
    world, number, body = world_of(request), number_of(request), await body_of(request)
    if body.get("messaging_product") != "whatsapp":
        raise refused_parameter("The parameter messaging_product is required.")
    if body.get("status") == "read":
        return json_response({"success": True})
    recipient = body.get("to")
    if not isinstance(recipient, str) or not recipient:
        raise refused_parameter("The parameter to is required.")
    if _RECIPIENT.fullmatch(recipient) is None:
        raise not_sent(400, 131009, "Parameter value is not valid", "The recipient is not a phone number.")
    if number.fields.get("status") != "CONNECTED":
        raise not_sent(400, 133010, "Account not registered", "The phone number is not registered.")
    kind = str(body.get("type", "text"))
    content = body.get(kind)
    if not isinstance(content, Mapping):
        raise refused_parameter(f"The parameter {kind} is required.")
    message: dict[str, object] = {"id": _message_id(world)}
    match kind:
        case "text" if not content.get("body"):
            raise refused_parameter("The parameter text['body'] is required.")
        case "template":
            _check_template(world, number, content)
            message["message_status"] = "accepted"
    number.messages_sent += 1
    contact = {"input": recipient, "wa_id": recipient.removeprefix("+")}
    return json_response({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]})


def _check_template(world: World, number: PhoneNumber, content: Mapping[str, object]) -> None:
    language = content.get("language")
    code = str(language.get("code", "")) if isinstance(language, Mapping) else ""
    name = str(content.get("name", ""))
    template = world.template(number.account_id, name, code)
    if template is not None and template.status in _CANNOT_SEND:
        error, title, details = _CANNOT_SEND[template.status]
        raise not_sent(400, error, title, details)
    if template is None or template.status is not Status.APPROVED:
        details = f"template name ({name}) does not exist in {code}"
        raise not_sent(404, 132001, "Template name does not exist in the translation", details)


def _message_id(world: World) -> str:
    return f"wamid.{base64.b64encode(world.random.randbytes(24)).decode()}"
