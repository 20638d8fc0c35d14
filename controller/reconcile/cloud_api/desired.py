"""What a tenant on the Cloud API asks of Meta, in Meta's terms. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from controller.api.business_tenant import Business, BusinessTenantSpec, Channel
from controller.api.common_fields import SecretKeyReference
from controller.providers.meta.protocol import BusinessProfile, Component, TemplateCategory
from controller.providers.meta.vertical import vertical_of
from controller.reconcile.fingerprint import fingerprint
from controller.reconcile.ownership import Owner


@dataclass(frozen=True, slots=True)
class DesiredCloudAPI:
    """The number at Meta. `phone_number_id` None: nobody has registered it yet."""

    phone_number_id: str | None
    business_account_id: str
    token: SecretKeyReference

    def fingerprint(self, secret_version: str) -> str:
        """Changes when an id or the Secret changes; holds no part of the token."""
        token = [self.token.name, self.token.key, secret_version]
        return fingerprint([self.phone_number_id, self.business_account_id, token])


@dataclass(frozen=True, slots=True)
class DesiredBusinessProfile:
    """What the profile at Meta should say; what is None stays as it is."""

    profile: BusinessProfile

    @property
    def fingerprint(self) -> str:
        return fingerprint(asdict(self.profile))


@dataclass(frozen=True, slots=True)
class DesiredTemplate:
    """A message template. `name` is the spec's, `meta_name` the one at Meta."""

    name: str
    meta_name: str
    language: str
    category: TemplateCategory
    components: Sequence[Component] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        return fingerprint([self.category, list(self.components)])

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"


def desired_cloud_api(spec: BusinessTenantSpec) -> DesiredCloudAPI | None:
    """None on every other channel."""
    whatsapp = spec.whatsapp
    if whatsapp is None or whatsapp.channel is not Channel.CLOUD_API or whatsapp.cloud_api is None:
        return None
    given = whatsapp.cloud_api
    return DesiredCloudAPI(given.phone_number_id, given.business_account_id, given.access_token_secret_ref)


def desired_business_profile(business: Business) -> DesiredBusinessProfile:
    return DesiredBusinessProfile(
        BusinessProfile(
            about=business.about or None,
            description=business.description,
            address=business.address,
            email=business.email,
            websites=tuple(business.websites) if business.websites is not None else None,
            vertical=vertical_of(business.category),
        )
    )


def desired_templates(spec: BusinessTenantSpec, owner: Owner) -> tuple[DesiredTemplate, ...]:
    """In the order of the spec."""
    if desired_cloud_api(spec) is None or spec.whatsapp is None:
        return ()
    return tuple(
        DesiredTemplate(
            name=template.name,
            meta_name=f"{owner.template_prefix}{template.name}",
            language=template.language,
            category=TemplateCategory(template.category.value.upper()),
            components=tuple(template.components),
        )
        for template in spec.whatsapp.templates or ()
    )
