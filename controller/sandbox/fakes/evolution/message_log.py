"""The messages an instance has stored, newest last. Only the newest are kept."""

from collections.abc import Mapping

from controller.sandbox.fakes.evolution.state import Instance, LoggedMessage, World

KEPT = 200


def store(
    world: World, instance: Instance, message: Mapping[str, object], *, bot_id: str | None = None
) -> LoggedMessage:
    """Store a message sent or received. `bot_id` names the bot that wrote it."""
    logged = LoggedMessage(world.cuid(), dict(message), bot_id)
    instance.log.append(logged)
    del instance.log[:-KEPT]
    instance.counts.messages += 1
    return logged
