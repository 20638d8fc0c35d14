"""`PhoneProvider`: one account at a telephony provider."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints

from controller.api.common_fields import (
    E164,
    AllowedNamespaces,
    ApiModel,
    ClientLimits,
    CountryCode,
    Duration,
    HttpUrl,
    Identifier,
    MarkText,
    Money,
    ObjectName,
    SecretKey,
    Timestamp,
    list_atomic,
    list_map,
    list_set,
    rules,
)
from controller.api.conditions import Condition


class PhoneProviderType(StrEnum):
    TWILIO = "Twilio"
    VONAGE = "Vonage"


class TwilioCredentials(ApiModel):
    """Secret in the operator's namespace with the account's credentials."""

    name: ObjectName = Field(description="Name of the Secret.")
    auth_token_key: SecretKey | None = Field(None, description="Key of the auth token. Left out: authToken.")
    api_key_sid_key: SecretKey | None = Field(
        None, description="Key of an API key's SID, used instead of the auth token. Left out: none."
    )
    api_key_secret_key: SecretKey | None = Field(
        None, description="Key of that API key's secret. Left out: none."
    )


class TwilioAccount(ApiModel):
    """A Twilio account or subaccount."""

    account_sid: Annotated[str, StringConstraints(max_length=34, pattern=r"^AC[0-9a-fA-F]{32}$")] = Field(
        description="SID of the account or subaccount that owns the numbers. Immutable.",
        json_schema_extra=rules(("self == oldSelf", "spec.twilio.accountSID is immutable")),
    )
    credentials_secret_ref: TwilioCredentials = Field(description="Where the credentials are.")


class VonageCredentials(ApiModel):
    """Secret in the operator's namespace with the account's credentials."""

    name: ObjectName = Field(description="Name of the Secret.")
    api_key_key: SecretKey | None = Field(None, description="Key of the API key. Left out: apiKey.")
    api_secret_key: SecretKey | None = Field(None, description="Key of the API secret. Left out: apiSecret.")


class VonageAccount(ApiModel):
    """A Vonage account or subaccount."""

    api_key: Annotated[str, StringConstraints(max_length=32, pattern=r"^[0-9a-zA-Z]+$")] | None = Field(
        None,
        description="API key of the account that owns the numbers, where it is no secret. Immutable once set."
        " Left out: it is read from the Secret.",
        json_schema_extra=rules(("self == oldSelf", "spec.vonage.apiKey is immutable")),
    )
    credentials_secret_ref: VonageCredentials = Field(description="Where the credentials are.")


class Budget(ApiModel):
    """What the account's numbers may come to; checked before every purchase, over all replicas."""

    max_numbers: Annotated[int, Field(ge=0, le=100000)] | None = Field(
        None,
        description="Numbers of ours in the account at most, those retained without a tenant included."
        " Left out: no bound.",
    )
    max_monthly_cost: Annotated[list[Money], Field(max_length=8)] | None = Field(
        None,
        description="Monthly cost of those numbers at most, by currency. A number whose price is unknown, or in"
        " a currency that is not named, is not bought. Left out: no bound.",
        json_schema_extra=list_map("currency"),
    )
    max_purchases_per_hour: Annotated[int, Field(ge=0, le=10000)] | None = Field(
        None, description="Purchases within any 60 minutes at most. Left out: no bound."
    )


class PhoneProviderSpec(ApiModel):
    """An account and how it may be used."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.type != 'Twilio' || has(self.twilio)", "spec.twilio is needed with type Twilio"),
            ("self.type != 'Vonage' || has(self.vonage)", "spec.vonage is needed with type Vonage"),
            ("self.type == 'Twilio' || !has(self.twilio)", "spec.twilio goes with type Twilio only"),
            ("self.type == 'Vonage' || !has(self.vonage)", "spec.vonage goes with type Vonage only"),
        )
    )

    type: PhoneProviderType = Field(
        description="The provider. Immutable.",
        json_schema_extra=rules(("self == oldSelf", "spec.type is immutable")),
    )
    twilio: TwilioAccount | None = Field(None, description="With type Twilio: the account.")
    vonage: VonageAccount | None = Field(None, description="With type Vonage: the account.")
    countries: Annotated[list[CountryCode], Field(max_length=64)] | None = Field(
        None,
        description="Countries to buy numbers in. Left out or empty: every country the provider sells.",
        json_schema_extra=list_set(),
    )
    priority: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        None, description="Providers with a higher priority are asked first. Left out: 100."
    )
    allowed_namespaces: AllowedNamespaces | None = Field(
        None,
        description="Namespaces whose tenants may be given a number of this account. Tenants keep what they have."
        " Left out: all.",
    )
    budget: Budget | None = Field(
        None,
        description="Bounds on what is bought here; a tenant beyond them waits with BudgetReached."
        " Left out: none.",
    )
    api_base_url: HttpUrl | None = Field(
        None, description="Base URL for tests and private gateways. Left out: the provider's own."
    )
    limits: ClientLimits | None = Field(
        None, description="How much is asked of the account. Left out: 10/s, 8 for Twilio, 1/s, 2 for Vonage."
    )
    poll_interval: Duration | None = Field(
        None, description="How often the account's numbers are listed. Left out: 5m."
    )
    lost: bool | None = Field(
        None,
        description="True: the account is gone for good; do not wait for it when looking for existing"
        " numbers. Left out: false.",
    )

    @property
    def credentials_secret_name(self) -> str | None:
        """Secret with the credentials; None when the block of the type is missing."""
        account = self.twilio if self.type is PhoneProviderType.TWILIO else self.vonage
        return account.credentials_secret_ref.name if account is not None else None

    @property
    def account_name(self) -> str:
        """The account at the provider, as people know it; empty where only the Secret tells."""
        if self.type is PhoneProviderType.TWILIO:
            return self.twilio.account_sid if self.twilio is not None else ""
        return (self.vonage.api_key if self.vonage is not None else None) or ""


class OrphanNumber(ApiModel):
    """A number of ours that no tenant has, or one whose purchase a tenant left undecided when it went."""

    number: E164 = Field(description="The number.")
    mark: MarkText | None = Field(None, description="Its mark. Left out: it carries none.")
    claimed_by: Identifier | None = Field(
        None,
        description="Namespace and name of a tenant that is gone and had begun to buy the number: it may be"
        " ours and cost money. Left out: nobody had.",
    )
    since: Timestamp = Field(description="When it was first seen without a tenant.")


class Reservation(ApiModel):
    """A purchase that the count of the account's numbers does not show yet."""

    number: E164 = Field(description="The number.")
    monthly_cost: Money | None = Field(None, description="Its monthly price. Left out: unknown.")
    at: Timestamp = Field(description="When it was reserved.")


class PurchasesInMinute(ApiModel):
    """How many purchases were begun in one minute."""

    minute: Timestamp = Field(description="The minute.")
    purchases: Annotated[int, Field(ge=1)] = Field(description="How many.")


class Spending(ApiModel):
    """What the budget is held against. Every purchase is entered before it is made, whichever replica makes it."""

    numbers: Annotated[int, Field(ge=0)] = Field(description="Numbers of ours in the account.")
    monthly_cost: Annotated[list[Money], Field(max_length=32)] | None = Field(
        None, description="What they cost a month, by currency.", json_schema_extra=list_map("currency")
    )
    unpriced: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Numbers among them whose price the provider does not tell. Left out: none."
    )
    counted_at: Timestamp = Field(description="When the list began that numbers and cost were counted in.")
    reserved: Annotated[list[Reservation], Field(max_length=256)] | None = Field(
        None, description="Purchases begun since.", json_schema_extra=list_map("number")
    )
    recent_purchases: Annotated[list[PurchasesInMinute], Field(max_length=64)] | None = Field(
        None, description="Purchases begun in the last hour.", json_schema_extra=list_map("minute")
    )


class IrreversibleAct(ApiModel):
    """One irreversible act of the last hour; the brake counts them."""

    what: Annotated[str, StringConstraints(max_length=63)] = Field(description="What was done.")
    name: Identifier = Field(description="To what.")
    at: Timestamp = Field(description="When.")


class PhoneProviderStatus(ApiModel):
    """What the operator observed."""

    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready.", json_schema_extra=list_map("type")
    )
    account: Identifier | None = Field(None, description="Account at the provider.")
    tenants: Annotated[int, Field(ge=0)] | None = Field(None, description="Tenants with a number here.")
    numbers_owned: Annotated[int, Field(ge=0)] | None = Field(None, description="Numbers in the account.")
    numbers_managed: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Numbers with this cluster's mark."
    )
    numbers_unmarked: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Numbers without a mark; never touched."
    )
    orphans: Annotated[list[OrphanNumber], Field(max_length=256)] | None = Field(
        None,
        description="Numbers with our mark and no tenant, and purchases left undecided; never released by themselves.",
        json_schema_extra=list_map("number"),
    )
    spending: Spending | None = Field(None, description="Only with spec.budget.")
    recent_irreversible: Annotated[list[IrreversibleAct], Field(max_length=64)] | None = Field(
        None, description="Irreversible acts of the last hour.", json_schema_extra=list_atomic()
    )
    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Generation of the spec that was last reconciled."
    )


class PhoneProvider(ApiModel):
    """One account at a telephony provider, from which tenants get their numbers."""

    spec: PhoneProviderSpec = Field(description="The account and how it may be used.")
    status: PhoneProviderStatus | None = Field(None, description="What the operator observed.")


SHORT_NAMES: Final = ("pp",)
PRINTER_COLUMNS: Final[tuple[dict[str, Any], ...]] = (
    {"name": "Type", "type": "string", "jsonPath": ".spec.type"},
    {"name": "Account", "type": "string", "jsonPath": ".status.account"},
    {"name": "Tenants", "type": "integer", "jsonPath": ".status.tenants"},
    {"name": "Numbers", "type": "integer", "jsonPath": ".status.numbersOwned"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {
        "name": "Message",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].message',
        "priority": 1,
    },
)
