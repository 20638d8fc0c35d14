"""What the endpoints of all kinds of bots share: which kind, whether it is on, whose bots."""

from aiohttp import web

from controller.sandbox.fakes.evolution.bots import rules
from controller.sandbox.fakes.evolution.bots.kinds import RULES, Kind
from controller.sandbox.fakes.evolution.errors import thrown
from controller.sandbox.fakes.evolution.state import Instance, World

KIND = "{kind:" + "|".join(Kind) + "}"
"""Matches any kind in a path."""


def require_enabled(world: World, kind: Kind) -> None:
    """Refuse a kind that the server was started without. Raises RefusalError."""
    if kind in world.options.disabled_bots and not RULES[kind].always_on:
        raise rules.disabled(RULES[kind].title)


def require_row(instance: Instance) -> str:
    """Return the id of the instance's row; bots need the row only. Raises RefusalError."""
    if instance.row_gone:
        raise thrown("Cannot read properties of null (reading 'id')")
    return instance.id


def kind_of(request: web.Request) -> Kind:
    return Kind(request.match_info["kind"])
