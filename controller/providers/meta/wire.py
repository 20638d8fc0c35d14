"""What we read of Graph's answers and write into its requests. Unknown fields are ignored."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from controller.api.conditions import Reason
from controller.providers.errors import Terminal
from controller.providers.meta.protocol import (
    BusinessProfile,
    CodeVerification,
    Component,
    MetaPhoneNumber,
    NewTemplate,
    PhoneNumberStatus,
    Quality,
    Template,
    TemplateCategory,
    TemplateStatus,
)
from controller.providers.meta.vertical import Vertical

PHONE_NUMBER_FIELDS: Final = (
    "display_phone_number,verified_name,quality_rating,code_verification_status,status"
)
PROFILE_FIELDS: Final = "about,address,description,email,websites,vertical"
TEMPLATE_FIELDS: Final = "name,language,status,category,components,rejected_reason,quality_score"
_MESSAGING_PRODUCT: Final = "whatsapp"
_LONGEST: Final = {"about": 139, "description": 512, "address": 256, "email": 128}
_LONGEST_WEBSITE: Final = 256
_MOST_WEBSITES: Final = 2
_NOT_REJECTED: Final = "NONE"
_E164: Final = re.compile(r"[1-9]\d{6,14}")

_Word = TypeVar("_Word", bound=StrEnum)


def _word(kind: type[_Word], unknown: _Word | None) -> Callable[[object], _Word | None]:
    """Read Meta's word; a missing or new one is `unknown`."""

    def read(value: object) -> _Word | None:
        return next((word for word in kind if word == value), unknown)

    return read


def e164(display: str) -> str:
    """`+1 631-555-5555` or `16315555555` -> `+16315555555`. Raises `ValueError` when it is no number."""
    digits = re.sub(r"\D", "", display)
    if _E164.fullmatch(digits) is None:
        raise ValueError("a phone number without E.164 digits")
    return f"+{digits}"


def _text(value: object) -> object:
    return "" if value is None else value


def _score(value: object) -> object:
    return value.get("score") if isinstance(value, Mapping) else value


_Text = Annotated[str, BeforeValidator(_text)]
_Quality = Annotated[Quality, BeforeValidator(_word(Quality, Quality.UNKNOWN))]
_Category = Annotated[TemplateCategory | None, BeforeValidator(_word(TemplateCategory, None))]
_Status = Annotated[TemplateStatus, BeforeValidator(_word(TemplateStatus, TemplateStatus.UNKNOWN))]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PhoneNumberBody(_Read):
    id: str
    display_phone_number: Annotated[str, BeforeValidator(lambda value: e164(str(value)))]
    verified_name: _Text = ""
    quality_rating: _Quality = Quality.UNKNOWN
    code_verification_status: Annotated[
        CodeVerification, BeforeValidator(_word(CodeVerification, CodeVerification.UNKNOWN))
    ] = CodeVerification.UNKNOWN
    status: Annotated[
        PhoneNumberStatus, BeforeValidator(_word(PhoneNumberStatus, PhoneNumberStatus.UNKNOWN))
    ] = PhoneNumberStatus.UNKNOWN

    def to_number(self) -> MetaPhoneNumber:
        return MetaPhoneNumber(
            id=self.id,
            number=self.display_phone_number,
            verified_name=self.verified_name,
            quality=self.quality_rating,
            code_verification=self.code_verification_status,
            status=self.status,
        )


class ProfileBody(_Read):
    """Fields that were never set are missing."""

    about: _Text = ""
    description: _Text = ""
    address: _Text = ""
    email: _Text = ""
    websites: tuple[str, ...] = ()
    vertical: Annotated[Vertical | None, BeforeValidator(_word(Vertical, None))] = None

    def to_profile(self) -> BusinessProfile:
        return BusinessProfile(**self.model_dump())


class ProfilesBody(_Read):
    data: Annotated[list[ProfileBody], Field(min_length=1)]


class TemplateBody(_Read):
    """A template in a list."""

    id: str
    name: str
    language: str
    status: _Status = TemplateStatus.UNKNOWN
    category: _Category = None
    components: list[dict[str, Any]] = Field(default_factory=list)
    rejected_reason: _Text = ""
    quality_score: Annotated[_Quality, BeforeValidator(_score)] = Quality.UNKNOWN

    def to_template(self) -> Template:
        return Template(
            id=self.id,
            name=self.name,
            language=self.language,
            status=self.status,
            category=self.category,
            components=tuple(self.components),
            rejected_reason="" if self.rejected_reason == _NOT_REJECTED else self.rejected_reason,
            quality=self.quality_score,
        )


class CursorsBody(_Read):
    after: str = ""


class PagingBody(_Read):
    """`next` is there while there are more pages. It is a URL that may hold the token: only the cursor is used."""

    cursors: CursorsBody = CursorsBody()
    next: str | None = Field(None, repr=False)


class TemplatesBody(_Read):
    data: list[TemplateBody]
    paging: PagingBody = PagingBody()

    @property
    def following(self) -> str | None:
        """The cursor of the next page; None on the last. Raises `ValueError` when Meta tells none."""
        if self.paging.next is None:
            return None
        if not self.paging.cursors.after:
            raise ValueError("a next page without a cursor")
        return self.paging.cursors.after


class CreatedBody(_Read):
    id: str
    status: _Status = TemplateStatus.UNKNOWN
    category: _Category = None

    def to_template(self, new: NewTemplate) -> Template:
        return Template(
            id=self.id,
            name=new.name,
            language=new.language,
            status=self.status,
            category=self.category,
            components=new.components,
        )


class SuccessBody(_Read):
    success: bool


def profile_request(profile: BusinessProfile) -> dict[str, object]:
    """Only what is to be written. Raises `Terminal` for what WhatsApp would not take."""
    texts = {name: getattr(profile, name) for name in _LONGEST}
    body: dict[str, object] = {name: text for name, text in texts.items() if text is not None}
    for name, longest in _LONGEST.items():
        if len(texts[name] or "") > longest:
            raise _invalid(name, f"WhatsApp takes at most {longest} characters")
    if profile.about == "":
        raise _invalid("about", "WhatsApp takes no empty about line; leave the field out instead")
    if profile.websites is not None:
        too_long = any(len(website) > _LONGEST_WEBSITE for website in profile.websites)
        if too_long or len(profile.websites) > _MOST_WEBSITES:
            most = f"at most {_MOST_WEBSITES} web sites of at most {_LONGEST_WEBSITE} characters"
            raise _invalid("websites", f"WhatsApp takes {most}")
        body["websites"] = list(profile.websites)
    if profile.vertical is not None:
        body["vertical"] = profile.vertical.value
    return {"messaging_product": _MESSAGING_PRODUCT, **body} if body else {}


def create_request(new: NewTemplate) -> dict[str, object]:
    return {
        "name": new.name,
        "language": new.language,
        "category": new.category.value,
        "components": [dict(component) for component in new.components],
    }


def edit_request(components: Sequence[Component], category: TemplateCategory | None) -> dict[str, object]:
    body: dict[str, object] = {"components": [dict(component) for component in components]}
    if category is not None:
        body["category"] = category.value
    return body


def _invalid(field: str, sentence: str) -> Terminal:
    return Terminal(f"spec.business.{field}: {sentence}.", reason=Reason.INVALID_SPEC)
