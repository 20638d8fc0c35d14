"""The objects of the benchmark: tenants of realistic size, the servers and the account they are put on."""

import math
from typing import Any, Final

from controller.api.group import API_VERSION

Body = dict[str, Any]

NAMESPACE: Final = "tenants"
SYSTEM: Final = "tenant-system"
CLUSTER_ID: Final = "bench"
ACCOUNT_SID: Final = "AC" + "be" * 16
AUTH_TOKEN: Final = "twilio-token-of-the-benchmark"  # noqa: S105 - opens a fake on loopback
API_KEY: Final = "evolution-key-of-the-benchmark"
PROVIDER: Final = "twilio"
SERVER_CAPACITY: Final = 500
# Placing stops short of full, so that no run measures tenants waiting for room.
TENANTS_A_SERVER: Final = 450
# Far above what is reached: the figures are of the operator, not of a provider's limits.
LIMITS: Final = {"requestsPerSecond": 1000, "concurrent": 64}
WEBHOOK_EVENTS: Final = ("MESSAGES_UPSERT",)


def servers_for(tenants: int) -> int:
    """Evolution servers so many tenants need."""
    return max(1, math.ceil(tenants / TENANTS_A_SERVER))


def tenant_name(number: int, prefix: str = "shop") -> str:
    return f"{prefix}-{number:05d}"


def webhook_url(name: str) -> str:
    """Where a tenant's messages go; nothing listens there and no message is sent."""
    return f"http://127.0.0.1:9/{name}/" + "h" * 600


def tenant(name: str, *, provider: str | None = None) -> Body:
    """A business with a number, an instance on the Evolution channel and a webhook: about 3 kB of spec."""
    number: Body = {"country": "LV", "type": "Mobile", "capabilities": ["Voice", "SMS"]}
    if provider is not None:
        number["providerRef"] = {"name": provider}
    return {
        "apiVersion": API_VERSION,
        "kind": "BusinessTenant",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "business": {
                "id": name,
                "name": f"Business {name}",
                "description": "d" * 500,
                "about": "a" * 130,
                "languages": ["lv", "en", "ru"],
                "websites": ["https://example.org/" + "w" * 230, "https://example.org/" + "v" * 230],
                "address": "s" * 250,
            },
            "phoneNumber": number,
            "whatsapp": {"channel": "Evolution"},
            "ai": {
                "route": "Webhook",
                "webhook": {
                    "url": webhook_url(name),
                    "events": ["MessagesUpsert"],
                    "headers": {"x-tenant": "t" * 500},
                },
                "features": ["menu", "reservations", "delivery"],
                "voice": {"route": "Webhook", "url": f"https://platform.example/voice/{name}" + "c" * 200},
                "sms": {"route": "Webhook", "url": f"https://platform.example/sms/{name}" + "m" * 200},
            },
        },
    }


def namespaces() -> list[Body]:
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (NAMESPACE, SYSTEM)
    ]


def secrets() -> list[Body]:
    return [_secret("twilio", authToken=AUTH_TOKEN), _secret("evolution", apiKey=API_KEY)]


def phone_provider(
    url: str, *, name: str = PROVIDER, account_sid: str = ACCOUNT_SID, poll: str = "30s"
) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": "PhoneProvider",
        "metadata": {"name": name},
        "spec": {
            "type": "Twilio",
            "twilio": {"accountSID": account_sid, "credentialsSecretRef": {"name": "twilio"}},
            "apiBaseURL": url,
            "pollInterval": poll,
            "limits": LIMITS,
        },
    }


def evolution_server(url: str, name: str, *, poll: str = "30s", capacity: int = SERVER_CAPACITY) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": "EvolutionServer",
        "metadata": {"name": name},
        "spec": {
            "url": url,
            "apiKeySecretRef": {"name": "evolution", "key": "apiKey"},
            "maxInstances": capacity,
            "pollInterval": poll,
            "limits": LIMITS,
        },
    }


def _secret(name: str, **values: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": SYSTEM},
        "stringData": values,
    }
