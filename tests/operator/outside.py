"""The fakes as a test sees them: over HTTP, like everybody else."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from controller.sandbox.fakes.evolution import EvolutionFake, Pace
from controller.sandbox.fakes.server import FakeServer
from controller.sandbox.fakes.twilio import TwilioFake
from controller.sandbox.world import APPROVED_BUNDLE
from tests.operator.fast_clock import FastClock

ACCOUNT_SID = "AC" + "5a" * 16
AUTH_TOKEN = "twilio-token-of-the-tests"
API_KEY = "evolution-key-of-the-tests"

BUY = "POST /2010-04-01/Accounts/*/IncomingPhoneNumbers.json"

_QUICK = Pace(
    qr_after=0,
    connect_wait=0.01,
    create_takes=0,
    reconnect_after=0,
    app_state_key_after=0,
    webhook_retries=(0,),
)
_SECONDS_UNTIL_SCAN = 0.05

Json = dict[str, Any]


@dataclass
class Outside:
    """A running fake, and what tests do behind the operator's back."""

    fake: FakeServer
    url: str
    client: httpx.AsyncClient

    @classmethod
    async def _open(cls, fake: FakeServer) -> Self:
        url = await fake.start()
        return cls(fake, url, httpx.AsyncClient(base_url=url, trust_env=False))

    async def close(self) -> None:
        await self.client.aclose()
        await self.fake.stop()

    async def go_down(self) -> None:
        """Stop listening; what it holds is kept."""
        await self.fake.stop()

    async def come_back(self) -> None:
        """Listen again on the same port."""
        await self.fake.start(port=httpx.URL(self.url).port or 0)

    async def control(self, method: str, path: str, body: object = None) -> Any:
        response = await self.client.request(method, f"/_sandbox/{path}", json=body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def state(self) -> Json:
        state: Json = await self.control("GET", "state")
        return state

    async def order_fault(self, match: str, action: str, *, times: int | None = None) -> None:
        fault = {"match": match, "action": action} | ({"times": times} if times else {})
        await self.control("POST", "faults", [fault])

    async def fault_hits(self) -> int:
        faults: list[dict[str, int]] = await self.control("GET", "faults")
        return sum(fault["hits"] for fault in faults)

    async def clear_faults(self) -> None:
        await self.control("DELETE", "faults")

    async def forget_requests(self) -> None:
        await self.control("DELETE", "requests")

    async def requests(self) -> Counter[str]:
        """Requests since `forget_requests`, by method and path."""
        return Counter(await self.control("GET", "requests"))

    async def writes(self) -> Counter[str]:
        """Requests that may have changed something."""
        return Counter({name: count for name, count in (await self.requests()).items() if not _reads(name)})


class Telephony(Outside):
    """A Twilio with one account."""

    @classmethod
    async def start(cls, clock: FastClock) -> Self:
        bundles = {APPROVED_BUNDLE: ACCOUNT_SID}
        return await cls._open(
            TwilioFake(accounts={ACCOUNT_SID: AUTH_TOKEN}, approved_bundles=bundles, now=clock.now)
        )

    async def numbers(self) -> dict[str, Json]:
        """Owned numbers by E.164."""
        return {number["phone_number"]: number for number in (await self.state())["numbers"]}

    async def charges(self) -> list[str]:
        """Every number that was paid for."""
        return [charge["phone_number"] for charge in (await self.state())["charges"]]


class Evolution(Outside):
    """An Evolution server on which every pairing code is scanned at once by the right phone."""

    @classmethod
    async def start(cls, clock: FastClock, *, manual_pairing: bool = False) -> Self:
        fake = EvolutionFake(
            api_key=API_KEY,
            manual_pairing=manual_pairing,
            scan_after=_SECONDS_UNTIL_SCAN,
            delete_after=0,
            now=clock.now,
            pace=_QUICK,
        )
        return await cls._open(fake)

    async def instances(self) -> Mapping[str, Json]:
        instances: Mapping[str, Json] = (await self.state())["instances"]
        return instances


def _reads(request: str) -> bool:
    # Evolution opens a socket with a GET; that one does change something.
    return request.startswith("GET ") and "/instance/connect/" not in request
