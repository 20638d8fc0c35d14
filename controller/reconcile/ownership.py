"""Whose an outside object is: marks on numbers, names of instances.

The mark outlives status, object and cluster: it is how a re-applied tenant finds its own number again, and how
two clusters in one account keep their hands off each other's numbers.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

# FriendlyName holds 64 characters; of those the readable rest gets what remains.
MARK_LIMIT: Final = 64
_MARK: Final = re.compile(
    r"^bt1:(?P<cluster>[a-z0-9-]{1,16}):(?P<state>[ar]):(?P<tenant>[a-z2-7]{22})(?::|$)"
)
_INSTANCE: Final = re.compile(r"^[a-z0-9][a-z0-9-]{0,29}-[a-z2-7]{16}$")
_NOT_READABLE: Final = re.compile(r"[^a-zA-Z0-9./-]+")
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")


class MarkState(StrEnum):
    """Whether the tenant uses what it marked, or was deleted and left it behind."""

    ACTIVE = "a"
    RELEASED = "r"


@dataclass(frozen=True, slots=True)
class Mark:
    """The owner of a number, as far as the mark tells."""

    cluster_id: str
    state: MarkState
    tenant_hash: str

    @classmethod
    def parse(cls, label: str) -> Self | None:
        """Read a label; None for one that is not a mark of any cluster."""
        match = _MARK.match(label)
        if match is None:
            return None
        return cls(match["cluster"], MarkState(match["state"]), match["tenant"])


@dataclass(frozen=True, slots=True)
class Owner:
    """A tenant as the owner of outside objects."""

    cluster_id: str
    namespace: str
    name: str

    @property
    def tenant_hash(self) -> str:
        """22 characters of base32(sha256(namespace/name)): compared instead of the readable name."""
        return _base32(f"{self.namespace}/{self.name}")[:22]

    def label(self, state: MarkState = MarkState.ACTIVE) -> str:
        """The mark in full, at most 64 characters, ending in as much of the tenant's name as fits."""
        readable = _NOT_READABLE.sub("-", f"{self.namespace}/{self.name}")
        return f"bt1:{self.cluster_id}:{state.value}:{self.tenant_hash}:{readable}"[:MARK_LIMIT]

    def owns(self, mark: Mark | None) -> bool:
        """Whether the mark is this tenant's, in either state."""
        return mark is not None and (mark.cluster_id, mark.tenant_hash) == (self.cluster_id, self.tenant_hash)

    @property
    def instance_name(self) -> str:
        """`<slug>-<hash>`: unique over clusters that share an Evolution server or database."""
        slug = _NOT_SLUG.sub("-", self.name.lower()).strip("-")[:30].strip("-") or "tenant"
        return f"{slug}-{_base32(f'{self.cluster_id}/{self.namespace}/{self.name}')[:16]}"

    @property
    def template_prefix(self) -> str:
        """What names of message templates begin with: tenants that share a business account keep apart by it."""
        return f"{_base32(f'{self.cluster_id}/{self.namespace}/{self.name}')[:12]}_"


def is_derived_instance_name(name: str) -> bool:
    """Whether an instance is named as a tenant's is, in whatever cluster: the hash cannot be read backwards."""
    return _INSTANCE.match(name) is not None


# A pass asks several times for its tenant's, and many passes are under way at once.
@lru_cache(maxsize=256)
def _base32(text: str) -> str:
    """The first 24 characters of the hash in base32: more are never used, and each costs a loop in Python."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()[:15]).decode().lower()
