"""Two accounts that misbehave, one answering 429 and one not at all, beside tenants of an account that is well."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from bench import objects
from bench.fakes import NOISY_ACCOUNTS
from bench.onboarding import within
from bench.processes import MeasuredProcess
from bench.stage import Stage, stage
from controller.runtime.manifests import apply_manifests

FAULTS: Final = ("status:429", "delay:40s")
LISTED_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class NoisyAccount:
    """Seconds until the tenants of the account that is well were all Ready."""

    tenants: int
    alone_seconds: float
    beside_seconds: float

    @property
    def slowdown(self) -> float:
        return self.beside_seconds / self.alone_seconds


async def noisy_account(tenants: int, noisy: int) -> NoisyAccount:
    """`noisy` tenants on each of the two accounts that misbehave; they come first."""
    return NoisyAccount(tenants, await _onboarding(tenants, 0), await _onboarding(tenants, noisy))


async def _onboarding(tenants: int, noisy: int) -> float:
    servers = objects.servers_for(tenants + len(NOISY_ACCOUNTS) * noisy)
    async with stage(servers) as world:
        await world.add_fleet(servers)
        providers = [
            objects.phone_provider(world.outside.twilio, name=f"noisy-{number}", account_sid=sid)
            for number, sid in enumerate(NOISY_ACCOUNTS)
        ]
        await apply_manifests(world.api, providers)
        operator = await world.start_ours()
        try:
            await _listed(world, operator)
            noise = await _make_noise(world, noisy) if noisy else []
            began = time.monotonic()
            names = [objects.tenant_name(number) for number in range(tenants)]
            await world.apply_tenants(names, provider=objects.PROVIDER)
            last = await world.watch.until(tenants, within(tenants), operator)
            assert not set(noise) & set(world.watch.ready_at), "a tenant of a noisy account became Ready"
            return last - began
        finally:
            # It would wait for the account that does not answer; nothing is measured any more.
            await operator.kill()


async def _listed(world: Stage, operator: MeasuredProcess) -> None:
    """Return when every account was listed completely by an operator that has all tenants.

    Before that nothing is bought for anybody: a number of the tenant may be in any account. An account that fails
    from the beginning holds up all tenants until a person says that it is lost, which is not what is measured here.
    """
    await operator.said(r"held=(\d+) of=\1\b")
    since, deadline = time.monotonic(), time.monotonic() + LISTED_SECONDS
    accounts = {objects.ACCOUNT_SID, *NOISY_ACCOUNTS}
    while time.monotonic() < deadline:
        listed = {
            sid
            for request in await world.outside.details(world.outside.twilio)
            for sid in accounts
            if request["path"].endswith(f"/{sid}/IncomingPhoneNumbers.json") and request["started"] > since
        }
        if listed == accounts:
            await asyncio.sleep(0.5)  # the last answer is on its way
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"Not all accounts were listed within {LISTED_SECONDS:.0f} s.")


async def _make_noise(world: Stage, tenants: int) -> list[str]:
    """Have both accounts misbehave from now on, with so many tenants each; the tenants' names."""
    faults = [
        {"match": f"* /2010-04-01/Accounts/{sid}/**", "action": action}
        for sid, action in zip(NOISY_ACCOUNTS, FAULTS, strict=True)
    ]
    await world.outside.control(world.outside.twilio, "POST", "faults", faults)
    noise: list[str] = []
    for number in range(len(NOISY_ACCOUNTS)):
        names = [objects.tenant_name(one, f"noisy{number}") for one in range(tenants)]
        await world.apply_tenants(names, provider=f"noisy-{number}")
        noise += names
    return noise
