"""One WhatsApp phone number at Meta as the engine sees it: plain data in and out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from controller.providers.meta.vertical import Vertical

Component = Mapping[str, object]
"""A part of a template (HEADER, BODY, FOOTER, BUTTONS), in Meta's JSON as the user wrote it."""


class PhoneNumberStatus(StrEnum):
    """Whether a number can send, in Meta's words."""

    CONNECTED = "CONNECTED"
    PENDING = "PENDING"
    UNVERIFIED = "UNVERIFIED"
    DISCONNECTED = "DISCONNECTED"
    FLAGGED = "FLAGGED"
    RESTRICTED = "RESTRICTED"
    RATE_LIMITED = "RATE_LIMITED"
    BANNED = "BANNED"
    MIGRATED = "MIGRATED"
    DELETED = "DELETED"
    UNKNOWN = "UNKNOWN"
    """Also a word that Meta has invented since."""


class CodeVerification(StrEnum):
    """Whether somebody proved by a code to hold the number."""

    VERIFIED = "VERIFIED"
    NOT_VERIFIED = "NOT_VERIFIED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"


class Quality(StrEnum):
    """What customers' reactions of the last days make Meta think of a number or a template."""

    GREEN = "GREEN"
    YELLOW = "YELLOW"
    RED = "RED"
    UNKNOWN = "UNKNOWN"
    """Not enough messages yet."""


class TemplateCategory(StrEnum):
    """What a template is for; it decides the price of a message and how strictly it is reviewed."""

    UTILITY = "UTILITY"
    MARKETING = "MARKETING"
    AUTHENTICATION = "AUTHENTICATION"


class TemplateStatus(StrEnum):
    """Where a template stands with Meta. Only an approved one can be sent."""

    APPROVED = "APPROVED"
    PENDING = "PENDING"
    IN_APPEAL = "IN_APPEAL"
    REJECTED = "REJECTED"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    ARCHIVED = "ARCHIVED"
    PENDING_DELETION = "PENDING_DELETION"
    DELETED = "DELETED"
    UNKNOWN = "UNKNOWN"
    """A word that Meta has invented since."""


@dataclass(frozen=True, slots=True)
class MetaPhoneNumber:
    """A business phone number. `number` is E.164, `verified_name` what customers see in WhatsApp."""

    id: str
    number: str
    verified_name: str
    quality: Quality
    code_verification: CodeVerification
    status: PhoneNumberStatus


@dataclass(frozen=True, slots=True)
class BusinessProfile:
    """The profile that customers see. Written: None leaves a field as it is, '' or () clears it (but not
    `about`, which cannot be empty). Read: no field is None but an unknown `vertical`.
    """

    about: str | None = None
    description: str | None = None
    address: str | None = None
    email: str | None = None
    websites: tuple[str, ...] | None = None
    vertical: Vertical | None = None

    def is_met_by(self, actual: "BusinessProfile") -> bool:
        """Whether writing this over `actual` would change nothing."""
        texts = ("about", "description", "address", "email", "vertical")
        same = all(getattr(self, name) in (None, getattr(actual, name)) for name in texts)
        # Meta gives a bare host back with a slash behind it.
        return same and (self.websites is None or _bare(self.websites) == _bare(actual.websites or ()))


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A template to be reviewed. `language` in Meta's form (`en_US`, `lv`); `name` matches
    `^[a-z0-9_]{1,512}$`, and one name has one template a language.
    """

    name: str
    language: str
    category: TemplateCategory
    components: Sequence[Component] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A template as Meta describes it. `rejected_reason` in Meta's words (`INVALID_FORMAT`), '' for none;
    `category` is None where Meta has invented one since.
    """

    id: str
    name: str
    language: str
    status: TemplateStatus
    category: TemplateCategory | None
    components: Sequence[Component] = field(repr=False, default=())
    rejected_reason: str = ""
    quality: Quality = Quality.UNKNOWN


class MetaAccount(Protocol):
    """What the engine asks of Meta about one phone number id and its business account.

    Every method may raise `Retryable` (also for Meta's rate limits, with the wait where Meta tells one),
    `Unauthorized` (the token is expired, invalid or lacks a permission) and `Terminal` (refused as it
    stands, in Meta's own words).
    """

    async def phone_number(self) -> MetaPhoneNumber:
        """The number. Raises `NotFound` when the id does not exist, or the token may not see it: Meta does
        not tell which.
        """

    async def profile(self) -> BusinessProfile:
        """The profile. Raises `NotFound` likewise."""

    async def set_profile(self, profile: BusinessProfile) -> None:
        """Write what is not None. Raises `NotFound` likewise, and `Terminal` with `INVALID_SPEC` for what
        WhatsApp would not take.
        """

    async def templates(self) -> Sequence[Template]:
        """All templates of the business account, complete or an error. Raises `NotFound` when the token knows
        no such account.
        """

    async def create_template(self, new: NewTemplate) -> Template:
        """Send a template to review. Meta may put it into another category than asked for.

        Raises `Conflict` when name and language are taken, `Retryable` with `TEMPLATE_NAME_BLOCKED` while a
        template of that name and language is being deleted (Meta keeps the name for weeks), and `NotFound` like
        `templates`.
        """

    async def edit_template(
        self, template_id: str, *, components: Sequence[Component], category: TemplateCategory | None = None
    ) -> None:
        """Replace all components, and the category where one is given; Meta reviews it again.

        Meta allows this for approved, rejected and paused templates, for an approved one once a day and
        without another category. Raises `NotFound`.
        """

    async def delete_template(self, name: str, template_id: str) -> None:
        """Delete this one language of the name. Unknown is success."""

    async def close(self) -> None:
        """Close connections."""


def _bare(websites: tuple[str, ...]) -> list[str]:
    return [website.rstrip("/") for website in websites]
