"""Two accounts that misbehave, one answering 429 and one not at all, beside tenants of an account that is well."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from bench import objects
from bench.fakes import NOISY_ACCOUNTS
from bench.onboarding import within
from bench.stage import stage
from controller.runtime.manifests import apply_manifests

FAULTS: Final = ("status:429", "delay:40s")
NOISY_TENANTS: Final = 50
"""On each of the two accounts; they come first."""


@dataclass(frozen=True, slots=True)
class NoisyAccount:
    """Seconds until the tenants of the account that is well were all Ready."""

    tenants: int
    alone_seconds: float
    beside_seconds: float

    @property
    def slowdown(self) -> float:
        return self.beside_seconds / self.alone_seconds


async def noisy_account(tenants: int) -> NoisyAccount:
    return NoisyAccount(
        tenants, await _onboarding(tenants, noisy=False), await _onboarding(tenants, noisy=True)
    )


async def _onboarding(tenants: int, *, noisy: bool) -> float:
    servers = objects.servers_for(tenants + 2 * NOISY_TENANTS)
    async with stage(servers) as world:
        await world.add_fleet(servers)
        providers = [
            objects.phone_provider(world.outside.twilio, name=f"noisy-{number}", account_sid=sid)
            for number, sid in enumerate(NOISY_ACCOUNTS)
        ]
        await apply_manifests(world.api, providers)
        operator = await world.start_ours()
        try:
            await operator.said(r"probes_port=(\d+)")
            await asyncio.sleep(3.0)
            noise: list[str] = []
            if noisy:
                # Not before the accounts were well once: one that never was is not asked for anything.
                faults = [
                    {"match": f"* /2010-04-01/Accounts/{sid}/**", "action": action}
                    for sid, action in zip(NOISY_ACCOUNTS, FAULTS, strict=True)
                ]
                await world.outside.control(world.outside.twilio, "POST", "faults", faults)
                for number in range(len(NOISY_ACCOUNTS)):
                    names = [objects.tenant_name(one, f"noisy{number}") for one in range(NOISY_TENANTS)]
                    await world.apply_tenants(names, provider=f"noisy-{number}")
                    noise += names
            began = time.monotonic()
            names = [objects.tenant_name(number) for number in range(tenants)]
            await world.apply_tenants(names, provider=objects.PROVIDER)
            last = await world.watch.until(tenants, within(tenants), operator)
            assert not set(noise) & set(world.watch.ready_at), "a tenant of a noisy account became Ready"
            return last - began
        finally:
            await operator.stop()
