"""The objects that tests apply."""

from typing import Any

from controller.api.group import API_VERSION
from tests.operator.outside import ACCOUNT_SID, API_KEY, AUTH_TOKEN

Body = dict[str, Any]

PROVIDER = "twilio"
SERVER = "evolution"
TWILIO_SECRET = "twilio"
EVOLUTION_SECRET = "evolution"


def namespace(name: str) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def secret(namespace: str, name: str, **values: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "stringData": values,
    }


def twilio_secret(namespace: str, token: str = AUTH_TOKEN) -> Body:
    return secret(namespace, TWILIO_SECRET, authToken=token)


def evolution_secret(namespace: str, key: str = API_KEY) -> Body:
    return secret(namespace, EVOLUTION_SECRET, apiKey=key)


def phone_provider(url: str, *, name: str = PROVIDER, **spec: Any) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": "PhoneProvider",
        "metadata": {"name": name},
        "spec": {
            "type": "Twilio",
            "twilio": {"accountSID": ACCOUNT_SID, "credentialsSecretRef": {"name": TWILIO_SECRET}},
            "apiBaseURL": url,
            "pollInterval": "1s",
            "limits": {"requestsPerSecond": 500, "concurrent": 16},
            **spec,
        },
    }


def evolution_server(url: str, *, name: str = SERVER, **spec: Any) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": "EvolutionServer",
        "metadata": {"name": name},
        "spec": {
            "url": url,
            "apiKeySecretRef": {"name": EVOLUTION_SECRET, "key": "apiKey"},
            "defaultWebhook": f"{url}/_sandbox/platform",
            "pollInterval": "1s",
            "limits": {"requestsPerSecond": 500, "concurrent": 16},
            **spec,
        },
    }


def business_tenant(
    namespace: str, name: str, *, webhook: Body | None = None, server: str | None = None, **spec: Any
) -> Body:
    """A tenant with all there is: number, paired instance, profile, messages and calls routed."""
    whatsapp: Body = {
        "channel": "Baileys",
        "settings": {"rejectCalls": True, "callMessage": "Please write to us."},
        "profile": {"manage": True},
    }
    if server is not None:
        whatsapp["serverRef"] = {"name": server}
    return {
        "apiVersion": API_VERSION,
        "kind": "BusinessTenant",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "business": {
                "id": name,
                "name": name.title(),
                "about": "Open every day",
                "languages": ["lv", "en"],
            },
            "phoneNumber": {"country": "LV", "type": "Mobile"},
            "whatsapp": whatsapp,
            "ai": {
                "route": "Webhook",
                "webhook": webhook or {"url": f"http://127.0.0.1:9/hook/{name}"},
                "voice": {"route": "Webhook", "url": f"https://platform.example/voice/{name}"},
                "sms": {"route": "Webhook", "url": f"https://platform.example/sms/{name}"},
            },
            **spec,
        },
    }
