"""Letting nobody answer on an instance any more."""

from dataclasses import replace
from typing import Final

from controller.providers.errors import NotFound
from controller.providers.evolution.protocol import EvolutionServerClient
from controller.reconcile.ai.actions import BotAction
from controller.reconcile.ai.apply import apply_to_bots
from controller.reconcile.ai.observe import read_routes
from controller.reconcile.ai.plan import plan_routes
from controller.reconcile.ai.routes import NOBODY
from controller.reconcile.change import SetWebhook

# An instance has a webhook, a few bots and keys; a plan that never ends is a defect.
MOST_CHANGES: Final = 32


async def silence_instance(
    client: EvolutionServerClient, instance: str, mark: str, recorded: str | None
) -> None:
    """Webhook off, bots and keys of ours deleted. `recorded` is the bot that status names. Raises `OutsideError`."""
    try:
        read = await read_routes(client, instance, NOBODY, mark=mark, recorded=recorded)
        for _ in range(MOST_CHANGES):
            plan = plan_routes(read, NOBODY, recorded=recorded, fought=False)
            action = plan[0].action if plan else None
            if action is None:
                return
            if isinstance(action, SetWebhook):
                await client.set_webhook(instance, action.webhook)
                read = replace(read, webhook=action.webhook)
            elif isinstance(action, BotAction):
                read = await apply_to_bots(action, client, read, mark=mark, recorded=recorded)
    except NotFound:
        return  # the instance is gone: silent enough
