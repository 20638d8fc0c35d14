"""What bulk reads showed of an account or a server: complete lists only, compared in memory with every tenant.

A list is put in whole or not at all; a partial or failed one is never a snapshot. What we wrote ourselves since a
list began is laid over it, so that a list that was under way does not undo it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from controller.providers.telephony.protocol import OwnedNumber
from controller.reconcile.ownership import Mark

Row = TypeVar("Row")

# One list that lacks a thing may be a slip of the other side; two in a row are believed.
LISTS_THAT_PROVE_LOSS: Final = 2


class Listed(Generic[Row]):
    """Rows of the last complete list, with our own writes laid over it, and how often each was missed since."""

    def __init__(self) -> None:
        self.complete_lists = 0
        self.began_at: datetime | None = None
        self._rows: dict[str, Row] = {}
        self._missed: dict[str, int] = {}
        self._written: dict[str, tuple[datetime, Row | None]] = {}

    @property
    def proven(self) -> bool:
        """Whether this process has one complete list, so that absence from it means absence."""
        return self.complete_lists > 0

    def shows(self, since: datetime) -> bool:
        """Whether there is a complete list that began at the moment given or later."""
        return self.began_at is not None and self.began_at >= since

    def crossed(self, moment: datetime, before: datetime | None) -> bool:
        """Whether the newest list is the first complete one after the moment; `before` is when the last one began."""
        return self.shows(moment) and (before is None or before < moment)

    @property
    def rows(self) -> Mapping[str, Row]:
        return MappingProxyType(self._rows)

    def get(self, key: str) -> Row | None:
        return self._rows.get(key)

    def put(self, began_at: datetime, rows: Mapping[str, Row]) -> frozenset[str]:
        """Take a complete list that began at `began_at`.

        Answers the keys whose tenants should look: appeared, changed, missed for the first time, loss proven.
        """
        before = self._rows
        fresh = dict(rows)
        self._written = {key: entry for key, entry in self._written.items() if entry[0] >= began_at}
        for key, (_, written) in self._written.items():
            if written is None:
                fresh.pop(key, None)
            else:
                fresh[key] = written
        changed = {key for key, row in fresh.items() if before.get(key) != row}
        for key in before.keys() - fresh.keys():
            self._missed[key] = 0
        for key in list(self._missed):
            if key in fresh:
                del self._missed[key]
            else:
                self._missed[key] += 1
                if self._missed[key] <= LISTS_THAT_PROVE_LOSS:
                    changed.add(key)
        for key in changed:
            self._replace(key, fresh.get(key))
        self.began_at = began_at
        self.complete_lists += 1
        return frozenset(changed)

    def record(self, key: str, row: Row | None, at: datetime) -> None:
        """Lay our own write over the lists: the row as read back, or None for what we removed."""
        self._written[key] = (at, row)
        if row is None:
            # Seen to go by ourselves: no list has to prove it.
            self._missed[key] = LISTS_THAT_PROVE_LOSS
        else:
            self._missed.pop(key, None)
        self._replace(key, row)

    def expect(self, key: str) -> None:
        """Somebody holds the key: where the lists lack it, count from the last one on until its loss is proven.

        Without this, what went while no process ran would never be missed by a list of this one.
        """
        if self.proven and key not in self._rows:
            self._missed.setdefault(key, 1)

    def loss_proven(self, key: str) -> bool:
        """Whether two consecutive complete lists lack a key that was listed or expected, or we removed it."""
        return self._missed.get(key, 0) >= LISTS_THAT_PROVE_LOSS

    def has_doubts(self) -> bool:
        """Whether something was missed once: the next complete list decides."""
        return any(lists < LISTS_THAT_PROVE_LOSS for lists in self._missed.values())

    def _replace(self, key: str, row: Row | None) -> None:
        if row is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = row


class ListedNumbers(Listed[OwnedNumber]):
    """Numbers of an account by E.164, found by mark too."""

    def __init__(self) -> None:
        super().__init__()
        self._by_tenant: dict[tuple[str, str], set[str]] = {}

    def carrying(self, cluster_id: str, tenant_hash: str) -> Sequence[OwnedNumber]:
        """Numbers with this tenant's mark, in either state, lowest E.164 first."""
        return [self._rows[number] for number in sorted(self._by_tenant.get((cluster_id, tenant_hash), ()))]

    def put_numbers(self, began_at: datetime, numbers: Iterable[OwnedNumber]) -> frozenset[str]:
        """As `put`, for a plain list."""
        return self.put(began_at, {number.number: number for number in numbers})

    def _replace(self, key: str, row: OwnedNumber | None) -> None:
        old = self._rows.get(key)
        if old is not None and (mark := Mark.parse(old.settings.label)) is not None:
            self._by_tenant[mark.cluster_id, mark.tenant_hash].discard(key)
        super()._replace(key, row)
        if row is not None and (mark := Mark.parse(row.settings.label)) is not None:
            self._by_tenant.setdefault((mark.cluster_id, mark.tenant_hash), set()).add(key)
