"""The outside world of a sandbox: one Twilio, one Evolution server, and the objects that lead the operator to them."""

from dataclasses import dataclass
from typing import Any, Final

from controller.api.group import API_VERSION
from controller.sandbox.fakes.evolution.fake import EvolutionFake
from controller.sandbox.fakes.twilio.fake import TwilioFake

OPERATOR_NAMESPACE: Final = "tenant-system"
ACCOUNT_SID: Final = "AC5a4d0b0c0a4e0000000000000000beef"
AUTH_TOKEN: Final = "sandbox-auth-token"  # noqa: S105 - opens a fake on loopback
EVOLUTION_KEY: Final = "sandbox-evolution-key"
PROVIDER: Final = "twilio-eu"
SERVER: Final = "evolution-eu"


@dataclass(frozen=True, slots=True)
class World:
    """The running fakes and their base URLs."""

    twilio: TwilioFake
    evolution: EvolutionFake
    twilio_url: str
    evolution_url: str

    async def stop(self) -> None:
        """Stop both."""
        await self.evolution.stop()
        await self.twilio.stop()


async def start_world(*, manual_pairing: bool = False, scan_after: float = 1.0) -> World:
    """Start the fakes on free loopback ports."""
    twilio = TwilioFake(accounts={ACCOUNT_SID: AUTH_TOKEN})
    evolution = EvolutionFake(api_key=EVOLUTION_KEY, manual_pairing=manual_pairing, scan_after=scan_after)
    return World(twilio, evolution, await twilio.start(), await evolution.start())


def world_objects(world: World, *, poll_seconds: int = 2) -> list[dict[str, Any]]:
    """Namespace, Secrets, PhoneProvider and EvolutionServer for the fakes, polled faster than real ones."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR_NAMESPACE}},
        _secret("twilio", {"authToken": AUTH_TOKEN}),
        _secret("evolution", {"apiKey": EVOLUTION_KEY}),
        {
            "apiVersion": API_VERSION,
            "kind": "PhoneProvider",
            "metadata": {"name": PROVIDER},
            "spec": {
                "type": "Twilio",
                "twilio": {"accountSID": ACCOUNT_SID, "credentialsSecretRef": {"name": "twilio"}},
                "apiBaseURL": world.twilio_url,
                "pollInterval": f"{poll_seconds}s",
                "limits": {"requestsPerSecond": 200, "concurrent": 16},
            },
        },
        {
            "apiVersion": API_VERSION,
            "kind": "EvolutionServer",
            "metadata": {"name": SERVER},
            "spec": {
                "url": world.evolution_url,
                "apiKeySecretRef": {"name": "evolution", "key": "apiKey"},
                "region": "eu",
                "defaultWebhook": f"{world.evolution_url}/_sandbox/platform",
                "pollInterval": f"{max(1, poll_seconds // 2)}s",
                "limits": {"requestsPerSecond": 500, "concurrent": 16},
            },
        },
    ]


def _secret(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": OPERATOR_NAMESPACE},
        "stringData": values,
    }
