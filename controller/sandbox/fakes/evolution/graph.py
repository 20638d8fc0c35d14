"""Calls to Meta's Graph API, with the instance's token: messages and templates of WHATSAPP-BUSINESS.

Without `ServerOptions.graph_base_url` nobody is asked: messages are accepted, templates are not known.
"""

from collections.abc import Mapping

from controller.sandbox.fakes.evolution.lifecycle import jid
from controller.sandbox.fakes.evolution.outbound import Answer, Outbound, OutboundError
from controller.sandbox.fakes.evolution.state import Instance, World


async def ask_graph(
    world: World,
    outbound: Outbound,
    instance: Instance,
    method: str,
    path: str,
    body: object = None,
) -> Answer:
    """Ask for `path` below the API's version. Raises OutboundError."""
    if world.options.graph_base_url is None:
        raise OutboundError(None)
    return await outbound.call(
        method,
        f"{world.options.graph_base_url}/{world.options.graph_version}/{path}",
        body=body,
        headers={"Authorization": f"Bearer {instance.token}"},
    )


async def send_message(
    world: World,
    outbound: Outbound,
    instance: Instance,
    number: str,
    content: Mapping[str, object],
    *,
    shown: str,
) -> dict[str, object]:
    """Return the stored message; Meta's error object, which has no `key`, where it was refused (recorded)."""
    message_id = f"wamid.{world.message_id()}"
    if world.options.graph_base_url is not None:
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": jid(number).partition("@")[0],
            **content,
        }
        try:
            answer = await ask_graph(world, outbound, instance, "POST", f"{instance.number}/messages", body)
        except OutboundError as error:
            return graph_error(error)
        message_id = str(answer.field("messages", 0, "id"))
    return {
        "key": {"fromMe": True, "id": message_id, "remoteJid": jid(number)},
        "message": {"conversation": shown},
        "messageType": "conversation",
        "messageTimestamp": world.unix_time(),
        "instanceId": instance.id,
        "status": "PENDING",
        "source": "unknown",
    }


def graph_error(error: OutboundError) -> dict[str, object]:
    """The error object in Meta's answer; an empty one when there was none."""
    found = Answer(0, "", error.body).field("error")
    return dict(found) if isinstance(found, dict) else {}
