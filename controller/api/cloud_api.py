"""The part of a tenant's spec that concerns Meta's WhatsApp Cloud API: its ids, its token, its message templates."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from controller.api.common_fields import ApiModel, SecretKeyReference, list_atomic

MetaID = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[0-9]+$")]
TemplateName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[a-z0-9_]+$")]
TemplateLanguage = Annotated[
    str, StringConstraints(min_length=2, max_length=7, pattern=r"^[a-z]{2,3}(_[A-Z]{2,3})?$")
]
TemplateComponent = Annotated[
    dict[str, object], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
]


class CloudAPI(ApiModel):
    """The business's WhatsApp number at Meta."""

    phone_number_id: MetaID | None = Field(
        None,
        description="Meta's id of the number once it is registered there (WhatsApp Manager shows it). Left out: the"
        " tenant waits for it, and says which number to register.",
    )
    business_account_id: MetaID = Field(
        description="Id of the WhatsApp business account that the number belongs to."
    )
    access_token_secret_ref: SecretKeyReference = Field(
        description="Secret with a system user's access token that may manage the account and send messages."
        " Evolution cannot change an instance's token: with a new one that Meta accepts the instance is deleted"
        " and created anew, and for some seconds messages are not answered; a token that Meta refuses changes"
        " nothing."
    )


class TemplateCategory(StrEnum):
    """What a template is for; it decides its price and how strictly Meta reviews it."""

    UTILITY = "Utility"
    MARKETING = "Marketing"
    AUTHENTICATION = "Authentication"


class MessageTemplate(ApiModel):
    """A message that may be sent to customers who did not write first, after Meta has approved it."""

    name: TemplateName = Field(
        description="Name of the template. At Meta a prefix of the tenant's stands before it, because tenants may"
        " share a business account; status.templates shows the whole name."
    )
    language: TemplateLanguage = Field(
        description="Language in Meta's form, such as lv or en_US. One name may have several."
    )
    category: TemplateCategory = Field(
        description="Utility, Marketing or Authentication. Meta may put the template into another one."
    )
    components: Annotated[list[TemplateComponent], Field(min_length=1, max_length=8)] = Field(
        description="HEADER, BODY, FOOTER and BUTTONS as Meta's Graph API takes them; they are sent as they stand."
        " Meta lets an approved template be edited once a day.",
        json_schema_extra=list_atomic(),
    )
