import pytest

from controller.api.business_tenant import Capability, WebhookEvent
from controller.providers.evolution.protocol import BehaviourSettings
from controller.reconcile.desired import DesiredProfile, DesiredWebhook

from .builders import OWNER, PHONE, WHATSAPP, desired


def test_what_is_left_out_is_not_wanted() -> None:
    wanted = desired()
    assert (wanted.number, wanted.instance, wanted.profile, wanted.webhook) == (None, None, None, None)


def test_a_number_is_marked_and_silent_unless_calls_are_routed() -> None:
    number = desired(**PHONE).number
    assert number is not None
    assert number.settings.label == OWNER.label()
    assert (number.settings.voice_url, number.settings.sms_url) == ("", "")
    assert number.query.capabilities == {Capability.VOICE, Capability.SMS}


def test_calls_are_set_on_the_number() -> None:
    voice = {
        "route": "Webhook",
        "url": "http://v",
        "fallbackURL": "http://f",
        "statusCallbackURL": "http://s",
    }
    number = desired(**PHONE, ai={"route": "None", "voice": voice}).number
    assert number is not None
    settings = number.settings
    assert (settings.voice_url, settings.voice_fallback_url, settings.status_callback_url) == (
        "http://v?tenant=tenants/cafe",
        "http://f?tenant=tenants/cafe",
        "http://s?tenant=tenants/cafe",
    )


@pytest.mark.parametrize(
    ("spec", "only_tenants"),
    [
        (PHONE | WHATSAPP, True),
        (WHATSAPP, False),
        (PHONE | {"whatsapp": {"channel": "Baileys", "number": "Any"}}, False),
        (PHONE | {"whatsapp": {"channel": "Baileys", "number": "Tenant"}}, True),
    ],
)
def test_which_number_may_be_paired(spec: dict[str, object], *, only_tenants: bool) -> None:
    instance = desired(**spec).instance
    assert instance is not None
    assert instance.paired_number_is_tenants is only_tenants


def test_settings_left_out_are_off() -> None:
    instance = desired(**WHATSAPP).instance
    assert instance is not None
    assert instance.behaviour == BehaviourSettings()


def test_a_profile_name_is_cut_to_what_whatsapp_shows() -> None:
    whatsapp = {"channel": "Baileys", "profile": {"manage": True}}
    profile = desired(business={"name": "x" * 40}, whatsapp=whatsapp).profile
    assert isinstance(profile, DesiredProfile)
    assert profile.name == "x" * 25


def _webhook(**ai: object) -> DesiredWebhook:
    business = {"name": "Cafe", "id": "42", "languages": ["lv", "en"]}
    webhook = desired(**WHATSAPP, business=business, ai={"route": "Webhook", **ai}).webhook
    assert webhook is not None
    return webhook


def test_a_webhook_tells_whose_messages_it_brings() -> None:
    webhook = _webhook(features=["menu"])
    assert webhook.events == ("MESSAGES_UPSERT",)
    assert webhook.headers == {
        "x-tenant": "tenants/cafe",
        "x-business-id": "42",
        "x-tenant-languages": "lv,en",
        "x-tenant-features": "menu",
    }


@pytest.mark.parametrize("event", WebhookEvent)
def test_events_are_translated_and_sorted(event: WebhookEvent) -> None:
    (translated,) = _webhook(webhook={"events": [event.value]}).events
    assert translated.replace("_", "").lower() == event.value.lower()
    assert translated.isupper()


def test_a_fingerprint_changes_with_every_part_and_holds_none() -> None:
    reference = {"name": "hook", "key": "token"}
    plain, signed = _webhook(), _webhook(webhook={"authSecretRef": reference})
    prints = {
        plain.fingerprint("http://a", None),
        plain.fingerprint("http://b", None),
        signed.fingerprint("http://a", "1"),
        signed.fingerprint("http://a", "2"),
        _webhook(features=["menu"]).fingerprint("http://a", None),
    }
    assert len(prints) == 5
    assert not any("http" in fingerprint for fingerprint in prints)
