"""What the fakes hold, in a file, so that a sandbox goes on where it stopped."""

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from controller.sandbox.fakes.evolution.bots.store import BotRows
from controller.sandbox.fakes.evolution.state import Instance, Template
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
class WorldState:
    """Everything outside: what the providers hold, and instances with their pairings, bots and templates."""

    twilio: TwilioState
    vonage: VonageState
    instances: dict[str, Instance] = field(default_factory=dict)
    bots: BotRows = field(default_factory=BotRows)
    templates: dict[str, Template] = field(default_factory=dict)


_STATE: Final = TypeAdapter(WorldState)


def save_world(world: World, folder: Path) -> None:
    """Write it, readable by the owner only: instances' tokens are among it."""
    at_twilio, at_vonage = world.twilio.world, world.vonage.world
    evolution = world.evolution.world
    state = WorldState(
        TwilioState(list(at_twilio.numbers.values()), at_twilio.gone, at_twilio.charges, at_twilio.bundles),
        VonageState(at_vonage.numbers, at_vonage.gone, at_vonage.charges, at_vonage.applications),
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
    _restore_twilio(world.twilio.world, state.twilio)
    _restore_vonage(world.vonage.world, state.vonage)
    evolution = world.evolution.world
    evolution.instances.update(state.instances)
    evolution.database.bots.put_back(state.bots)
    evolution.database.templates.update(state.templates)
    # Ids come from seeded chance: another life must not draw those of the life before.
    lives = len(state.twilio.numbers) + len(state.vonage.numbers) + len(state.instances) + 1
    world.twilio.world.random.seed(f"twilio {lives}")
    world.vonage.world.random.seed(f"vonage {lives}")
    world.evolution.world.random.seed(f"evolution {lives}")


def _restore_twilio(world: twilio.World, state: TwilioState) -> None:
    for number in state.numbers:
        world.add(number)
    world.gone.update(state.gone)
    world.charges.extend(state.charges)
    world.bundles.update(state.bundles)


def _restore_vonage(world: vonage.World, state: VonageState) -> None:
    world.numbers.update(state.numbers)
    world.gone.update(state.gone)
    world.charges.extend(state.charges)
    world.applications.update(state.applications)
