"""The status of a `BusinessTenant`: what the operator observed and did.

It never holds secrets or customers' text.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from controller.api.common_fields import (
    E164,
    ApiModel,
    CountryCode,
    Identifier,
    Money,
    ObjectReference,
    Text,
    Timestamp,
    list_atomic,
    list_map,
)
from controller.api.conditions import Condition

Word = Annotated[str, StringConstraints(max_length=63)]


class Phase(StrEnum):
    """A word for people; programs read conditions."""

    PENDING = "Pending"
    PROVISIONING = "Provisioning"
    WAITING_FOR_PAIRING = "WaitingForPairing"
    WAITING_FOR_APPROVAL = "WaitingForApproval"
    READY = "Ready"
    DEGRADED = "Degraded"
    STALLED = "Stalled"
    PAUSED = "Paused"
    DELETING = "Deleting"


class NumberOrigin(StrEnum):
    """How the tenant came by its number."""

    PURCHASED = "Purchased"
    ADOPTED = "Adopted"
    TAKEN_BACK = "TakenBack"


class Purchase(ApiModel):
    """The intent to buy one number, written before the purchase and gone after it."""

    candidate: E164 = Field(description="The number that is being bought.")
    provider: Identifier = Field(description="PhoneProvider it is being bought from.")
    generation: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Generation of the spec that the number was chosen for."
    )
    started_at: Timestamp = Field(
        description="When the intent was written; a number created before that was not bought by it."
    )
    absent_at: Timestamp | None = Field(
        None,
        description="When the account was seen not to own the candidate yet. Only with providers that mark a"
        " number after its purchase: an unmarked candidate found later was bought by this very purchase.",
    )


class NumberStatus(ApiModel):
    """The tenant's number, or the purchase under way."""

    number: E164 | None = Field(None, description="The number.")
    country: CountryCode | None = Field(None, description="Its country.")
    type: Word | None = Field(None, description="Its kind.")
    provider: Identifier | None = Field(None, description="PhoneProvider that holds it.")
    id: Identifier | None = Field(None, description="Its id at the provider.")
    origin: NumberOrigin | None = Field(None, description="How the tenant came by it.")
    monthly_cost: Money | None = Field(None, description="Monthly price when it was bought.")
    monthly_cost_text: Word | None = Field(None, description="The same in one word, for the COST column.")
    purchase: Purchase | None = Field(None, description="Only while a purchase is under way.")


class InstanceStatus(ApiModel):
    """The tenant's instance."""

    name: Identifier = Field(description="Its name on the server.")
    server: Identifier = Field(description="EvolutionServer it lives on.")
    id: Identifier | None = Field(None, description="Its id on the server.")
    channel: Word | None = Field(None, description="Its channel.")
    state: Word | None = Field(None, description="Open, Connecting or Close.")
    number: E164 | None = Field(None, description="WhatsApp number it is paired with.")
    connected_since: Timestamp | None = Field(None, description="When it was first seen open this time.")
    pairing_since: Timestamp | None = Field(
        None, description="When the operator began to offer a pairing code; only until it is paired."
    )
    token_secret_ref: ObjectReference | None = Field(
        None, description="Secret that holds its token; with channel CloudAPI the one that the spec names."
    )
    verified_hash: Word | None = Field(
        None,
        description="CloudAPI: hash of the ids and of the Secret's version with which Meta was last asked"
        " successfully.",
    )


class ProfileStatus(ApiModel):
    """What was last written to the WhatsApp profile (it cannot all be read back)."""

    applied_hash: Word | None = Field(None, description="Hash of what was applied.")
    applied_at: Timestamp | None = Field(None, description="When.")


class TemplateRecord(ApiModel):
    """A message template at Meta."""

    name: Annotated[str, StringConstraints(max_length=200)] = Field(description="Its name in the spec.")
    language: Word = Field(description="Its language.")
    meta_name: Annotated[str, StringConstraints(max_length=512)] = Field(
        description="Its name at Meta; this is the one to send with."
    )
    id: Identifier | None = Field(None, description="Its id at Meta.")
    state: Word = Field(
        description="Where it stands: Approved, Pending, Rejected, Paused, Disabled..., or Refused and NameBlocked"
        " where Meta took it not even for review."
    )
    reason: Annotated[str, StringConstraints(max_length=256)] | None = Field(
        None, description="Why, in Meta's words; empty for none."
    )
    applied_hash: Word | None = Field(None, description="Hash of what was last sent.")
    applied_at: Timestamp | None = Field(None, description="When it was last sent.")
    edited_at: Timestamp | None = Field(
        None, description="When it was last edited while approved; Meta allows that once a day."
    )


class RoutingStatus(ApiModel):
    """How messages, calls and SMS are routed."""

    route: Word | None = Field(None, description="Route of messages.")
    target: Text | None = Field(None, description="Where they go: a URL, a model or a flow.")
    bot_id: Identifier | None = Field(None, description="Id of the bot that answers, on its server.")
    voice: Word | None = Field(None, description="Route of calls.")
    sms: Word | None = Field(None, description="Route of SMS.")
    applied_hash: Word | None = Field(None, description="Hash of the webhook or bot last verified.")
    context_hash: Word | None = Field(None, description="Hash of the context last verified; see the docs.")


class UsageStatus(ApiModel):
    """How much the tenant is used; figures by the minute are metrics."""

    messages: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Messages that the instance's server has stored."
    )
    calls_handled: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Calls to the number. Left out where the provider has no list of calls (Vonage)."
    )
    since: Timestamp = Field(description="Since when they are counted.")
    updated_at: Timestamp = Field(description="When the figures were last refreshed; at most every 6 hours.")


class PlannedChange(ApiModel):
    """One change that would be made."""

    what: Text = Field(description="What would be done, to what.")
    why: Text = Field(description="Why.")
    before: Text | None = Field(None, description="What there is.")
    after: Text | None = Field(None, description="What there would be.")
    monthly_cost: Money | None = Field(None, description="What it costs a month, when it costs money.")
    irreversible: bool | None = Field(None, description="True when it cannot be undone.")


class Plan(ApiModel):
    """What would be done; only with managementPolicy Observe."""

    changes: Annotated[list[PlannedChange], Field(max_length=32)] = Field(
        description="The changes in the order in which they would be made.", json_schema_extra=list_atomic()
    )
    computed_at: Timestamp = Field(description="When this plan was first computed as it stands.")


class Repair(ApiModel):
    """One repair of a field that somebody else changed; three within an hour are Contended."""

    field: Word = Field(description="What was repaired.")
    at: Timestamp = Field(description="When.")


class BusinessTenantStatus(ApiModel):
    """What the operator observed and did."""

    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Generation of the spec that was last reconciled."
    )
    phase: Phase | None = Field(None, description="One word for people.")
    message: Text | None = Field(None, description="One sentence for people.")
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = Field(
        None, description="The facets, each with reason and message.", json_schema_extra=list_map("type")
    )
    phone_number: NumberStatus | None = Field(None, description="The number.")
    instance: InstanceStatus | None = Field(None, description="The instance.")
    profile: ProfileStatus | None = Field(None, description="The WhatsApp profile.")
    templates: Annotated[list[TemplateRecord], Field(max_length=100)] | None = Field(
        None,
        description="The message templates; channel CloudAPI only.",
        json_schema_extra=list_map("name", "language"),
    )
    routing: RoutingStatus | None = Field(None, description="The routing.")
    usage: UsageStatus | None = Field(
        None, description="How much it is used; refreshed with other changes, or at most every 6 hours."
    )
    plan: Plan | None = Field(None, description="Only with managementPolicy Observe.")
    recent_repairs: Annotated[list[Repair], Field(max_length=32)] | None = Field(
        None, description="Repairs of the last hour.", json_schema_extra=list_atomic()
    )
    time_to_ready: Word | None = Field(None, description="From creation to Ready, first time only.")
    next_attempt_time: Timestamp | None = Field(
        None, description="When to try again, for delays of a minute or more; survives a restart."
    )
    last_handled_reconcile_at: Annotated[str, StringConstraints(max_length=128)] | None = Field(
        None, description="Echo of the annotation x-sevenai.com/reconcile-requested-at."
    )
