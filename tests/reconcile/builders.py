"""Tenants, numbers and instances as plain data, for decisions that touch nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from controller.api.business_tenant import NumberType
from controller.api.business_tenant_status import InstanceStatus, NumberOrigin, NumberStatus
from controller.api.evolution_server import EvolutionServerSpec
from controller.api.phone_provider import PhoneProviderSpec
from controller.providers.evolution.protocol import BehaviourSettings, InstanceRow, Integration, SessionState
from controller.providers.telephony.protocol import Candidate, NumberSettings, OwnedNumber, Price
from controller.reconcile.context import Policy
from controller.reconcile.desired import DesiredTenant, desire
from controller.reconcile.fleet import InstanceServer, PhoneAccount
from controller.reconcile.observed import HeldNumber
from controller.reconcile.ownership import Owner
from controller.reconcile.tenant_object import Tenant

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLUSTER = "test"
OWNER = Owner(CLUSTER, "tenants", "cafe")
FOREIGN_LABELS = (Owner("other", "tenants", "cafe").label(), Owner(CLUSTER, "tenants", "bar").label())
NUMBER = "+37120000001"
POLICY = Policy(cluster_id=CLUSTER)


def body(
    spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    """A BusinessTenant as the API server has it."""
    return {
        "kind": "BusinessTenant",
        "metadata": {
            "namespace": "tenants",
            "name": "cafe",
            "uid": "uid-1",
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": "2026-01-01T11:59:00Z",
            **metadata,
        },
        "spec": {"business": {"name": "Cafe"}, **(spec or {})},
        "status": status or {},
    }


def tenant(
    spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any
) -> Tenant:
    parsed = Tenant.from_body(body(spec, status, **metadata))
    assert isinstance(parsed, Tenant), parsed.complaint
    return parsed


PHONE = {"phoneNumber": {"country": "LV", "type": "Mobile"}}
WHATSAPP = {"whatsapp": {"channel": "Baileys"}}
WEBHOOK = {"ai": {"route": "Webhook", "webhook": {"url": "http://platform.test/hook"}}}


def desired(**spec: Any) -> DesiredTenant:
    return desire(tenant(spec).spec, OWNER)


def owned(label: str, number: str = NUMBER, **changes: Any) -> OwnedNumber:
    values: dict[str, Any] = {
        "number": number,
        "id": f"PN{number[-4:]}",
        "country": "LV",
        "type": NumberType.MOBILE,
        "settings": NumberSettings(label=label),
        "created_at": NOW,
        **changes,
    }
    return OwnedNumber(**values)


def held(label: str, number: str = NUMBER, **changes: Any) -> HeldNumber:
    return HeldNumber("twilio", owned(label, number, **changes))


def recorded(number: str = NUMBER) -> NumberStatus:
    return NumberStatus(
        number=number, country="LV", type="Mobile", provider="twilio", id="PN1", origin=NumberOrigin.PURCHASED
    )


def candidate(number: str = NUMBER, amount: str | None = "3.00", currency: str = "USD") -> Candidate:
    return Candidate(number, Price(Decimal(amount), currency) if amount is not None else None)


def row(name: str = OWNER.instance_name, **changes: Any) -> InstanceRow:
    values: dict[str, Any] = {
        "name": name,
        "id": "id-1",
        "integration": Integration.BAILEYS.value,
        "stored_state": SessionState.OPEN,
        "owner_number": NUMBER,
        "token": "t",
        "settings": BehaviourSettings(),
        **changes,
    }
    return InstanceRow(**values)


def instance_status(**changes: Any) -> InstanceStatus:
    values: dict[str, Any] = {"name": OWNER.instance_name, "server": "evo", "id": "id-1", **changes}
    return InstanceStatus(**values)


def account(name: str = "twilio", **spec: Any) -> PhoneAccount:
    reference = {"accountSID": "AC" + "a" * 32, "credentialsSecretRef": {"name": "twilio"}}
    return PhoneAccount(
        name, PhoneProviderSpec.model_validate({"type": "Twilio", "twilio": reference, **spec})
    )


def server(name: str = "evo", *, instances: int = 0, **spec: Any) -> InstanceServer:
    reference = {"name": "evolution", "key": "apiKey"}
    made = InstanceServer(
        name,
        EvolutionServerSpec.model_validate({"url": "http://evo.test", "apiKeySecretRef": reference, **spec}),
    )
    made.instances.listed.put(NOW, {f"i{n}": row(f"i{n}") for n in range(instances)})
    return made
