"""`BusinessTenant`: what a business asks for. One object is one business."""

from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from controller.api.ai_routes import (
    BLOCKS,
    N8N,
    ConfigMapKeyReference,
    Context,
    Dify,
    EvoAI,
    EvolutionBot,
    Flowise,
    MessageRoute,
    OpenAI,
    Session,
    Trigger,
    Typebot,
    only_matching_block,
)
from controller.api.business_tenant_status import BusinessTenantStatus
from controller.api.cloud_api import CloudAPI, MessageTemplate
from controller.api.common_fields import (
    E164,
    ApiModel,
    CountryCode,
    DeletionPolicy,
    HttpUrl,
    Money,
    ObjectReference,
    SecretKeyReference,
    list_map,
    list_set,
    rules,
)

LanguageTag = Annotated[str, StringConstraints(max_length=35, pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$")]
Feature = Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]


class NumberType(StrEnum):
    """Kinds of phone numbers; which of them a country has is asked of the provider."""

    LOCAL = "Local"
    MOBILE = "Mobile"
    NATIONAL = "National"
    TOLL_FREE = "TollFree"


class Capability(StrEnum):
    VOICE = "Voice"
    SMS = "SMS"


class Channel(StrEnum):
    """How WhatsApp is reached."""

    BAILEYS = "Baileys"
    CLOUD_API = "CloudAPI"
    EVOLUTION = "Evolution"


class PairedNumber(StrEnum):
    TENANT = "Tenant"
    ANY = "Any"


class InstanceDeletionPolicy(StrEnum):
    RETAIN = "Retain"
    DELETE = "Delete"


class VoiceRoute(StrEnum):
    """Who answers calls."""

    NONE = "None"
    WEBHOOK = "Webhook"
    FORWARD = "Forward"


class SmsRoute(StrEnum):
    """Who answers SMS."""

    NONE = "None"
    WEBHOOK = "Webhook"


class ManagementPolicy(StrEnum):
    FULL = "Full"
    OBSERVE = "Observe"


class WebhookEvent(StrEnum):
    """Events of an instance that may be sent to the webhook: all but those that carry QR codes,
    those that delay a deletion, and one whose name never matches.
    """

    MESSAGES_UPSERT = "MessagesUpsert"
    MESSAGES_EDITED = "MessagesEdited"
    MESSAGES_UPDATE = "MessagesUpdate"
    MESSAGES_DELETE = "MessagesDelete"
    SEND_MESSAGE = "SendMessage"
    CONTACTS_UPSERT = "ContactsUpsert"
    CONTACTS_UPDATE = "ContactsUpdate"
    PRESENCE_UPDATE = "PresenceUpdate"
    CHATS_UPSERT = "ChatsUpsert"
    CHATS_UPDATE = "ChatsUpdate"
    CHATS_DELETE = "ChatsDelete"
    GROUPS_UPSERT = "GroupsUpsert"
    GROUP_PARTICIPANTS_UPDATE = "GroupParticipantsUpdate"
    CONNECTION_UPDATE = "ConnectionUpdate"
    LABELS_EDIT = "LabelsEdit"
    LABELS_ASSOCIATION = "LabelsAssociation"
    CALL = "Call"


class Business(ApiModel):
    """Who the business is; feeds the WhatsApp profile and travels to the AI with each message."""

    id: (
        Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[-._a-zA-Z0-9]+$")] | None
    ) = Field(
        None,
        description="The platform's id of the business; travels in webhook headers. Immutable once set."
        " Left out: no id is sent.",
    )
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="Name that customers know; becomes the WhatsApp profile name (its first 25 characters)."
    )
    description: Annotated[str, StringConstraints(max_length=512)] | None = Field(
        None, description="What the business does, for people and for the AI. Left out: nothing is said."
    )
    about: Annotated[str, StringConstraints(max_length=139)] | None = Field(
        None, description="WhatsApp about line, at most 139 characters. Left out: the line is left as it is."
    )
    category: Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")] | None = Field(
        None, description="Category on the platform, such as food_hospitality. Left out: none."
    )
    languages: Annotated[list[LanguageTag], Field(min_length=1, max_length=16)] | None = Field(
        None,
        description="BCP 47 tags of the languages the business speaks; the first is the default."
        " Left out: the AI decides.",
        json_schema_extra=list_set(),
    )
    time_zone: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")] | None = Field(
        None, description="IANA time zone, such as Europe/Riga. Left out: UTC."
    )
    email: Annotated[str, StringConstraints(max_length=128, pattern=r"^[^@\s]+@[^@\s]+$")] | None = Field(
        None, description="Address for customers' mail. Left out: none."
    )
    websites: Annotated[list[HttpUrl], Field(max_length=2)] | None = Field(
        None, description="Up to two web sites. Left out: none.", json_schema_extra=list_set()
    )
    address: Annotated[str, StringConstraints(max_length=256)] | None = Field(
        None, description="Street address for customers. Left out: none."
    )


class Regulatory(ApiModel):
    """Papers that a country may ask for; their ids at the provider."""

    address_sid: Annotated[str, StringConstraints(max_length=34, pattern=r"^AD[0-9a-fA-F]{32}$")] | None = (
        Field(
            None, description="Address on file at Twilio. Left out: numbers that demand one are not chosen."
        )
    )
    bundle_sid: Annotated[str, StringConstraints(max_length=34, pattern=r"^BU[0-9a-fA-F]{32}$")] | None = (
        Field(None, description="Approved regulatory bundle at Twilio. Left out: none is sent.")
    )


class PhoneNumber(ApiModel):
    """The number the business is called and written on."""

    country: CountryCode = Field(
        description="ISO 3166-1 alpha-2 code in capitals, such as LV."
        " Immutable while the tenant has a number."
    )
    type: NumberType = Field(description="Kind of number. Immutable while the tenant has a number.")
    capabilities: Annotated[list[Capability], Field(max_length=2)] | None = Field(
        None,
        description="What the number must be able to do when it is chosen. Left out: Voice and SMS.",
        json_schema_extra=list_set(),
    )
    pattern: Annotated[str, StringConstraints(max_length=20, pattern=r"^\+?[0-9*]+$")] | None = Field(
        None, description="Wish for the digits when the number is chosen, * for any. Left out: any number."
    )
    number: E164 | None = Field(
        None,
        description="Take over this number, which an account owns already; nothing is bought. It must carry no"
        " other tenant's or cluster's mark. Left out: a number is bought. Once the tenant has a number it must"
        " be that one.",
    )
    provider_ref: ObjectReference | None = Field(
        None,
        description="PhoneProvider to buy from. Left out: those that serve the country, by priority.",
    )
    max_monthly_cost: Annotated[list[Money], Field(min_length=1, max_length=8)] | None = Field(
        None,
        description="Ceilings of the monthly price, one a currency. A price in another currency or an unknown"
        " price is refused. Left out: no ceiling.",
        json_schema_extra=list_map("currency"),
    )
    regulatory: Regulatory | None = Field(None, description="Papers for regulated countries. Left out: none.")
    deletion_policy: DeletionPolicy | None = Field(
        None,
        description="What becomes of the number when the tenant is deleted: Retain keeps and silences it,"
        " Release gives it back for good. Left out: Retain. Removing the block always means Retain.",
    )


class InstanceSettings(ApiModel):
    """Behaviour of the instance; what is left out is false (callMessage: empty)."""

    reject_calls: bool | None = Field(None, description="Reject WhatsApp calls. Left out: false.")
    call_message: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="Text sent to a rejected caller, at most 100 characters. Left out: none."
    )
    ignore_groups: bool | None = Field(None, description="Ignore group messages. Left out: false.")
    always_online: bool | None = Field(None, description="Always show as online. Left out: false.")
    read_messages: bool | None = Field(None, description="Mark messages as read. Left out: false.")
    read_status: bool | None = Field(None, description="Mark status posts as seen. Left out: false.")
    sync_full_history: bool | None = Field(
        None, description="Load the whole history after pairing. Left out: false."
    )


class Profile(ApiModel):
    """The WhatsApp profile."""

    manage: bool | None = Field(
        None,
        description="Write the profile from the business block. Baileys: name and about line; the picture is never"
        " touched, because setting it makes the session replace itself for ever. CloudAPI: about, description,"
        " address, email, websites and the category's vertical; what the block leaves out stays as it is at Meta."
        " Left out: false.",
    )


class WhatsApp(ApiModel):
    """The WhatsApp side of the business: one instance on an Evolution server."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.channel != 'CloudAPI' || has(self.cloudAPI)",
                "spec.whatsapp.cloudAPI is needed with channel CloudAPI",
            ),
            (
                "self.channel == 'CloudAPI' || !has(self.cloudAPI)",
                "spec.whatsapp.cloudAPI goes with channel CloudAPI only",
            ),
            (
                "self.channel == 'CloudAPI' || !has(self.templates)",
                "spec.whatsapp.templates go with channel CloudAPI only",
            ),
            (
                (
                    "self.channel != 'CloudAPI' || !has(self.settings) || !(has(self.settings.rejectCalls)"
                    " || has(self.settings.callMessage) || has(self.settings.ignoreGroups)"
                    " || has(self.settings.alwaysOnline) || has(self.settings.readStatus)"
                    " || has(self.settings.syncFullHistory))"
                ),
                "spec.whatsapp.settings: channel CloudAPI knows readMessages only; remove the others",
            ),
        )
    )

    channel: Channel = Field(
        description="Baileys (pairing by QR or code), CloudAPI (Meta's Cloud API) or Evolution (test channel without"
        " WhatsApp). Immutable."
    )
    number: PairedNumber | None = Field(
        None,
        description="Which number may be paired: Tenant (only spec.phoneNumber's) or Any. Left out: Tenant"
        " where there is a phoneNumber block, else Any.",
    )
    cloud_api: CloudAPI | None = Field(
        None, description="The number at Meta. Needed with channel CloudAPI, and only there."
    )
    region: (
        Annotated[str, StringConstraints(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None
    ) = Field(None, description="Place the instance on a server of this region. Left out: any region.")
    server_ref: ObjectReference | None = Field(
        None,
        description="Server to place the instance on. Left out: one with room is chosen, and kept."
        " A later change moves nothing by itself.",
    )
    instance_name: (
        Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[-._ a-zA-Z0-9]+$")] | None
    ) = Field(
        None,
        description="Take over this instance, which a server has already; none is created. Left out: a new one"
        " gets a name made of the tenant's.",
    )
    settings: InstanceSettings | None = Field(
        None, description="Behaviour of the instance. Left out: all off."
    )
    profile: Profile | None = Field(
        None, description="What to do with the WhatsApp profile. Left out: nothing."
    )
    templates: Annotated[list[MessageTemplate], Field(max_length=50)] | None = Field(
        None,
        description="Message templates, with channel CloudAPI only. One that is taken out of the list is deleted at"
        " Meta, which keeps its name for weeks. Left out: none.",
        json_schema_extra=list_map("name", "language"),
    )
    deletion_policy: InstanceDeletionPolicy | None = Field(
        None,
        description="What becomes of the instance when the tenant is deleted: Retain keeps it silent with its"
        " pairing, and message templates stay at Meta; Delete removes it and the tenant's templates."
        " Left out: Retain. Removing the block always means Retain.",
    )


class Webhook(ApiModel):
    """Messages go to an HTTP endpoint of the platform."""

    url: HttpUrl | None = Field(
        None, description="Endpoint for the instance's events. Left out: the server's defaultWebhook."
    )
    events: Annotated[list[WebhookEvent], Field(min_length=1, max_length=17)] | None = Field(
        None, description="Events to send. Left out: MessagesUpsert.", json_schema_extra=list_set()
    )
    auth_secret_ref: SecretKeyReference | None = Field(
        None,
        description="Value of the Authorization header, such as `Bearer abc`. Left out: no such header.",
    )


class Voice(ApiModel):
    """Calls to the number."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.route != 'Webhook' || has(self.url)", "spec.ai.voice.url is needed with route Webhook"),
            (
                "self.route == 'Webhook' || (!has(self.url) && !has(self.fallbackURL))",
                "spec.ai.voice: url and fallbackURL belong to route Webhook",
            ),
            (
                "(self.route == 'Forward') == has(self.forwardTo)",
                "spec.ai.voice.forwardTo is needed with route Forward, and goes with no other",
            ),
        )
    )

    route: VoiceRoute = Field(
        description="None (calls are not answered), Webhook or Forward. Forward works with numbers at Vonage; Twilio"
        " forwards only by instructions hosted somewhere, so there use Webhook and answer with a Dial."
    )
    url: HttpUrl | None = Field(
        None,
        description="Endpoint asked when a call comes in; tenant=<namespace>/<name> is added to its query."
        " Needed with route Webhook.",
    )
    forward_to: E164 | None = Field(
        None, description="Number that calls are forwarded to. Needed with route Forward."
    )
    fallback_url: HttpUrl | None = Field(None, description="Endpoint asked when url fails. Left out: none.")
    status_callback_url: HttpUrl | None = Field(
        None, description="Endpoint told of the progress of calls. Left out: none."
    )


class Sms(ApiModel):
    """SMS to the number."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.route != 'Webhook' || has(self.url)", "spec.ai.sms.url is needed with route Webhook"),
            (
                "self.route == 'Webhook' || (!has(self.url) && !has(self.fallbackURL))",
                "spec.ai.sms: url and fallbackURL belong to route Webhook",
            ),
        )
    )

    route: SmsRoute = Field(description="None (SMS are not answered) or Webhook.")
    url: HttpUrl | None = Field(
        None,
        description="Endpoint asked when an SMS comes in; tenant=<namespace>/<name> is added to its query."
        " Needed with Webhook.",
    )
    fallback_url: HttpUrl | None = Field(None, description="Endpoint asked when url fails. Left out: none.")


class Ai(ApiModel):
    """Who answers messages, calls and SMS."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.route == 'Webhook' || !has(self.webhook)",
                "spec.ai.webhook belongs to route Webhook; only the block of the chosen route may be given",
            ),
            *only_matching_block(),
        )
    )

    route: MessageRoute = Field(
        description="Who answers messages: None, Webhook (an endpoint of the platform), or the AI that Evolution"
        " asks by itself: OpenAI, Dify, Typebot, Flowise, N8N, EvoAI or EvolutionBot."
    )
    webhook: Webhook | None = Field(
        None, description="With route Webhook: where messages go. Left out: the server's defaultWebhook."
    )
    open_ai: OpenAI | None = Field(
        None, description="Needed with route OpenAI. Left out: with another route."
    )
    dify: Dify | None = Field(None, description="Needed with route Dify. Left out: with another route.")
    typebot: Typebot | None = Field(
        None, description="Needed with route Typebot. Left out: with another route."
    )
    flowise: Flowise | None = Field(
        None, description="Needed with route Flowise. Left out: with another route."
    )
    n8n: N8N | None = Field(None, description="Needed with route N8N. Left out: with another route.")
    evo_ai: EvoAI | None = Field(None, description="Needed with route EvoAI. Left out: with another route.")
    evolution_bot: EvolutionBot | None = Field(
        None, description="Needed with route EvolutionBot. Left out: with another route."
    )
    trigger: Trigger | None = Field(
        None, description="What begins a conversation with the bot. Left out: any message."
    )
    session: Session | None = Field(
        None, description="How the bot holds a conversation. Left out: as each field says."
    )
    context: Context | None = Field(
        None,
        description="What the AI must know of the business, at most 32,768 characters. Left out: only the business"
        " block and contextConfigMapRef.",
    )
    context_config_map_ref: ConfigMapKeyReference | None = Field(
        None,
        description="More to know, from a ConfigMap in the tenant's namespace, at most 32,768 characters; a change"
        " is noticed by itself. Left out: none.",
    )
    features: Annotated[list[Feature], Field(max_length=32)] | None = Field(
        None,
        description="What the AI may do for this business, such as menu or reservations; travels in webhook"
        " headers. Left out: none.",
        json_schema_extra=list_set(),
    )
    voice: Voice | None = Field(None, description="Calls to the number. Left out: route None.")
    sms: Sms | None = Field(None, description="SMS to the number. Left out: route None.")

    @model_validator(mode="after")
    def _block_of_route(self) -> Self:
        """Also an object stored without the rules above must not lose its old routing for want of the block."""
        name = BLOCKS.get(self.route)
        if name is not None and getattr(self, _FIELDS[name]) is None:
            raise ValueError(f"{name} is needed with route {self.route.value}")
        return self


# Fields of `Ai` by their names on the wire.
_FIELDS: Final = {field.alias: name for name, field in Ai.model_fields.items()}


class BusinessTenantSpec(ApiModel):
    """What the business asks for."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "!has(self.ai) || !has(self.ai.voice) || self.ai.voice.route == 'None'"
                    " || has(self.phoneNumber)"
                ),
                "spec.ai.voice needs spec.phoneNumber: without a number there are no calls",
            ),
            (
                (
                    "!has(self.ai) || !has(self.ai.sms) || self.ai.sms.route == 'None'"
                    " || has(self.phoneNumber)"
                ),
                "spec.ai.sms needs spec.phoneNumber: without a number there are no SMS",
            ),
            (
                "!has(self.ai) || self.ai.route == 'None' || has(self.whatsapp)",
                "spec.ai.route needs spec.whatsapp: without an instance there are no messages",
            ),
            (
                (
                    "!has(self.whatsapp) || !has(self.whatsapp.number) || self.whatsapp.number != 'Tenant'"
                    " || has(self.phoneNumber)"
                ),
                "spec.whatsapp.number: Tenant needs spec.phoneNumber",
            ),
            (
                (
                    # An object from before the schema may lack the block; its status and finalizers must stay writable.
                    "!has(oldSelf.business) || !has(oldSelf.business.id)"
                    " || (has(self.business.id) && self.business.id == oldSelf.business.id)"
                ),
                "spec.business.id is immutable once set",
            ),
        )
    )

    business: Business = Field(description="Who the business is.")
    phone_number: PhoneNumber | None = Field(
        None, description="The business's number. Left out: none of ours. Removing it later means Retain."
    )
    whatsapp: WhatsApp | None = Field(
        None, description="The business's WhatsApp. Left out: none. Removing it later means Retain."
    )
    ai: Ai | None = Field(None, description="Who answers. Left out: nobody.")
    management_policy: ManagementPolicy | None = Field(
        None,
        description="Full, or Observe: nothing is changed and status.plan says what would be."
        " Left out: Full.",
    )
    paused: bool | None = Field(None, description="Stop reconciling; a deletion waits too. Left out: false.")


class BusinessTenant(ApiModel):
    """One business: phone number, WhatsApp instance and profile, and the AI that answers."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            # Root rules against status, because `self == oldSelf` on the field does not survive
            # removing the block and adding it again (measured).
            (
                (
                    "!has(self.status) || !has(self.status.phoneNumber)"
                    " || !has(self.status.phoneNumber.country) || !has(self.spec.phoneNumber)"
                    " || self.spec.phoneNumber.country == self.status.phoneNumber.country"
                ),
                "spec.phoneNumber.country is immutable: the tenant has a number in another country",
            ),
            (
                (
                    "!has(self.status) || !has(self.status.phoneNumber)"
                    " || !has(self.status.phoneNumber.type) || !has(self.spec.phoneNumber)"
                    " || self.spec.phoneNumber.type == self.status.phoneNumber.type"
                ),
                "spec.phoneNumber.type is immutable: the tenant has a number of another type",
            ),
            (
                (
                    "!has(self.status) || !has(self.status.instance) || !has(self.status.instance.channel)"
                    " || !has(self.spec.whatsapp)"
                    " || self.spec.whatsapp.channel == self.status.instance.channel"
                ),
                "spec.whatsapp.channel is immutable: the tenant has an instance of another channel",
            ),
        )
    )

    spec: BusinessTenantSpec = Field(description="What the business asks for.")
    status: BusinessTenantStatus | None = Field(
        None, description="What the operator observed and did. Written by the operator only."
    )


def _column(name: str, path: str, priority: int = 0, type_: str = "string") -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": type_, "jsonPath": path}
    if priority:
        column["priority"] = priority
    return column


SHORT_NAMES: Final = ("bt",)
PRINTER_COLUMNS: Final = (
    _column("Phase", ".status.phase"),
    _column("Number", ".status.phoneNumber.number"),
    _column("WhatsApp", ".status.instance.state"),
    _column("AI", ".status.routing.route"),
    _column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    _column("Age", ".metadata.creationTimestamp", type_="date"),
    _column("Provider", ".status.phoneNumber.provider", 1),
    _column("Cost", ".status.phoneNumber.monthlyCostText", 1),
    _column("Server", ".status.instance.server", 1),
    _column("Message", ".status.message", 1),
)
