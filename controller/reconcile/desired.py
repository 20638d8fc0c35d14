"""What a tenant's spec asks of the outside world, in the outside world's terms. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from controller.api.ai_routes import MessageRoute
from controller.api.business_tenant import (
    BusinessTenantSpec,
    Capability,
    Channel,
    InstanceSettings,
    NumberType,
    PairedNumber,
    SmsRoute,
    VoiceRoute,
    Webhook,
    WebhookEvent,
)
from controller.api.common_fields import Money, SecretKeyReference
from controller.providers.evolution.protocol import BehaviourSettings, Integration
from controller.providers.telephony.protocol import NumberQuery, NumberSettings, Papers
from controller.reconcile.ai.address import with_query
from controller.reconcile.ai.context import DesiredContext
from controller.reconcile.ai.desired_bot import DesiredBot, desired_bot
from controller.reconcile.cloud_api.desired import (
    DesiredBusinessProfile,
    DesiredCloudAPI,
    DesiredTemplate,
    desired_business_profile,
    desired_cloud_api,
    desired_templates,
)
from controller.reconcile.fingerprint import fingerprint
from controller.reconcile.ownership import Owner

# WhatsApp shows and takes 25 characters of a name.
PROFILE_NAME_LIMIT: Final = 25

_EVERY_CAPABILITY: Final = frozenset(Capability)
_NO_PAPERS: Final = Papers()
_NO_SETTINGS: Final = InstanceSettings()
_DEFAULT_WEBHOOK: Final = Webhook()
_DEFAULT_EVENTS: Final = (WebhookEvent.MESSAGES_UPSERT,)
# `MessagesUpsert` -> `MESSAGES_UPSERT`.
_EVOLUTION_EVENTS: Final = {
    event: "".join(f"_{c}" if c.isupper() else c.upper() for c in event.value).lstrip("_")
    for event in WebhookEvent
}
_INTEGRATIONS: Final = {
    Channel.BAILEYS: Integration.BAILEYS,
    Channel.CLOUD_API: Integration.BUSINESS,
    Channel.EVOLUTION: Integration.EVOLUTION,
}


@dataclass(frozen=True, slots=True)
class DesiredNumber:
    """The number the tenant wants, and how it is to be set. `named`: take over this one, never buy."""

    query: NumberQuery
    named: str | None
    provider: str | None
    ceilings: tuple[Money, ...]
    papers: Papers
    settings: NumberSettings

    @property
    def country(self) -> str:
        return self.query.country

    @property
    def type(self) -> NumberType:
        return self.query.type


@dataclass(frozen=True, slots=True)
class DesiredInstance:
    """The instance the tenant wants. `named`: take over the instance of this name, never create one.

    `paired_number_is_tenants`: no other WhatsApp number may be paired. `cloud_api` is what one on that channel is made
    of, None on the others.
    """

    name: str
    named: bool
    channel: Channel
    integration: Integration
    behaviour: BehaviourSettings
    server: str | None
    region: str | None
    paired_number_is_tenants: bool
    cloud_api: DesiredCloudAPI | None = None


@dataclass(frozen=True, slots=True)
class DesiredProfile:
    """What the WhatsApp profile should say. `about` None: leave the line as it is."""

    name: str
    about: str | None

    @property
    def fingerprint(self) -> str:
        return fingerprint({"name": self.name, "about": self.about})


@dataclass(frozen=True, slots=True)
class DesiredWebhook:
    """Where an instance's events go. `url` None: the server's default. The Authorization header's value is
    read from the Secret only when the webhook is written or read back.
    """

    url: str | None
    events: tuple[str, ...]
    headers: Mapping[str, str]
    auth: SecretKeyReference | None

    def fingerprint(self, url: str, secret_version: str | None, context: object = None) -> str:
        """Changes when any part changes, the Secret and the context included; holds no part of them."""
        parts = {
            "url": url,
            "events": self.events,
            "headers": dict(self.headers),
            "auth": [self.auth.name, self.auth.key, secret_version] if self.auth else None,
        }
        return fingerprint(parts if context is None else {**parts, "context": context})


@dataclass(frozen=True, slots=True)
class DesiredTenant:
    """Everything the spec asks for; None for what it leaves out."""

    owner: Owner
    number: DesiredNumber | None
    instance: DesiredInstance | None
    profile: DesiredProfile | DesiredBusinessProfile | None
    webhook: DesiredWebhook | None
    bot: DesiredBot | None
    context: DesiredContext
    voice: VoiceRoute
    sms: SmsRoute
    templates: tuple[DesiredTemplate, ...] = ()


def desire(spec: BusinessTenantSpec, owner: Owner) -> DesiredTenant:
    """Translate a spec."""
    return DesiredTenant(
        owner=owner,
        number=_number(spec, owner),
        instance=_instance(spec, owner),
        profile=_profile(spec),
        webhook=_webhook(spec, owner),
        bot=desired_bot(spec, owner),
        context=DesiredContext.of(spec),
        voice=_voice_route(spec),
        sms=_sms_route(spec),
        templates=desired_templates(spec, owner),
    )


def _number(spec: BusinessTenantSpec, owner: Owner) -> DesiredNumber | None:
    wanted = spec.phone_number
    if wanted is None:
        return None
    papers = _NO_PAPERS
    if wanted.regulatory is not None:
        papers = Papers(wanted.regulatory.address_sid or "", wanted.regulatory.bundle_sid or "")
    return DesiredNumber(
        query=NumberQuery(
            country=wanted.country,
            type=wanted.type,
            capabilities=_EVERY_CAPABILITY if wanted.capabilities is None else frozenset(wanted.capabilities),
            pattern=wanted.pattern,
            address_available=bool(papers.address_id),
        ),
        named=wanted.number,
        provider=wanted.provider_ref.name if wanted.provider_ref else None,
        ceilings=tuple(wanted.max_monthly_cost or ()),
        papers=papers,
        settings=_number_settings(spec, owner),
    )


def _number_settings(spec: BusinessTenantSpec, owner: Owner) -> NumberSettings:
    voice = spec.ai.voice if spec.ai and _voice_route(spec) is not VoiceRoute.NONE else None
    sms = spec.ai.sms if spec.ai and _sms_route(spec) is SmsRoute.WEBHOOK else None

    def told(url: str | None) -> str:
        """One endpoint may serve many tenants: it is told for whom it is asked."""
        return with_query(url, {"tenant": f"{owner.namespace}/{owner.name}"}) if url else ""

    return NumberSettings(
        label=owner.label(),
        voice_url=told(voice.url if voice else None),
        voice_fallback_url=told(voice.fallback_url if voice else None),
        status_callback_url=told(voice.status_callback_url if voice else None),
        sms_url=told(sms.url if sms else None),
        sms_fallback_url=told(sms.fallback_url if sms else None),
        forward_to=(voice.forward_to if voice else None) or "",
    )


def _voice_route(spec: BusinessTenantSpec) -> VoiceRoute:
    return spec.ai.voice.route if spec.ai and spec.ai.voice else VoiceRoute.NONE


def _sms_route(spec: BusinessTenantSpec) -> SmsRoute:
    return spec.ai.sms.route if spec.ai and spec.ai.sms else SmsRoute.NONE


def _instance(spec: BusinessTenantSpec, owner: Owner) -> DesiredInstance | None:
    wanted = spec.whatsapp
    if wanted is None:
        return None
    return DesiredInstance(
        name=wanted.instance_name or owner.instance_name,
        named=wanted.instance_name is not None,
        channel=wanted.channel,
        integration=_INTEGRATIONS[wanted.channel],
        behaviour=_behaviour(wanted.settings or _NO_SETTINGS),
        server=wanted.server_ref.name if wanted.server_ref else None,
        region=wanted.region,
        paired_number_is_tenants=spec.phone_number is not None and wanted.number is not PairedNumber.ANY,
        cloud_api=desired_cloud_api(spec),
    )


def _behaviour(settings: InstanceSettings) -> BehaviourSettings:
    return BehaviourSettings(
        reject_call=bool(settings.reject_calls),
        msg_call=settings.call_message or "",
        groups_ignore=bool(settings.ignore_groups),
        always_online=bool(settings.always_online),
        read_messages=bool(settings.read_messages),
        read_status=bool(settings.read_status),
        sync_full_history=bool(settings.sync_full_history),
    )


def _profile(spec: BusinessTenantSpec) -> DesiredProfile | DesiredBusinessProfile | None:
    if spec.whatsapp is None or spec.whatsapp.profile is None or not spec.whatsapp.profile.manage:
        return None
    if spec.whatsapp.channel is Channel.CLOUD_API:
        return desired_business_profile(spec.business)
    return DesiredProfile(spec.business.name[:PROFILE_NAME_LIMIT], spec.business.about)


def _webhook(spec: BusinessTenantSpec, owner: Owner) -> DesiredWebhook | None:
    if spec.ai is None or spec.ai.route is not MessageRoute.WEBHOOK:
        return None
    webhook = spec.ai.webhook or _DEFAULT_WEBHOOK
    headers = {"x-tenant": f"{owner.namespace}/{owner.name}"}
    if spec.business.id is not None:
        headers["x-business-id"] = spec.business.id
    if spec.business.languages:
        headers["x-tenant-languages"] = ",".join(spec.business.languages)
    if spec.ai.features:
        headers["x-tenant-features"] = ",".join(spec.ai.features)
    events = webhook.events or _DEFAULT_EVENTS
    return DesiredWebhook(
        url=webhook.url,
        events=tuple(sorted([_EVOLUTION_EVENTS[event] for event in events])),
        headers=headers,
        auth=webhook.auth_secret_ref,
    )
