"""What a fake Graph holds: business accounts with tokens, phone numbers with profiles, templates."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from controller.sandbox.fakes.timers import Timers

Clock = Callable[[], datetime]


class TokenState(StrEnum):
    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    WITHOUT_PERMISSION = "without-permission"


@dataclass(slots=True)
class Token:
    """A system user's token and the business accounts it may see."""

    accounts: set[str]
    state: TokenState = TokenState.VALID
    expired_at: datetime | None = None


@dataclass(slots=True)
class PhoneNumber:
    """`fields` and `profile` stand under their JSON names; a profile field that was never set is missing."""

    id: str
    account_id: str
    fields: dict[str, object]
    profile: dict[str, object]
    messages_sent: int = 0


class Status(StrEnum):
    """Statuses of a template that the fake gives by itself or by order."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"
    IN_APPEAL = "IN_APPEAL"
    PENDING_DELETION = "PENDING_DELETION"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"


@dataclass(slots=True)
class Template:
    id: str
    account_id: str
    name: str
    language: str
    category: str
    components: list[dict[str, object]]
    position: int
    """Order of creation; lists show the newest first."""
    status: Status = Status.PENDING
    rejected_reason: str = "NONE"
    quality: str = "UNKNOWN"
    edited_at: datetime | None = None
    """When it was last edited while approved."""
    review: int = 0
    """Which review is under way: an earlier one no longer counts."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, and how long names stay taken."""

    review: float = 0.5
    """Seconds until a new or edited template is reviewed."""
    name_blocked: timedelta = timedelta(days=30)
    """How long name and language of a deleted template that was approved cannot be used again."""
    between_edits: timedelta = timedelta(days=1)
    """The least time between two edits of an approved template."""


@dataclass(slots=True)
class World:
    pace: Pace
    manual_review: bool
    now: Clock
    random: random.Random
    timers: Timers
    accounts: set[str] = field(default_factory=set)
    tokens: dict[str, Token] = field(default_factory=dict)
    numbers: dict[str, PhoneNumber] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    blocked: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    """Until when a name is blocked, by account, name and language."""
    created: int = 0
    """How many templates there ever were."""
    base_url: str = ""

    def id(self) -> str:
        return str(self.random.randrange(10**14, 10**15))

    def templates_of(self, account_id: str) -> list[Template]:
        """Newest first."""
        owned = [template for template in self.templates.values() if template.account_id == account_id]
        return sorted(owned, key=lambda template: -template.position)

    def template(self, account_id: str, name: str, language: str) -> Template | None:
        return next(
            (
                template
                for template in self.templates.values()
                if (template.account_id, template.name, template.language) == (account_id, name, language)
            ),
            None,
        )
