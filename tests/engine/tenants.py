"""Tenant objects as people write them."""

from typing import Any

from controller.api.group import API_VERSION

from .world import BUSINESS_ACCOUNT, META_SECRET, NAMESPACE

WEBHOOK_URL = "http://platform.test/cafe"
VOICE = "http://platform.test/voice"
VOICE_URL = f"{VOICE}?tenant={NAMESPACE}/cafe"
"""As it is set on cafe's number."""


def tenant(name: str = "cafe", **changes: Any) -> dict[str, Any]:
    """A tenant with everything: number, WhatsApp, profile, messages, calls. `changes` are merged into the spec;
    None removes a block.
    """
    spec: dict[str, Any] = {
        "business": {"id": name, "name": f"Cafe {name}", "about": "Open 7-22", "languages": ["lv", "en"]},
        "phoneNumber": {"country": "LV", "type": "Mobile"},
        "whatsapp": {
            "channel": "Baileys",
            "settings": {"rejectCalls": True, "callMessage": "Please write"},
            "profile": {"manage": True},
        },
        "ai": {
            "route": "Webhook",
            "webhook": {"url": WEBHOOK_URL, "authSecretRef": {"name": "hook", "key": "token"}},
            "voice": {"route": "Webhook", "url": VOICE},
        },
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "BusinessTenant",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": _merged(spec, changes),
    }


def on_cloud_api(
    name: str = "cafe", phone_number_id: str | None = "100200300", **whatsapp: Any
) -> dict[str, Any]:
    """A tenant on Meta's Cloud API, with everything. `whatsapp` is merged into that block."""
    cloud_api = {
        "phoneNumberID": phone_number_id,
        "businessAccountID": BUSINESS_ACCOUNT,
        "accessTokenSecretRef": {"name": META_SECRET, "key": "token"},
    }
    body = tenant(name, whatsapp={"settings": None})
    block = {
        **body["spec"]["whatsapp"],
        "channel": "CloudAPI",
        "settings": {"readMessages": True},
        "cloudAPI": {key: value for key, value in cloud_api.items() if value is not None},
    }
    return {**body, "spec": {**body["spec"], "whatsapp": _merged(block, whatsapp)}}


def releasing(name: str = "cafe") -> dict[str, Any]:
    """A tenant whose number and instance go with it."""
    return tenant(name, phoneNumber={"deletionPolicy": "Release"}, whatsapp={"deletionPolicy": "Delete"})


def number_only(name: str = "cafe", **number: Any) -> dict[str, Any]:
    """A tenant with a number and nothing else."""
    return tenant(name, phoneNumber=number, whatsapp=None, ai=None)


def called(name: str = "cafe", **number: Any) -> dict[str, Any]:
    """A tenant with a number that is answered, and without WhatsApp."""
    body = tenant(name, phoneNumber=number, whatsapp=None, ai=None)
    voice = {"route": "Webhook", "url": VOICE}
    return {**body, "spec": {**body["spec"], "ai": {"route": "None", "voice": voice}}}


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merged(merged[name], value)
        else:
            merged[name] = value
    return merged
