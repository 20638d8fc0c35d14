"""The accounts and servers tenants can be served by, as far as they are known now."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from controller.api.conditions import Reason
from controller.api.evolution_server import EvolutionServerSpec
from controller.api.phone_provider import PhoneProviderSpec, Spending
from controller.providers.evolution.protocol import EvolutionServerClient
from controller.providers.telephony.protocol import Price, TelephonyAccount
from controller.reconcile.instance.listing import ListedInstances
from controller.reconcile.number.calls import CallLog
from controller.reconcile.number.for_sale import ForSale
from controller.reconcile.number.holdings import Holding, NumberKind
from controller.reconcile.snapshot import ListedNumbers
from controller.reconcile.verdict import Verdict

DEFAULT_PRIORITY = 100
DEFAULT_MAX_INSTANCES = 500


@dataclass(frozen=True, slots=True)
class UnresolvedClaim:
    """A number whose purchase was begun for a tenant that is gone, and may have been made."""

    number: str
    tenant: str
    since: datetime


@dataclass(slots=True)
class PhoneAccount:
    """A PhoneProvider. `problem` says why it cannot be asked; `client` is None until it can.

    `made_of` is a fingerprint of the spec and credentials the client was made of; `turns` counts how often the
    account was edited, failed or recovered. `prices` are those of the kinds of number that are ours there, as last
    read at `priced_at`. `spending` is the newest record known that the budget is held against.
    """

    name: str
    spec: PhoneProviderSpec
    deleting: bool = False
    client: TelephonyAccount | None = None
    made_of: str = ""
    turns: int = 0
    problem: Verdict | None = None
    listed: ListedNumbers = field(default_factory=ListedNumbers)
    prices: dict[NumberKind, Price | None] = field(default_factory=dict)
    priced_at: datetime | None = None
    holdings: tuple[Holding, ...] = ()
    spending: Spending | None = None
    spending_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    for_sale: ForSale = field(default_factory=ForSale)
    calls: CallLog = field(default_factory=CallLog)
    orphans: int = 0
    unresolved: tuple[UnresolvedClaim, ...] = ()

    @property
    def open(self) -> bool:
        """Whether new numbers may be bought here: not where the account is going, or lost."""
        return not self.deleting and not self.spec.lost

    def serves(self, country: str) -> bool:
        """Whether numbers of the country may be bought here."""
        return self.open and (not self.spec.countries or country in self.spec.countries)

    def is_awaited(self, since: datetime) -> bool:
        """Whether the first complete list that began then or later is still to come; not where it may never come."""
        return self.problem is None and not self.listed.shows(since) and not self.spec.lost

    @property
    def priority(self) -> int:
        return DEFAULT_PRIORITY if self.spec.priority is None else self.spec.priority


@dataclass(slots=True)
class InstanceServer:
    """An EvolutionServer. `problem` says why it cannot be asked; `client` is None until it can.

    `made_of` is a fingerprint of the spec and credentials the client was made of; `failures` counts polls that
    failed in a row.
    """

    name: str
    spec: EvolutionServerSpec
    deleting: bool = False
    client: EvolutionServerClient | None = None
    made_of: str = ""
    failures: int = 0
    problem: Verdict | None = None
    mass_disappearance: Verdict | None = None
    instances: ListedInstances = field(default_factory=ListedInstances)
    orphans: int = 0
    # Names being created now: they take room before the next list shows them.
    placing: set[str] = field(default_factory=set)

    @property
    def capacity(self) -> int:
        return DEFAULT_MAX_INSTANCES if self.spec.max_instances is None else self.spec.max_instances

    @property
    def room(self) -> int:
        """Instances that may still be placed here."""
        taken = self.instances.listed.rows.keys() | self.placing
        return self.capacity - len(taken)

    @property
    def schedulable(self) -> bool:
        """Whether new instances may be placed here: not where the server is going, or lost."""
        return self.spec.schedulable is not False and not self.deleting and not self.spec.lost

    def is_awaited(self, since: datetime) -> bool:
        """Whether the first complete list that began then or later is still to come; not where it may never come."""
        has_trouble = self.problem is not None or self.mass_disappearance is not None
        return not has_trouble and not self.instances.listed.shows(since) and not self.spec.lost


@dataclass(slots=True)
class Fleet:
    """All accounts and servers by name."""

    accounts: dict[str, PhoneAccount] = field(default_factory=dict)
    servers: dict[str, InstanceServer] = field(default_factory=dict)
    # Members whose spec does not parse: what they hold is unknown, so nothing is proven absent.
    unreadable_accounts: set[str] = field(default_factory=set)
    unreadable_servers: set[str] = field(default_factory=set)

    def accounts_not_listed(self, since: datetime) -> Sequence[str]:
        """Accounts that could hold a number of any tenant and have no complete list from `since` on, but for lost ones.

        Each with what keeps it from being listed, for people.
        """
        accounts = self.accounts.values()
        waiting = [_why(a.name, a.problem) for a in accounts if not a.listed.shows(since) and not a.spec.lost]
        return [*waiting, *(f"{name} ({Reason.INVALID_SPEC})" for name in sorted(self.unreadable_accounts))]

    def servers_not_listed(self, since: datetime) -> Sequence[str]:
        """The same for servers and instances."""
        servers = self.servers.values()
        waiting = [
            _why(s.name, s.problem)
            for s in servers
            if not s.instances.listed.shows(since) and not s.spec.lost
        ]
        return [*waiting, *(f"{name} ({Reason.INVALID_SPEC})" for name in sorted(self.unreadable_servers))]


def _why(name: str, problem: Verdict | None) -> str:
    return name if problem is None else f"{name} ({problem.reason})"
