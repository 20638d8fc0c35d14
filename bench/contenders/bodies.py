"""What onboarding a tenant writes to the API server: the bodies of our operator, recorded from it.

Floor and plain kopf write the same, so that all contenders have the API server parse, validate and store the same.
"""

import base64
from dataclasses import dataclass
from typing import Any, Final

from bench import objects
from bench.contenders.calls import instance_name
from controller.api.group import API_VERSION, GROUP

Body = dict[str, Any]

NOW: Final = "2026-01-01T00:00:00Z"
CHANGING: Final = "Changes are being made to reach the spec."
LEFT_OUT: Final = "The spec leaves this out."


@dataclass(frozen=True, slots=True)
class Onboarded:
    """A tenant and what it has got outside. `number_id` and `instance_id` are the providers' own."""

    name: str
    number: str
    number_id: str
    server: str
    instance_id: str

    @property
    def live(self) -> str:
        return f"Live on {self.number} ({objects.PROVIDER}) and WhatsApp."


def claim(lease: str, name: str, uid: str, number: str) -> Body:
    """The Lease that keeps everybody else away from a number."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": lease,
            "namespace": objects.SYSTEM,
            "labels": {f"{GROUP}/claim": "number"},
            "annotations": {
                f"{GROUP}/account": objects.PROVIDER,
                f"{GROUP}/number": number,
                f"{GROUP}/tenant": f"{objects.NAMESPACE}/{name}",
            },
        },
        "spec": {"holderIdentity": uid, "acquireTime": "2026-01-01T00:00:00.000000Z"},
    }


def intent_status(number: str) -> Body:
    """Status right before a purchase."""
    return {
        "observedGeneration": 1,
        "phase": "Provisioning",
        "message": CHANGING,
        "conditions": [
            _condition("Ready", "Progressing", CHANGING, "False"),
            _condition("Paused", "NotPaused", "Not paused.", "False"),
            _condition("Reconciling", "Progressing", CHANGING),
        ],
        "phoneNumber": {
            "purchase": {
                "candidate": number,
                "provider": objects.PROVIDER,
                "generation": 1,
                "startedAt": NOW,
            },
            "monthlyCost": {"amount": "3.00", "currency": "USD"},
        },
    }


def token_secret(name: str, uid: str, token: str) -> Body:
    owner = {"apiVersion": API_VERSION, "kind": "BusinessTenant", "name": name, "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": _secret_name(name),
            "namespace": objects.NAMESPACE,
            "ownerReferences": [owner],
        },
        "data": {"token": base64.b64encode(token.encode()).decode()},
    }


def ready_status(made: Onboarded) -> Body:
    """Status of a tenant that is live."""
    instance, webhook = instance_name(made.name), objects.webhook_url(made.name)
    routes = f"Verified: messages go to {webhook}, calls to the voice URL, SMS to the SMS URL."
    conditions = [
        _condition("Ready", "Live", made.live),
        _condition("Paused", "NotPaused", "Not paused.", "False"),
        _condition("NumberReady", "Available", f"{made.number} at {objects.PROVIDER} is set as wanted."),
        _condition("InstanceReady", "Available", f"{instance} on {made.server} is set as wanted."),
        _condition("WhatsAppConnected", "Connected", "The test channel is open."),
        _condition("ProfileSynced", "NotRequested", LEFT_OUT),
        _condition("TemplatesReady", "NotRequested", LEFT_OUT),
        _condition("RoutingReady", "Verified", routes),
    ]
    return {
        "observedGeneration": 1,
        "phase": "Ready",
        "message": made.live,
        "conditions": conditions,
        "phoneNumber": {
            "purchase": None,
            "number": made.number,
            "country": "LV",
            "type": "Mobile",
            "provider": objects.PROVIDER,
            "id": made.number_id,
            "origin": "Purchased",
            "monthlyCost": {"amount": "3.00", "currency": "USD"},
            "monthlyCostText": "3.00 USD",
        },
        "instance": {
            "name": instance,
            "server": made.server,
            "id": made.instance_id,
            "channel": "Evolution",
            "state": "Open",
            "connectedSince": NOW,
            "tokenSecretRef": {"name": _secret_name(made.name)},
        },
        "routing": {
            "route": "Webhook",
            "target": webhook,
            "voice": "Webhook",
            "sms": "Webhook",
            "appliedHash": "0" * 32,
        },
        "timeToReady": "0s",
    }


def ready_event(made: Onboarded, uid: str) -> Body:
    instance = instance_name(made.name)
    done = f"Bought {made.number} at {objects.PROVIDER}, created instance {instance} on {made.server}."
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{made.name}.{'e' * 16}", "namespace": objects.NAMESPACE},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": "BusinessTenant",
            "name": made.name,
            "uid": uid,
            "namespace": objects.NAMESPACE,
        },
        "type": "Normal",
        "reason": "Ready",
        "message": f"{made.live} {done}",
        "count": 1,
        "firstTimestamp": NOW,
        "lastTimestamp": NOW,
        "source": {"component": "bench"},
        "reportingComponent": "bench",
        "reportingInstance": "bench",
    }


def _condition(type_: str, reason: str, message: str, status: str = "True") -> Body:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": 1,
        "lastTransitionTime": NOW,
    }


def _secret_name(name: str) -> str:
    return f"{name}-evolution"
