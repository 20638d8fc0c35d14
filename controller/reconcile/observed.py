"""What the outside world looks like for one tenant: plain data that the plan is computed from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.api.business_tenant_status import (
    InstanceStatus,
    NumberOrigin,
    NumberStatus,
    Purchase,
    TemplateRecord,
)
from controller.api.common_fields import Money
from controller.providers.evolution.protocol import InstanceRow, SessionState
from controller.providers.meta.protocol import BusinessProfile, Template
from controller.providers.telephony.protocol import Candidate, OwnedNumber
from controller.reconcile.ai.routes import NOBODY, RoutesRead, WantedRoute
from controller.reconcile.usage import Usage
from controller.reconcile.verdict import Verdict


@dataclass(frozen=True, slots=True)
class HeldNumber:
    """A number in one of our accounts."""

    account: str
    owned: OwnedNumber


@dataclass(frozen=True, slots=True)
class Offer:
    """Numbers for sale that fit, in the order in which this tenant tries them."""

    account: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class NumberObserved:
    """`recorded` is what status says; `held` the same number as the provider describes it.

    `intent` is a purchase under way. `found` are numbers with this tenant's mark when none is recorded.
    `offer` is looked for only when everything else says that one is to be bought: what is for sale, or why not.
    """

    recorded: NumberStatus | None = None
    held: HeldNumber | None = None
    origin: NumberOrigin | None = None
    monthly_cost: Money | None = None
    unreachable: Verdict | None = None
    loss_proven: bool = False
    intent: Purchase | None = None
    found: tuple[HeldNumber, ...] = ()
    accounts_not_listed: tuple[str, ...] = ()
    offer: Offer | Verdict | None = None


@dataclass(frozen=True, slots=True)
class MetaObserved:
    """The tenant's number at Meta. `number` is what its phone number id stands for: asked in this pass where
    `asked`, else as last verified. `problem` says why it cannot be asked, or what Meta refuses.

    `fingerprint` is of the ids and the Secret's version. `differing` names what the instance was made of that is no
    longer as wanted, and `held_back` why it is not made anew now.
    """

    number: str | None = None
    asked: bool = False
    problem: Verdict | None = None
    fingerprint: str | None = None
    differing: tuple[str, ...] = ()
    held_back: Verdict | None = None


@dataclass(frozen=True, slots=True)
class InstanceObserved:
    """`recorded` is what status says; `row` the instance as its server describes it, `state` its live state.

    `server` is where it is, or was; `placement` where a new one would go, or why nowhere. `is_new`: made in this
    very pass, so that there is nothing on it yet but what `made_with` wants: its webhook went along and is still to be
    read back. `meta` is there on the Cloud API only, and the row's owner is then the number that Meta tells.
    """

    recorded: InstanceStatus | None = None
    server: str | None = None
    row: InstanceRow | None = None
    state: SessionState | None = None
    token_saved: bool = False
    unreachable: Verdict | None = None
    loss_proven: bool = False
    servers_not_listed: tuple[str, ...] = ()
    placement: str | Verdict | None = None
    connect_tried_at: datetime | None = None
    pairing_since: datetime | None = None
    looked_at: datetime | None = None
    session_timeout_seconds: float = 3600.0
    is_new: bool = False
    made_with: "RoutingObserved | None" = None
    meta: MetaObserved | None = None


@dataclass(frozen=True, slots=True)
class RoutesTrusted:
    """Not read now: what was last verified is what is wanted, and no deep check is due."""


@dataclass(frozen=True, slots=True)
class RoutingObserved:
    """`routes`: trusted, read, or why they cannot be; read ones are compared with `wanted`.

    `target`, `fingerprint` and `context_hash` are what status says once it is verified; `recorded_bot` is what it
    says of the bot until then. `changed_by_others`: the wish is the one verified last, so what differs is not ours.
    """

    routes: RoutesTrusted | RoutesRead | Verdict = field(default_factory=RoutesTrusted)
    wanted: WantedRoute = NOBODY
    target: str | None = None
    fingerprint: str | None = None
    context_hash: str | None = None
    recorded_bot: str | None = None
    changed_by_others: bool = False


TemplateKey = tuple[str, str]
"""Name at Meta, and language."""


@dataclass(frozen=True, slots=True)
class TemplatesObserved:
    """`records` as status keeps them, brought up to date where Meta's list was read. `listed` is that list as far as
    the templates are this tenant's; None where it was not read.

    `problem` says why it could not be, `held_back` why a removal waits.
    """

    records: tuple[TemplateRecord, ...] = ()
    listed: Mapping[TemplateKey, Template] | None = None
    problem: Verdict | None = None
    held_back: Verdict | None = None


@dataclass(frozen=True, slots=True)
class TenantObserved:
    """Everything observed for one tenant in one pass."""

    now: datetime
    number: NumberObserved = field(default_factory=NumberObserved)
    instance: InstanceObserved = field(default_factory=InstanceObserved)
    applied_profile: str | None = None
    routing: RoutingObserved = field(default_factory=RoutingObserved)
    usage: Usage | None = None
    # On the Cloud API the profile can be read: as it is, why it cannot be, or None where it was not looked at.
    business_profile: BusinessProfile | Verdict | None = None
    templates: TemplatesObserved = field(default_factory=TemplatesObserved)
