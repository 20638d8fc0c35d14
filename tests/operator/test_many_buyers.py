"""Two operator processes and more buyers than numbers: every number once, nobody forgotten."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.runtime.kube_resources import BUSINESS_TENANTS, PHONE_PROVIDERS
from tests.operator import objects
from tests.operator.eventually import eventually
from tests.operator.stage import Stage, condition

STOCK = [f"+3712{n:07d}" for n in range(200)]
VOICE = {"route": "Webhook", "url": "https://platform.example/voice"}


async def tenants(stage: Stage) -> dict[str, dict[str, Any]]:
    listed = (await stage.api.list(BUSINESS_TENANTS, stage.namespace)).items
    return {body["metadata"]["name"]: body for body in listed}


async def until_numbers(stage: Stage, ready: int, waiting: int, reason: str) -> None:
    """Return once so many tenants have a number, and the others say why they have none."""
    counted: Counter[tuple[str, str]] = Counter()

    async def settled() -> bool:
        counted.clear()
        for body in (await tenants(stage)).values():
            found = condition(body, "NumberReady")
            counted[found.get("status", ""), found.get("reason", "")] += 1
        return counted["True", "Available"] == ready and counted["False", reason] == waiting

    await eventually(settled, told=lambda: str(counted), within=150)


async def assert_nothing_shared(stage: Stage) -> None:
    """As many numbers as were paid for, each one tenant's, each marked and set by that tenant alone."""
    bodies, numbers = await tenants(stage), await stage.telephony.numbers()
    held = {
        name: body["status"]["phoneNumber"]["number"]
        for name, body in bodies.items()
        if "number" in (body["status"].get("phoneNumber") or {})
    }
    assert sorted(held.values()) == sorted(numbers) == sorted(await stage.telephony.charges())
    for name, number in held.items():
        assert numbers[number]["voice_url"] == stage.told(f"{VOICE['url']}/{name}", name)
    assert len({numbers[number]["friendly_name"] for number in held.values()}) == len(held)


def buyers(stage: Stage, count: int) -> list[dict[str, Any]]:
    bodies = []
    for n in range(count):
        name = f"buyer-{n:03d}"
        voice = {**VOICE, "url": f"{VOICE['url']}/{name}"}
        body = objects.business_tenant(stage.namespace, name, ai={"route": "None", "voice": voice})
        del body["spec"]["whatsapp"]
        bodies.append(body)
    return bodies


async def start_two(stage: Stage) -> None:
    stage.settings = replace(stage.settings, sale_check_interval=timedelta(seconds=5))
    await asyncio.gather(stage.start_operator_process("first"), stage.start_operator_process("second"))


@pytest.mark.scale
@pytest.mark.timeout(300)
async def test_two_hundred_tenants_and_a_hundred_and_fifty_numbers(stage: Stage) -> None:
    await stage.telephony.control("POST", "inventory", {"LV": {"mobile": {"candidates": STOCK[:150]}}})
    await start_two(stage)
    await stage.apply(*buyers(stage, 200))
    await until_numbers(stage, ready=150, waiting=50, reason="NoNumberForSale")
    await assert_nothing_shared(stage)

    await stage.telephony.control("POST", "inventory", {"LV": {"mobile": {"candidates": STOCK}}})
    await until_numbers(stage, ready=200, waiting=0, reason="")
    await assert_nothing_shared(stage)


@pytest.mark.timeout(300)
async def test_a_budget_holds_over_two_processes(stage: Stage) -> None:
    await stage.api.merge_patch(PHONE_PROVIDERS, objects.PROVIDER, {"spec": {"budget": {"maxNumbers": 15}}})
    await start_two(stage)
    await stage.apply(*buyers(stage, 30))
    await until_numbers(stage, ready=15, waiting=15, reason="BudgetReached")
    await assert_nothing_shared(stage)
