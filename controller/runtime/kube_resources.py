"""The Kubernetes resources that the operator asks for, as the API server knows them."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from controller.api.group import GROUP, VERSION, Kind


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource in a version of an API group; `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """`apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def may_hold_secrets(self) -> bool:
        """Whether what the API server says about an object's content must not be repeated anywhere."""
        return self.plural in {"secrets", "tokenreviews"}

    def path(
        self, name: str | None = None, namespace: str | None = None, subresource: str | None = None
    ) -> str:
        """URL path of the collection, an object or its subresource.

        Without a namespace the collection of a namespaced resource is that of all namespaces. Raises
        ValueError for a single object of a namespaced resource without its namespace, and the other way
        round.
        """
        if namespace is not None and not self.namespaced:
            message = f"{self.plural} are not namespaced; no namespace must be given."
            raise ValueError(message)
        if name is not None and namespace is None and self.namespaced:
            message = f"{self.plural} are namespaced; the namespace of {name} must be given."
            raise ValueError(message)
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part is not None]
        return "/" + "/".join(quote(part, safe="") for part in parts)


def _ours(kind: Kind, *, namespaced: bool) -> Resource:
    return Resource(GROUP, VERSION, kind.plural, kind.value, namespaced)


BUSINESS_TENANTS: Final = _ours(Kind.BUSINESS_TENANT, namespaced=True)
PHONE_PROVIDERS: Final = _ours(Kind.PHONE_PROVIDER, namespaced=False)
EVOLUTION_SERVERS: Final = _ours(Kind.EVOLUTION_SERVER, namespaced=False)
SECRETS: Final = Resource("", "v1", "secrets", "Secret", namespaced=True)
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap", namespaced=True)
EVENTS: Final = Resource("", "v1", "events", "Event", namespaced=True)
NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease", namespaced=True)
TOKEN_REVIEWS: Final = Resource(
    "authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False
)
SUBJECT_ACCESS_REVIEWS: Final = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)
CUSTOM_RESOURCE_DEFINITIONS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
