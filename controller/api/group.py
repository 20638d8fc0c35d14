"""Names under which the API server knows our kinds, and the annotations people may set on them."""

from enum import StrEnum
from typing import Final

GROUP: Final = "x-sevenai.com"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = GROUP.removesuffix(".com")

# kopf strips the finalizer of its own name from every object that none of its handlers needs,
# so ours must have another one (measured: it would be removed from all tenants at start).
TENANT_FINALIZER: Final = f"{GROUP}/tenant"
SERVING_FINALIZER: Final = f"{GROUP}/serving-tenants"


class Kind(StrEnum):
    """A kind of ours; the value is its `kind`."""

    BUSINESS_TENANT = "BusinessTenant"
    PHONE_PROVIDER = "PhoneProvider"
    EVOLUTION_SERVER = "EvolutionServer"

    @property
    def plural(self) -> str:
        """Lower-case plural as it stands in URLs."""
        return f"{self.value.lower()}s"


class Annotation(StrEnum):
    """Annotations that a person may set on a tenant; see the reference page for what each does."""

    PAUSED = f"{GROUP}/paused"
    RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
    APPROVE_RELEASE = f"{GROUP}/approve-release"
    APPROVE_REPLACEMENT = f"{GROUP}/approve-replacement"
    APPROVE_MOVE = f"{GROUP}/approve-move"
