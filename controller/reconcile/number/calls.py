"""Calls of an account's numbers, gathered from lists that begin where the last one ended: no call for each tenant.

Those of the last hours are kept, so that a tenant whose count in status is some hours old is brought up to date
without asking, also after a restart.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from controller.providers.telephony.protocol import CallDirection, CallRecord

KEPT: Final = timedelta(hours=8)
# Calls may enter the provider's list a little late.
OVERLAP: Final = timedelta(minutes=5)
LATE: Final = timedelta(minutes=1)


@dataclass(slots=True)
class CallLog:
    """Inbound calls by number. `listed_at` is when the last list was asked for; `told` whether the provider has any."""

    listed_at: datetime | None = None
    told: bool = True
    # Since this process started, for metrics.
    counts: Counter[str] = field(default_factory=Counter)
    # Beginnings of calls by number and id.
    _calls: dict[str, dict[str, datetime]] = field(default_factory=dict)

    def ask_since(self, now: datetime) -> datetime:
        """Where the next list has to begin."""
        return now - KEPT if self.listed_at is None else self.listed_at - OVERLAP

    @property
    def complete_until(self) -> datetime | None:
        """The moment up to which all calls are known; None before the first list."""
        return None if self.listed_at is None else (self.listed_at - LATE).replace(microsecond=0)

    def take(self, calls: Iterable[CallRecord], began_at: datetime) -> None:
        """Take a list that was asked for at `began_at`; calls known already count nothing twice."""
        first = self.listed_at is None
        for call in calls:
            known = self._calls.setdefault(call.number, {})
            if call.direction is not CallDirection.INBOUND or call.id in known:
                continue
            known[call.id] = call.started_at
            if not first:
                # What came before this process is another process's count.
                self.counts[call.number] += 1
        self.listed_at = began_at
        oldest = began_at - KEPT
        for number, known in list(self._calls.items()):
            self._calls[number] = {id_: began for id_, began in known.items() if began >= oldest}
            if not self._calls[number]:
                del self._calls[number]

    def handled(self, number: str, after: datetime, until: datetime) -> int:
        """Calls of the number that began after the one moment, and not after the other."""
        return sum(after < began <= until for began in self._calls.get(number, {}).values())
