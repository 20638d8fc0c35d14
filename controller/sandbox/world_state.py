"""What the fakes hold, in a file, so that a sandbox goes on where it stopped."""

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from controller.sandbox.fakes.evolution.bots.store import BotRows
from controller.sandbox.fakes.evolution.state import Instance, Template
from controller.sandbox.fakes.graph import state as graph
from controller.sandbox.fakes.graph.review import send_to_review
from controller.sandbox.fakes.twilio import state as twilio
from controller.sandbox.fakes.vonage import state as vonage
from controller.sandbox.world import World

FILE_NAME: Final = "outside-world.json"


class WorldStateError(Exception):
    """The file is not the state of a sandbox's outside world."""


@dataclass(slots=True)
class TwilioState:
    """Numbers with what they cost, and papers."""

    numbers: list[twilio.OwnedNumber] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)
    charges: list[twilio.Charge] = field(default_factory=list)
    bundles: dict[str, twilio.Bundle] = field(default_factory=dict)


@dataclass(slots=True)
class VonageState:
    """Numbers with what they cost, and the applications that they are linked to."""

    numbers: dict[str, vonage.OwnedNumber] = field(default_factory=dict)
    gone: dict[str, datetime] = field(default_factory=dict)
    charges: list[vonage.Charge] = field(default_factory=list)
    applications: dict[str, vonage.Application] = field(default_factory=dict)


@dataclass(slots=True)
class GraphState:
    """Business accounts at Meta with their tokens, numbers and templates; `blocked`: account, name, language, until."""

    accounts: set[str] = field(default_factory=set)
    tokens: dict[str, graph.Token] = field(default_factory=dict)
    numbers: dict[str, graph.PhoneNumber] = field(default_factory=dict)
    templates: dict[str, graph.Template] = field(default_factory=dict)
    blocked: list[tuple[str, str, str, datetime]] = field(default_factory=list)
    created: int = 0


@dataclass(slots=True)
class WorldState:
    """Everything outside: what the providers hold, and instances with their pairings, bots and templates."""

    twilio: TwilioState
    vonage: VonageState
    instances: dict[str, Instance] = field(default_factory=dict)
    bots: BotRows = field(default_factory=BotRows)
    templates: dict[str, Template] = field(default_factory=dict)
    graph: GraphState = field(default_factory=GraphState)


_STATE: Final = TypeAdapter(WorldState)


def save_world(world: World, folder: Path) -> None:
    """Write it, readable by the owner only: instances' tokens are among it."""
    at_twilio, at_vonage, at_meta = world.twilio.world, world.vonage.world, world.graph.world
    evolution = world.evolution.world
    state = WorldState(
        TwilioState(list(at_twilio.numbers.values()), at_twilio.gone, at_twilio.charges, at_twilio.bundles),
        VonageState(at_vonage.numbers, at_vonage.gone, at_vonage.charges, at_vonage.applications),
        dict(evolution.instances),
        evolution.database.bots.rows(),
        evolution.database.templates,
        GraphState(
            at_meta.accounts,
            at_meta.tokens,
            at_meta.numbers,
            at_meta.templates,
            [(*key, until) for key, until in at_meta.blocked.items()],
            at_meta.created,
        ),
    )
    descriptor = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_STATE.dump_json(state))


def load_world(world: World, folder: Path) -> None:
    """Put back what a sandbox before this one held; nothing where there is none. Raises `WorldStateError`."""
    path = folder / FILE_NAME
    if not path.exists():
        return
    try:
        state = _STATE.validate_json(path.read_bytes())
    except ValidationError as error:
        raise WorldStateError(f"{path} is not the state of a sandbox of this version: delete it.") from error
    _restore_twilio(world.twilio.world, state.twilio)
    _restore_vonage(world.vonage.world, state.vonage)
    evolution = world.evolution.world
    evolution.instances.update(state.instances)
    evolution.database.bots.put_back(state.bots)
    evolution.database.templates.update(state.templates)
    _restore_graph(world.graph.world, state.graph)
    # Ids come from seeded chance: another life must not draw those of the life before.
    lives = len(state.twilio.numbers) + len(state.vonage.numbers) + len(state.instances) + 1
    world.graph.world.random.seed(f"graph {lives + state.graph.created}")
    world.twilio.world.random.seed(f"twilio {lives}")
    world.vonage.world.random.seed(f"vonage {lives}")
    world.evolution.world.random.seed(f"evolution {lives}")


def _restore_twilio(world: twilio.World, state: TwilioState) -> None:
    for number in state.numbers:
        world.add(number)
    world.gone.update(state.gone)
    world.charges.extend(state.charges)
    world.bundles.update(state.bundles)


def _restore_graph(world: graph.World, state: GraphState) -> None:
    world.accounts |= state.accounts
    world.tokens.update(state.tokens)
    world.numbers.update(state.numbers)
    world.templates.update(state.templates)
    world.blocked.update(
        {(account, name, language): until for account, name, language, until in state.blocked}
    )
    world.created = state.created
    for template in state.templates.values():
        if template.status is graph.Status.PENDING:
            send_to_review(world, template)


def _restore_vonage(world: vonage.World, state: VonageState) -> None:
    world.numbers.update(state.numbers)
    world.gone.update(state.gone)
    world.charges.extend(state.charges)
    world.applications.update(state.applications)
