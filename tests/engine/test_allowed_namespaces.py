"""An account serves only the namespaces that it lets in; what a tenant has it keeps."""

from typing import Any

import pytest

from controller.runtime.kube_resources import NAMESPACES

from .tenants import number_only
from .world import NAMESPACE, SECOND_PROVIDER, World, second_account

GOLD: dict[str, Any] = {"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}}
NAMED = "+37120000009"


async def label(world: World, **labels: str | None) -> None:
    await world.api.merge_patch(NAMESPACES, NAMESPACE, {"metadata": {"labels": labels}})


@pytest.mark.parametrize("number", [{}, {"number": NAMED}], ids=["buying", "taking over"])
async def test_a_namespace_that_is_left_out_waits_until_it_is_labelled(
    world: World, number: dict[str, str]
) -> None:
    await world.phone.own(NAMED)
    await world.edit_provider({"allowedNamespaces": GOLD})
    operator = await world.ready(number_only(**number))
    condition = await world.condition("NumberReady")
    assert condition["reason"] == "NamespaceNotAllowed"
    assert NAMESPACE in condition["message"]
    assert world.charges == []
    await label(world, tier="gold")
    await operator.until_quiet()
    assert await world.is_ready(), await world.status()


async def test_a_tenant_keeps_and_takes_back_what_it_has(world: World) -> None:
    operator = await world.ready(number_only())
    await world.edit_provider({"allowedNamespaces": GOLD})
    await operator.until_quiet()
    assert await world.is_ready()
    await world.delete()
    await operator.until_quiet()
    await world.apply(number_only())
    await operator.until_quiet()
    assert await world.is_ready()
    assert len(world.charges) == 1


async def test_another_account_that_lets_the_namespace_in_sells(world: World) -> None:
    await world.edit_provider({"allowedNamespaces": GOLD, "priority": 500})
    await world.apply(*second_account(world))
    await world.ready(number_only())
    assert (await world.status())["phoneNumber"]["provider"] == SECOND_PROVIDER
