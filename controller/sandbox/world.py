"""The world outside a sandbox: Twilio, Vonage, Evolution, Meta, AIs, and the objects that lead to them."""

from dataclasses import dataclass
from typing import Any, Final

from controller.api.group import API_VERSION
from controller.sandbox.fakes.ai import AiFake
from controller.sandbox.fakes.evolution.fake import EvolutionFake
from controller.sandbox.fakes.graph import Account, GraphFake
from controller.sandbox.fakes.twilio.fake import TwilioFake
from controller.sandbox.fakes.vonage.fake import VonageFake

OPERATOR_NAMESPACE: Final = "tenant-system"
ACCOUNT_SID: Final = "AC5a4d0b0c0a4e0000000000000000beef"
AUTH_TOKEN: Final = "sandbox-auth-token"  # noqa: S105 - opens a fake on loopback
APPROVED_BUNDLE: Final = "BU00000000000000000000000000000000"
"""The regulatory bundle that the samples name."""
VONAGE_KEY: Final = "sandboxkey"
VONAGE_SECRET: Final = "sandbox-api-secret"  # noqa: S105 - likewise
EVOLUTION_KEY: Final = "sandbox-evolution-key"
BUSINESS_ACCOUNT: Final = "400500600"
META_TOKEN: Final = "sandbox-meta-token"  # noqa: S105 - likewise
PROVIDER: Final = "twilio-eu"
SECOND_PROVIDER: Final = "vonage"
SERVER: Final = "evolution-eu"


@dataclass(frozen=True, slots=True)
class World:
    """The running fakes and their base URLs."""

    twilio: TwilioFake
    vonage: VonageFake
    evolution: EvolutionFake
    ai: AiFake
    twilio_url: str
    vonage_url: str
    evolution_url: str
    graph: GraphFake
    graph_url: str

    async def stop(self) -> None:
        """Stop all."""
        await self.graph.stop()
        await self.evolution.stop()
        await self.ai.stop()
        await self.vonage.stop()
        await self.twilio.stop()


async def start_world(*, manual_pairing: bool = False, scan_after: float = 1.0) -> World:
    """Start the fakes on free loopback ports."""
    twilio = TwilioFake(accounts={ACCOUNT_SID: AUTH_TOKEN}, approved_bundles={APPROVED_BUNDLE: ACCOUNT_SID})
    vonage = VonageFake(accounts={VONAGE_KEY: VONAGE_SECRET})
    ai = AiFake()
    evolution = EvolutionFake(
        api_key=EVOLUTION_KEY,
        manual_pairing=manual_pairing,
        scan_after=scan_after,
        openai_base_url=f"{await ai.start()}/openai/v1",
    )
    # Numbers are registered there by a person: POST /_sandbox/accounts.
    graph = GraphFake(accounts=[Account(BUSINESS_ACCOUNT, META_TOKEN, {})])
    return World(
        twilio,
        vonage,
        evolution,
        ai,
        await twilio.start(),
        await vonage.start(),
        await evolution.start(),
        graph,
        await graph.start(),
    )


def world_objects(world: World, *, poll_seconds: int = 2) -> list[dict[str, Any]]:
    """Namespace, Secrets, PhoneProviders and EvolutionServer for the fakes, polled faster than real ones."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR_NAMESPACE}},
        _secret("twilio", {"authToken": AUTH_TOKEN}),
        _secret("vonage", {"apiKey": VONAGE_KEY, "apiSecret": VONAGE_SECRET}),
        _secret("evolution", {"apiKey": EVOLUTION_KEY}),
        _phone_provider(
            PROVIDER,
            poll_seconds,
            type="Twilio",
            twilio={"accountSID": ACCOUNT_SID, "credentialsSecretRef": {"name": "twilio"}},
            apiBaseURL=world.twilio_url,
            priority=100,
        ),
        # Asked when the first has no number for sale. Vonage sells German numbers in its dashboard only.
        _phone_provider(
            SECOND_PROVIDER,
            poll_seconds,
            type="Vonage",
            vonage={"credentialsSecretRef": {"name": "vonage"}},
            apiBaseURL=world.vonage_url,
            priority=50,
            countries=["LV", "EE", "LT", "US", "GB"],
        ),
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


def _phone_provider(name: str, poll_seconds: int, **spec: Any) -> dict[str, Any]:
    limits = {"requestsPerSecond": 200, "concurrent": 16}
    return {
        "apiVersion": API_VERSION,
        "kind": "PhoneProvider",
        "metadata": {"name": name},
        "spec": {**spec, "pollInterval": f"{poll_seconds}s", "limits": limits},
    }


def _secret(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": OPERATOR_NAMESPACE},
        "stringData": values,
    }
