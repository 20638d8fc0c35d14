"""Tenants on the Cloud API on their way: waiting for a person, live, with a new token."""

from typing import Any

from controller.sandbox.fakes.evolution.state import Instance

from .process import OperatorProcess
from .tenants import on_cloud_api
from .world import World

NEW_TOKEN = "new-meta-access-token-never-shown"


async def waiting_for_registration(world: World, **whatsapp: Any) -> OperatorProcess:
    return await world.ready(on_cloud_api(phone_number_id=None, **whatsapp))


async def give_phone_number_id(world: World, id_: str = "100200300") -> None:
    await world.edit({"whatsapp": {"cloudAPI": {"phoneNumberID": id_}}})


async def live(world: World, **whatsapp: Any) -> OperatorProcess:
    """A tenant whose bought number a person has registered at Meta."""
    operator = await waiting_for_registration(world, **whatsapp)
    await world.register_at_meta(world.charges[0])
    await give_phone_number_id(world)
    await operator.until_quiet()
    assert await world.is_ready(), await world.status()
    return operator


async def rotated(world: World, operator: OperatorProcess) -> Instance:
    """Somebody puts a good new token into the Secret."""
    await world.issue_meta_token(NEW_TOKEN)
    await world.put_token(NEW_TOKEN)
    await operator.until_quiet()
    return world.instance()
