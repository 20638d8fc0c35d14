"""A change to the outside world as data: said before it is done, and done as it was said."""

from dataclasses import dataclass, field
from typing import Final

from controller.api.business_tenant_status import NumberOrigin, PlannedChange, Purchase
from controller.api.common_fields import Money
from controller.providers.evolution.protocol import BehaviourSettings, WebhookSettings
from controller.providers.meta.protocol import Template
from controller.providers.telephony.protocol import NumberSettings
from controller.reconcile.ai.actions import BotAction
from controller.reconcile.cloud_api.desired import DesiredTemplate
from controller.reconcile.observed import HeldNumber, Offer
from controller.reconcile.verdict import Facet

# URLs may be longer than what a status holds.
_SHOWN: Final = 1024


@dataclass(frozen=True, slots=True)
class BuyNumber:
    """Buy one of the offer's candidates; costs money."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class FinishPurchase:
    """Look whether an interrupted purchase happened, and bring the same number home."""

    intent: Purchase


@dataclass(frozen=True, slots=True)
class TakeNumber:
    """Make a number that the account owns the tenant's: mark and settings in one request."""

    held: HeldNumber
    settings: NumberSettings
    origin: NumberOrigin


@dataclass(frozen=True, slots=True)
class ConfigureNumber:
    """Write the wanted settings of the tenant's number."""

    held: HeldNumber
    settings: NumberSettings


@dataclass(frozen=True, slots=True)
class RetainNumber:
    """Silence the number and mark it as released; it stays in the account."""

    held: HeldNumber
    label: str


@dataclass(frozen=True, slots=True)
class CreateInstance:
    """Create the instance on a server."""

    server: str


@dataclass(frozen=True, slots=True)
class ReplaceInstance:
    """Delete the instance and create it of what it is to be made of now."""


@dataclass(frozen=True, slots=True)
class SaveToken:
    """Write the instance's token into the tenant's Secret."""


@dataclass(frozen=True, slots=True)
class SetBehaviour:
    """Write the instance's settings."""

    settings: BehaviourSettings


@dataclass(frozen=True, slots=True)
class StartPairing:
    """Open the instance's socket so that a person can pair it."""


@dataclass(frozen=True, slots=True)
class RetainInstance:
    """Silence the instance; it stays on the server with its pairing."""


@dataclass(frozen=True, slots=True)
class SetProfile:
    """Write the WhatsApp profile."""


@dataclass(frozen=True, slots=True)
class SetWebhook:
    """Write the instance's webhook."""

    webhook: WebhookSettings = field(repr=False)


@dataclass(frozen=True, slots=True)
class CreateTemplate:
    """Send a message template to Meta's review."""

    template: DesiredTemplate


@dataclass(frozen=True, slots=True)
class EditTemplate:
    """Replace what Meta has of a template; it is reviewed again."""

    template: DesiredTemplate
    existing: Template


@dataclass(frozen=True, slots=True)
class RemoveTemplate:
    """Delete one language of a template at Meta."""

    existing: Template


Action = (
    BuyNumber
    | FinishPurchase
    | TakeNumber
    | ConfigureNumber
    | RetainNumber
    | CreateInstance
    | SaveToken
    | SetBehaviour
    | StartPairing
    | RetainInstance
    | ReplaceInstance
    | SetProfile
    | SetWebhook
    | BotAction
    | CreateTemplate
    | EditTemplate
    | RemoveTemplate
)


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to the outside world, why, and what it costs.

    `action` is None for a step whose values are known only after an earlier one: it is shown, never run.
    `repairs` names the field when somebody else changed what was as wanted before.
    """

    facet: Facet
    what: str
    why: str
    action: Action | None
    before: str | None = None
    after: str | None = None
    monthly_cost: Money | None = None
    billable: bool = False
    irreversible: bool = False
    repairs: str | None = None

    def planned(self) -> PlannedChange:
        """As it is shown to people."""
        return PlannedChange(
            what=self.what[:_SHOWN],
            why=self.why[:_SHOWN],
            before=self.before[:_SHOWN] if self.before is not None else None,
            after=self.after[:_SHOWN] if self.after is not None else None,
            monthly_cost=self.monthly_cost,
            irreversible=True if self.irreversible else None,
        )
