"""The models: names on the wire, what is documented, and that nothing a user wrote is lost."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from controller.api.business_tenant import BusinessTenant, WebhookEvent
from controller.api.common_fields import Money, parse_duration, wire_name
from controller.api.conditions import Reason
from controller.api.crd import SERVED_KINDS, custom_resource_definitions
from controller.api.evolution_server import EvolutionServer
from controller.api.phone_provider import PhoneProvider

MANIFESTS = Path(__file__).parents[2] / "manifests"
MODELS: dict[str, type[BaseModel]] = {served.kind.value: served.model for served in SERVED_KINDS}

SUNRISE_CAFE = """
spec:
  business:
    id: "123"
    name: Sunrise Cafe
    description: Best coffee in Riga
    about: Open every day 7-22
    category: food_hospitality
    languages: [lv, en]
    timeZone: Europe/Riga
    email: hello@sunrise.example
    websites: [https://sunrise.example]
    address: Brivibas 1, Riga
  phoneNumber:
    country: LV
    type: Local
    capabilities: [Voice, SMS]
    pattern: "+371201*"
    providerRef: {name: twilio-eu}
    maxMonthlyCost: [{amount: "5.00", currency: USD}, {amount: "5.00", currency: EUR}]
    regulatory:
      addressSID: AD00000000000000000000000000000001
      bundleSID: BU00000000000000000000000000000001
    deletionPolicy: Retain
  whatsapp:
    channel: Baileys
    number: Tenant
    region: eu
    serverRef: {name: evolution-eu}
    settings:
      rejectCalls: true
      callMessage: Please write to us
      ignoreGroups: true
      alwaysOnline: false
      readMessages: false
      readStatus: false
      syncFullHistory: false
    profile: {manage: true}
    deletionPolicy: Retain
  ai:
    route: Webhook
    webhook:
      url: https://platform.example/webhook/evolution
      events: [MessagesUpsert]
      authSecretRef: {name: platform-hook, key: token}
    features: [menu, reservations, delivery]
    voice:
      route: Webhook
      url: https://platform.example/voice
      fallbackURL: https://platform.example/voice/fallback
      statusCallbackURL: https://platform.example/voice/status
    sms:
      route: Webhook
      url: https://platform.example/sms
      fallbackURL: https://platform.example/sms/fallback
  managementPolicy: Full
  paused: false
status:
  observedGeneration: 3
  phase: Ready
  message: Live on +37120123456 (twilio-eu) and WhatsApp.
  conditions:
  - type: Ready
    status: "True"
    reason: Live
    message: Everything is in place.
    observedGeneration: 3
    lastTransitionTime: "2026-01-02T03:04:05Z"
  phoneNumber:
    number: "+37120123456"
    country: LV
    type: Local
    provider: twilio-eu
    id: PN0123
    origin: Purchased
    monthlyCost: {amount: "4.00", currency: USD}
    monthlyCostText: 4.00 USD
    purchase: {candidate: "+37120123457", provider: twilio-eu, startedAt: "2026-01-02T03:04:05Z"}
  instance:
    name: sunrise-cafe-abc
    server: evolution-eu
    id: 0b9a
    channel: Baileys
    state: Open
    number: "+37120123456"
    connectedSince: "2026-01-02T03:04:05Z"
    tokenSecretRef: {name: sunrise-cafe-evolution}
  profile: {appliedHash: abc, appliedAt: "2026-01-02T03:04:05Z"}
  routing: {route: Webhook, target: platform.example, voice: Webhook, sms: Webhook, appliedHash: abc}
  plan: {changes: [{what: Buy a number, why: There is none}], computedAt: "2026-01-02T03:04:05Z"}
  timeToReady: 41s
  nextAttemptTime: "2026-01-02T03:04:05Z"
  lastHandledReconcileAt: now
"""

TWILIO_EU = """
spec:
  type: Twilio
  twilio:
    accountSID: AC00000000000000000000000000000001
    credentialsSecretRef:
      {name: twilio, authTokenKey: authToken, apiKeySIDKey: keySID, apiKeySecretKey: keySecret}
  countries: [LV, EE, LT]
  priority: 100
  apiBaseURL: http://127.0.0.1:1
  limits: {requestsPerSecond: 10, concurrent: 8}
  pollInterval: 5m
  lost: false
status:
  account: AC00000000000000000000000000000001
  tenants: 2
  numbersOwned: 3
  numbersManaged: 2
  numbersUnmarked: 1
  orphans: [{number: "+37120123456", mark: "bt1:x", since: "2026-01-02T03:04:05Z"}]
  recentIrreversible: [{what: Release, name: "+37120123456", at: "2026-01-02T03:04:05Z"}]
  observedGeneration: 1
"""

VONAGE_EU = """
spec:
  type: Vonage
  vonage:
    apiKey: 1a2345b7
    credentialsSecretRef:
      {name: vonage, apiKeyKey: apiKey, apiSecretKey: apiSecret}
"""

EVOLUTION_EU = """
spec:
  url: http://evolution-api:8080
  apiKeySecretRef: {name: evolution, key: apiKey}
  maxInstances: 500
  schedulable: true
  region: eu
  defaultWebhook: http://platform:8000/webhook/evolution
  sessionTimeout: 1h
  metrics: {mode: Auto, basicAuthSecretRef: {name: metrics}}
  limits: {requestsPerSecond: 20, concurrent: 8}
  pollInterval: 30s
  lost: false
status:
  version: 2.3.7
  clientName: evolution_exchange
  tenants: 1
  instances: 2
  connected: 1
  capacity: 500
  observedGeneration: 1
"""


@pytest.mark.parametrize(
    ("model", "text"),
    [
        pytest.param(BusinessTenant, SUNRISE_CAFE, id="BusinessTenant"),
        pytest.param(PhoneProvider, TWILIO_EU, id="PhoneProvider"),
        pytest.param(PhoneProvider, VONAGE_EU, id="PhoneProvider of Vonage"),
        pytest.param(EvolutionServer, EVOLUTION_EU, id="EvolutionServer"),
    ],
)
def test_what_a_user_wrote_comes_back_unchanged(model: type[BaseModel], text: str) -> None:
    written = yaml.safe_load(text)

    read = model.model_validate(written)

    assert read.model_dump(mode="json", by_alias=True, exclude_none=True) == written


def documents(folder: str) -> Iterator[dict[str, Any]]:
    for path in sorted((MANIFESTS / folder).glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text("utf-8"))


@pytest.mark.parametrize("folder", ["samples", "providers-example"])
def test_samples_have_no_field_that_would_be_pruned(folder: str) -> None:
    ours = [document for document in documents(folder) if document["kind"] in MODELS]

    assert ours
    for document in ours:
        read = MODELS[document["kind"]].model_validate(document)
        assert read.model_dump(mode="json", by_alias=True, exclude_none=True) == {"spec": document["spec"]}


def test_samples_are_a_chain_four_countries_and_three_departments() -> None:
    tenants = [document for document in documents("samples") if document["kind"] == "BusinessTenant"]

    assert len({tenant["metadata"]["name"] for tenant in tenants}) == 9
    assert {tenant["metadata"]["namespace"] for tenant in tenants} == {"tenants"}
    assert {tenant["spec"]["phoneNumber"]["country"] for tenant in tenants} == {"LV", "EE", "LT", "DE", "US"}


def test_secrets_that_samples_name_are_in_the_samples() -> None:
    keys = {
        (secret["metadata"]["name"], key)
        for secret in documents("samples")
        if secret["kind"] == "Secret"
        for key in secret["stringData"]
    }
    named = {
        (reference["name"], reference["key"])
        for tenant in documents("samples")
        if tenant["kind"] == "BusinessTenant"
        and (reference := tenant["spec"]["ai"].get("webhook", {}).get("authSecretRef"))
    }
    assert named == keys


@pytest.mark.parametrize(
    ("python_name", "expected"),
    [
        ("api_url", "apiURL"),
        ("fallback_url", "fallbackURL"),
        ("status_callback_url", "statusCallbackURL"),
        ("account_sid", "accountSID"),
        ("api_key_sid_key", "apiKeySIDKey"),
        ("phone_number_id", "phoneNumberID"),
        ("ignore_jids", "ignoreJIDs"),
        ("time_zone", "timeZone"),
        ("id", "id"),
        ("ai", "ai"),
        ("sms", "sms"),
    ],
)
def test_initialisms_stay_whole(python_name: str, expected: str) -> None:
    assert wire_name(python_name) == expected


def optional_spec_fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    required = set(schema.get("required", []))
    for name, child in schema.get("properties", {}).items():
        if name not in required:
            yield f"{path}.{name}", child["description"]
        yield from optional_spec_fields(child, f"{path}.{name}")
    if "items" in schema:
        yield from optional_spec_fields(schema["items"], f"{path}[]")


@pytest.mark.parametrize(
    "description",
    [
        pytest.param(description, id=path)
        for definition in custom_resource_definitions()
        for path, description in optional_spec_fields(
            definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"],
            definition["spec"]["names"]["kind"],
        )
    ],
)
def test_every_optional_field_says_what_leaving_it_out_means(description: str) -> None:
    assert any(words in description for words in ("Left out", "Needed with", "With type"))


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_it_means_and_what_to_do(reason: Reason) -> None:
    assert reason.text.isalnum()
    assert reason.text[0].isupper()
    assert reason.meaning.endswith(".")
    assert reason.remedy.endswith(".")


def test_no_two_reasons_have_the_same_text_or_meaning() -> None:
    # Two Enum members with equal values would be one, so the names count too.
    assert len({reason.text for reason in Reason}) == len(Reason.__members__)
    assert len({reason.meaning for reason in Reason}) == len(Reason.__members__)


@pytest.mark.parametrize("event", WebhookEvent)
def test_events_that_carry_pairing_codes_cannot_be_asked_for(event: WebhookEvent) -> None:
    assert "qr" not in event.value.lower()


@pytest.mark.parametrize("amount", ["5", "5.0", "5.00", "0.0075", "1000000"])
def test_money_is_written_with_at_least_two_digits_and_loses_nothing(amount: str) -> None:
    money = Money.of(Decimal(amount), "USD")

    assert money.decimal == Decimal(amount)
    assert len(money.amount.partition(".")[2]) >= 2


@pytest.mark.parametrize("amount", ["5,00", "-1.00", "1e3", "", "0.00001"])
def test_money_refuses_what_is_not_a_decimal(amount: str) -> None:
    with pytest.raises(ValidationError):
        Money(amount=amount, currency="USD")


@given(
    hours=st.integers(0, 999),
    minutes=st.integers(0, 9999),
    seconds=st.integers(0, 99999),
)
def test_durations_add_up(hours: int, minutes: int, seconds: int) -> None:
    duration = parse_duration(f"{hours}h{minutes}m{seconds}s")

    assert duration.total_seconds() == hours * 3600 + minutes * 60 + seconds
