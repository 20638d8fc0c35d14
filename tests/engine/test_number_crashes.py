"""The process dies before or after every change on the way of a number, at either provider.

Whatever crashes when: exactly one number, marked and set as the spec or the deletion policy says; no purchase and no
claim stay behind, and only an onboarding has bought.
"""

import pytest

from controller.reconcile.ownership import Mark, MarkState
from tests.crash_summary import CRASHES

from .conftest import RecordProperty, StartWorld
from .crash_matrix import Scenario, survive_every_crash
from .phone_accounts import PROVIDERS, PhoneAccount
from .tenants import VOICE_URL, called
from .wire import Death
from .world import World

NAMED = "+37120000009"


async def onboarding(world: World) -> None:
    await world.apply(called())


async def adoption(world: World) -> None:
    await world.phone.own(NAMED)
    await world.apply(called(number=NAMED))


async def retain(world: World) -> None:
    await world.ready(called())
    await world.delete()


async def release(world: World) -> None:
    await world.ready(called(deletionPolicy="Release"))
    await world.delete()


async def applied_again(world: World) -> None:
    operator = await world.ready(called())
    await world.delete()
    await operator.until_quiet()
    await world.apply(called())


async def is_live(world: World) -> None:
    assert await world.is_ready(), await world.status()
    ((number, seen),) = world.phone.numbers().items()
    recorded = (await world.status())["phoneNumber"]
    assert recorded["number"] == number
    assert "purchase" not in recorded
    assert _state(seen.label) is MarkState.ACTIVE
    assert seen.voice_url == VOICE_URL


async def is_adopted(world: World) -> None:
    await is_live(world)
    assert list(world.phone.numbers()) == [NAMED]


async def is_retained(world: World) -> None:
    assert not await world.exists()
    (seen,) = world.phone.numbers().values()
    assert _state(seen.label) is MarkState.RELEASED
    assert not seen.voice_url


async def is_gone(world: World) -> None:
    assert not await world.exists()
    assert world.phone.numbers() == {}


def _state(label: str) -> MarkState | None:
    mark = Mark.parse(label)
    return mark.state if mark is not None else None


SCENARIOS = {
    "onboarding": Scenario(onboarding, is_live),
    "adoption": Scenario(adoption, is_adopted, purchases=0),
    "retain": Scenario(retain, is_retained),
    "release": Scenario(release, is_gone),
    "applied-again": Scenario(applied_again, is_live),
}


@pytest.mark.parametrize("when", Death)
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("phone", PROVIDERS)
async def test_the_next_process_finishes_what_a_dead_one_began(
    start_world: StartWorld,
    phone: type[PhoneAccount],
    scenario: str,
    when: Death,
    record_property: RecordProperty,
) -> None:
    survived = await survive_every_crash(SCENARIOS[scenario], start_world, when, phone=phone)
    record_property(CRASHES, survived)
