"""Every condition type and every reason, each with what it means and what a person can do about it.

The reference page of reasons is generated from this module; no other place may invent a reason.
"""

from enum import Enum, StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from controller.api.common_fields import ApiModel, Timestamp


class ConditionType(StrEnum):
    """Condition types. Reconciling, Stalled and Deleting are present only while they are True."""

    READY = "Ready"
    NUMBER_READY = "NumberReady"
    INSTANCE_READY = "InstanceReady"
    WHATSAPP_CONNECTED = "WhatsAppConnected"
    PROFILE_SYNCED = "ProfileSynced"
    TEMPLATES_READY = "TemplatesReady"
    ROUTING_READY = "RoutingReady"
    PAUSED = "Paused"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    DELETING = "Deleting"


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Audience(StrEnum):
    """Who can move a condition with this reason forward."""

    NOBODY = "nobody"  # all is as wanted
    OPERATOR = "operator"  # we are at it, or retry by ourselves
    PERSON = "person"  # a normal wait for somebody outside the spec: scan, registration, approval
    AUTHOR = "author"  # the spec, a referent or an outside account must be mended: Stalled


class Reason(Enum):
    """A reason: its text in conditions, who is to act, what it means and what to do."""

    def __init__(self, text: str, audience: Audience, meaning: str, remedy: str) -> None:
        self.text = text
        self.audience = audience
        self.meaning = meaning
        self.remedy = remedy

    def __str__(self) -> str:
        return self.text

    # --- all is as wanted
    LIVE = ("Live", Audience.NOBODY, "Everything the spec asks for is in place and verified.", "Nothing.")
    NOT_REQUESTED = (
        "NotRequested",
        Audience.NOBODY,
        "The spec leaves this part out, so there is nothing to do.",
        "Nothing; add the block to the spec to have it.",
    )
    AVAILABLE = ("Available", Audience.NOBODY, "The outside object exists and is set as wanted.", "Nothing.")
    CONNECTED = ("Connected", Audience.NOBODY, "WhatsApp is connected on the right number.", "Nothing.")
    SYNCED = ("Synced", Audience.NOBODY, "What was last applied is what the spec asks for.", "Nothing.")
    VERIFIED = ("Verified", Audience.NOBODY, "The route was read back and is as wanted.", "Nothing.")
    NOT_PAUSED = ("NotPaused", Audience.NOBODY, "The tenant is reconciled normally.", "Nothing.")
    NOT_AS_REQUESTED = (
        "NotAsRequested",
        Audience.NOBODY,
        (
            "The number works, but a wish of the spec (provider, pattern, capabilities, cost) changed after"
            " it was chosen and does not fit it. Numbers are never exchanged by themselves."
        ),
        (
            "Put the wish back, or release the number on purpose by deleting the tenant with deletionPolicy"
            " Release."
        ),
    )

    # --- the operator is at it
    PROGRESSING = (
        "Progressing",
        Audience.OPERATOR,
        "Changes are being made to reach the spec.",
        "Wait; the facet conditions say which step is under way.",
    )
    SEARCHING_EXISTING = (
        "SearchingExisting",
        Audience.OPERATOR,
        (
            "Nothing is bought or placed until every account or server that could already hold this tenant's"
            " number or instance has been listed completely."
        ),
        "Wait. If an account or server named in the message is gone for good, set spec.lost: true on it.",
    )
    PURCHASING = ("Purchasing", Audience.OPERATOR, "A number was chosen and is being bought.", "Wait.")
    CONFIGURING = ("Configuring", Audience.OPERATOR, "A setting is being written.", "Wait.")
    CREATING = ("Creating", Audience.OPERATOR, "The instance is being created.", "Wait.")
    CONNECTING = (
        "Connecting",
        Audience.OPERATOR,
        "The instance is paired and WhatsApp is being reached again.",
        "Wait; Evolution reconnects by itself.",
    )
    WAITING_FOR_NUMBER = (
        "WaitingForNumber",
        Audience.OPERATOR,
        "This step needs the tenant's phone number first.",
        "See the NumberReady condition.",
    )
    WAITING_FOR_INSTANCE = (
        "WaitingForInstance",
        Audience.OPERATOR,
        "This step needs the tenant's instance first.",
        "See the InstanceReady condition.",
    )
    WAITING_FOR_CONNECTION = (
        "WaitingForConnection",
        Audience.OPERATOR,
        "The profile can be written only while WhatsApp is connected.",
        "See the WhatsAppConnected condition.",
    )
    PROVIDER_UNAVAILABLE = (
        "ProviderUnavailable",
        Audience.OPERATOR,
        "The telephony provider fails, is too slow or limits us; it is asked again with back-off.",
        "Usually nothing. Look at the PhoneProvider's Ready condition if it lasts.",
    )
    SERVER_UNAVAILABLE = (
        "ServerUnavailable",
        Audience.OPERATOR,
        "The Evolution server fails or is too slow; it is asked again with back-off.",
        "Usually nothing. Look at the EvolutionServer's Ready condition if it lasts.",
    )
    META_UNAVAILABLE = (
        "MetaUnavailable",
        Audience.OPERATOR,
        "Meta's Graph API fails, is too slow or limits us; it is asked again with back-off.",
        "Usually nothing. If it lasts, look at Meta's status page and the app's rate limits.",
    )
    WAITING_FOR_PROVIDER = (
        "WaitingForProvider",
        Audience.OPERATOR,
        "The PhoneProvider that this tenant needs is not ready.",
        "Look at that PhoneProvider's Ready condition; the tenant goes on when it is mended.",
    )
    WAITING_FOR_SERVER = (
        "WaitingForServer",
        Audience.OPERATOR,
        "The EvolutionServer that this tenant needs is not ready.",
        "Look at that EvolutionServer's Ready condition; the tenant goes on when it is mended.",
    )
    MASS_DISAPPEARANCE = (
        "MassDisappearance",
        Audience.OPERATOR,
        (
            "More than 5 % of the server's instances were gone at once. Nothing is re-created, because that"
            " is far more often a server that lost its database than instances that were deleted."
        ),
        (
            "Check the server's database. When the loss is real and final, set spec.lost: true, then false"
            " again."
        ),
    )
    WHATSAPP_UNREACHABLE = (
        "WhatsAppUnreachable",
        Audience.OPERATOR,
        (
            "Most of the server's paired instances have lost WhatsApp at the same time and reconnect without pause:"
            " the server cannot reach WhatsApp. Nothing is done to them; they heal by themselves."
        ),
        (
            "Check the server's way out to web.whatsapp.com. If it lasts, restart the server: reconnecting eats"
            " its CPU."
        ),
    )
    RETAINING = (
        "Retaining",
        Audience.OPERATOR,
        "The tenant is being deleted; number and instance are silenced, marked as released and kept.",
        "Wait; after ten minutes of an unreachable provider the object goes and an event says what was left.",
    )
    RELEASING = ("Releasing", Audience.OPERATOR, "The number is being given back as the spec asks.", "Wait.")
    DELETING_INSTANCE = (
        "DeletingInstance",
        Audience.OPERATOR,
        "The instance was told to go and is looked for until it is gone.",
        "Wait.",
    )
    UNEXPECTED_ERROR = (
        "UnexpectedError",
        Audience.OPERATOR,
        "Something failed in a way that the operator does not know; it tries again with back-off.",
        "If it lasts, the operator's log has the trace under this tenant's name.",
    )

    # --- a normal wait for a person
    PAUSED = (
        "Paused",
        Audience.PERSON,
        (
            "Reconciliation is paused by spec.paused or the annotation; nothing is changed, a deletion waits"
            " too."
        ),
        "Unset what the message names.",
    )
    OBSERVE_ONLY = (
        "ObserveOnly",
        Audience.PERSON,
        (
            "managementPolicy is Observe and the world differs from the spec; status.plan lists what would be"
            " done."
        ),
        "Set managementPolicy: Full to have it done.",
    )
    WAITING_FOR_PAIRING = (
        "WaitingForPairing",
        Audience.PERSON,
        "WhatsApp waits for a person to pair the tenant's phone by QR or pairing code.",
        "Ask for a code (docs/pairing.md), then on the phone: WhatsApp > Linked devices > Link a device.",
    )
    PAIRING_TIMED_OUT = (
        "PairingTimedOut",
        Audience.PERSON,
        (
            "Nobody paired the instance within the server's sessionTimeout; the operator stopped refreshing"
            " the code."
        ),
        "Ask for a code again (docs/pairing.md): that starts a new pairing.",
    )
    APPROVAL_REQUIRED = (
        "ApprovalRequired",
        Audience.PERSON,
        (
            "More than five irreversible acts within an hour were asked of this provider or server, so this"
            " one waits."
        ),
        (
            "Wait for the hour to pass, or set the annotation x-sevenai.com/approve-release to what the"
            " message names."
        ),
    )
    WAITING_FOR_APPROVAL = (
        "WaitingForApproval",
        Audience.PERSON,
        "The provider or Meta reviews something that this step needs, such as a regulatory bundle.",
        "Wait: such a review takes hours or days, and its end is noticed by itself.",
    )
    REGISTER_NUMBER_AT_META = (
        "RegisterNumberAtMeta",
        Audience.PERSON,
        "Channel CloudAPI waits until a person has registered the business's number at Meta.",
        (
            "Register the number in Meta Business Manager, and put its phone number id into"
            " spec.whatsapp.cloudAPI.phoneNumberID."
        ),
    )
    TEMPLATE_NAME_BLOCKED = (
        "TemplateNameBlocked",
        Audience.PERSON,
        "Meta keeps name and language of a deleted message template for about 30 days.",
        "Wait: it is sent again by itself, once a day; or give the template another name.",
    )
    NEEDS_HUMAN = (
        "NeedsHuman",
        Audience.PERSON,
        "The operator cannot know whether it may go on without touching what belongs to somebody else.",
        "Do what the message says.",
    )

    # --- the spec, a referent or an account must be mended
    SECRET_NOT_FOUND = (
        "SecretNotFound",
        Audience.AUTHOR,
        "A Secret that the spec names does not exist, or lacks the key.",
        "Create the Secret with the key that the message names; it is noticed by itself.",
    )
    TOKEN_TOO_LONG = (
        "TokenTooLong",
        Audience.AUTHOR,
        (
            "Meta's access token is longer than Evolution 2.3 can store (255 characters). An instance that was deleted"
            " for it could not be created again, so nothing is touched."
        ),
        "Have a shorter token issued, such as a system user's.",
    )
    PROVIDER_NOT_FOUND = (
        "ProviderNotFound",
        Audience.AUTHOR,
        "No PhoneProvider of the name given exists, or none serves the country.",
        "Create it or correct spec.phoneNumber.providerRef.",
    )
    SERVER_NOT_FOUND = (
        "ServerNotFound",
        Audience.AUTHOR,
        "No EvolutionServer of the name given exists, or none serves the region.",
        "Create it or correct spec.whatsapp.serverRef.",
    )
    NO_ROOM = (
        "NoRoom",
        Audience.AUTHOR,
        "Every EvolutionServer that fits is full or not schedulable.",
        "Add a server, or raise spec.maxInstances where there is room.",
    )
    NO_NUMBER_FOR_SALE = (
        "NoNumberForSale",
        Audience.AUTHOR,
        "No provider sells a number of this country, type and capabilities now.",
        "Loosen type, pattern or capabilities, or add a PhoneProvider; sale is checked again by itself.",
    )
    TOO_EXPENSIVE = (
        "TooExpensive",
        Audience.AUTHOR,
        "The price is above maxMonthlyCost, or unknown, and an unknown price is above any ceiling.",
        "Raise spec.phoneNumber.maxMonthlyCost or choose another type.",
    )
    PRICE_NOT_COMPARABLE = (
        "PriceNotComparable",
        Audience.AUTHOR,
        "The price is in a currency for which maxMonthlyCost names no ceiling.",
        "Add a ceiling in that currency.",
    )
    BUDGET_REACHED = (
        "BudgetReached",
        Audience.AUTHOR,
        "Another number would exceed spec.budget of every PhoneProvider that could sell it.",
        "Raise the budget that the message names, or release numbers that are no longer needed.",
    )
    NAMESPACE_NOT_ALLOWED = (
        "NamespaceNotAllowed",
        Audience.AUTHOR,
        "spec.allowedNamespaces of the provider or server leaves the tenant's namespace out.",
        "Label the namespace as the selector asks, or widen the selector; it is noticed by itself.",
    )
    ADDRESS_REQUIRED = (
        "AddressRequired",
        Audience.AUTHOR,
        "The country's rules ask for an address with this number.",
        "Put the provider's address id into spec.phoneNumber.regulatory.addressSID.",
    )
    BUNDLE_REQUIRED = (
        "BundleRequired",
        Audience.AUTHOR,
        "The country's rules ask for an approved regulatory bundle with this number.",
        "Have the bundle approved at the provider and name it in spec.phoneNumber.regulatory.bundleSID.",
    )
    NUMBER_NOT_OWNED = (
        "NumberNotOwned",
        Audience.AUTHOR,
        "spec.phoneNumber.number names a number that no account owns. Taking over never buys.",
        "Have the number moved into the account, or leave the field out to buy another.",
    )
    NUMBER_DOES_NOT_FIT = (
        "NumberDoesNotFit",
        Audience.AUTHOR,
        "The number that spec.phoneNumber.number names is of another country or type than the spec says.",
        "Correct spec.phoneNumber.country and type.",
    )
    INSTANCE_NOT_FOUND = (
        "InstanceNotFound",
        Audience.AUTHOR,
        "spec.whatsapp.instanceName names an instance that no server has. Taking over never creates one.",
        "Correct the name, or leave the field out to have a new instance.",
    )
    NUMBER_LOST = (
        "NumberLost",
        Audience.AUTHOR,
        "The number is no longer in the provider's account. Another is never bought by itself.",
        "Follow the runbook: restore it at the provider, or approve a replacement.",
    )
    WRONG_NUMBER = (
        "WrongNumber",
        Audience.AUTHOR,
        "The instance is paired with another WhatsApp number than the tenant's, so it gets no routing.",
        "Unlink the device on that phone and pair the right one, or set whatsapp.number: Any.",
    )
    NAME_TAKEN = (
        "NameTaken",
        Audience.AUTHOR,
        "The outside object this tenant needs belongs to another tenant, cluster or owner.",
        "Do what the message says; nothing of others is ever touched.",
    )
    WRONG_CREDENTIALS = (
        "WrongCredentials",
        Audience.AUTHOR,
        "The outside system refuses the credentials.",
        "Mend the Secret that the message names; it is noticed by itself.",
    )
    API_KEY_IN_USE = (
        "APIKeyInUse",
        Audience.AUTHOR,
        (
            "The OpenAI key is registered already in the Evolution server's database, by this or another"
            " instance. Evolution allows one OpenAI key only once per database."
        ),
        "Give every tenant an OpenAI key of its own.",
    )
    REFUSED = (
        "Refused",
        Audience.AUTHOR,
        "The outside system refuses the request as it stands; repeating it would not help.",
        "Change what the message names.",
    )
    TEMPLATE_REJECTED = (
        "TemplateRejected",
        Audience.AUTHOR,
        "Meta rejected, paused or disabled a message template, or does not take it as it is written.",
        "Change the template as Meta's words in the message and in status.templates ask; it is reviewed again.",
    )
    NO_WEBHOOK_URL = (
        "NoWebhookURL",
        Audience.AUTHOR,
        "The route is Webhook, but neither the tenant nor its server names a URL.",
        "Set spec.ai.webhook.url, or spec.defaultWebhook on the EvolutionServer.",
    )
    CONFIG_MAP_NOT_FOUND = (
        "ConfigMapNotFound",
        Audience.AUTHOR,
        "The ConfigMap that spec.ai.contextConfigMapRef names does not exist, or lacks the key.",
        "Create the ConfigMap with the key that the message names; it is noticed by itself.",
    )
    CONTEXT_TOO_LONG = (
        "ContextTooLong",
        Audience.AUTHOR,
        "The context in the ConfigMap is longer than what an AI is given. The routing stays as it was.",
        "Shorten it to 32,768 characters; it is noticed by itself.",
    )
    OTHER_BOT_ANSWERS = (
        "OtherBotAnswers",
        Audience.AUTHOR,
        (
            "A bot that the operator did not make answers every message on the instance, so that customers would be"
            " answered twice. Nothing is switched while it does."
        ),
        "Disable or delete the bot that the message names; it is looked at again within minutes.",
    )
    FORWARD_UNSUPPORTED = (
        "ForwardUnsupported",
        Audience.AUTHOR,
        (
            "Calls are to be forwarded, but the number is at a provider that forwards only by instructions hosted"
            " somewhere (Twilio)."
        ),
        "Use voice route Webhook with an endpoint that answers with a Dial, or a number at Vonage.",
    )
    WEBHOOK_NOT_ANSWERING = (
        "WebhookNotAnswering",
        Audience.AUTHOR,
        (
            "The provider asks the webhook by GET before it takes its URL, and refuses it unless the answer is"
            " 200. Vonage does so with SMS URLs."
        ),
        "Make the webhook answer GET with 200, or correct its URL in the spec; it is tried again by itself.",
    )
    CONTENDED = (
        "Contended",
        Audience.AUTHOR,
        "Somebody else keeps changing the field back: it was repaired three times within an hour.",
        "Find the other writer; the operator stopped repairing it and looks again after an hour.",
    )
    LICENSE_REQUIRED = (
        "LicenseRequired",
        Audience.AUTHOR,
        "The Evolution server answers that it is not activated (2.4 and later).",
        "Activate the server, or run 2.3.7.",
    )
    FORBIDDEN = (
        "Forbidden",
        Audience.AUTHOR,
        "The Kubernetes API server refuses the operator something that it needs in the tenant's namespace.",
        "Give the operator the role that the message names.",
    )
    INVALID_SPEC = (
        "InvalidSpec",
        Audience.AUTHOR,
        "The object does not parse; it was stored under an older schema or without validation.",
        "Correct the field that the message names.",
    )
    UNSUPPORTED_CHANNEL = (
        "UnsupportedOnChannel",
        Audience.NOBODY,
        "This part does not exist on the tenant's channel.",
        "Nothing.",
    )


class Condition(ApiModel):
    """One condition of an object."""

    type: Annotated[str, StringConstraints(max_length=63)] = Field(description="Name of the condition.")
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: Annotated[str, StringConstraints(max_length=63)] = Field(description="One word for programs.")
    message: Annotated[str, StringConstraints(max_length=1024)] = Field(description="A sentence for people.")
    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Generation of the spec that this condition speaks of."
    )
    last_transition_time: Timestamp = Field(description="When status last changed.")
