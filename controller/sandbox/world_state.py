"""What the fakes hold, in a file, so that a sandbox goes on where it stopped."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from controller.sandbox.fakes.evolution.bots.store import BotRows
from controller.sandbox.fakes.evolution.state import Instance, Template
from controller.sandbox.fakes.twilio.state import Charge, OwnedNumber
from controller.sandbox.world import World

FILE_NAME: Final = "outside-world.json"


class WorldStateError(Exception):
    """The file is not the state of a sandbox's outside world."""


@dataclass(slots=True)
class WorldState:
    """Numbers with what they cost, instances with their pairings, their bots and templates."""

    numbers: list[OwnedNumber] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    instances: dict[str, Instance] = field(default_factory=dict)
    bots: BotRows = field(default_factory=BotRows)
    templates: dict[str, Template] = field(default_factory=dict)


_STATE: Final = TypeAdapter(WorldState)


def save_world(world: World, folder: Path) -> None:
    """Write it, readable by the owner only: instances' tokens are among it."""
    twilio, evolution = world.twilio.world, world.evolution.world
    state = WorldState(
        list(twilio.numbers.values()),
        twilio.gone,
        list(twilio.charges),
        dict(evolution.instances),
        evolution.database.bots.rows(),
        evolution.database.templates,
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
    twilio, evolution = world.twilio.world, world.evolution.world
    for number in state.numbers:
        twilio.add(number)
    twilio.gone.update(state.gone)
    twilio.charges.extend(state.charges)
    evolution.instances.update(state.instances)
    evolution.database.bots.put_back(state.bots)
    evolution.database.templates.update(state.templates)
    # Ids come from seeded chance: another life must not draw those of the life before.
    lives = len(state.numbers) + len(state.instances) + 1
    twilio.random.seed(f"twilio {lives}")
    evolution.random.seed(f"evolution {lives}")
