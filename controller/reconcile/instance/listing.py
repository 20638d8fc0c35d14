"""Instances of a server: rows from its database, live states from its memory, and what became of them over time."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from controller.providers.evolution.protocol import InstanceRow, Integration, LiveStates, SessionState
from controller.reconcile.snapshot import Listed

# Fewer sessions than this are lost one by one; from there on more than half of them is the server's way out.
_MANY: Final = 3
_READINGS_BELIEVED: Final = 3


@dataclass(slots=True)
class ListedInstances:
    """`changes` counts sessions that opened or closed, `open_seconds` how long each was seen open, by name; both
    since this process started.
    """

    listed: Listed[InstanceRow] = field(default_factory=Listed)
    live: LiveStates | None = None
    live_at: datetime | None = None
    changes: int = 0
    open_seconds: Counter[str] = field(default_factory=Counter)
    _readings_without_whatsapp: int = 0

    def live_state(self, name: str) -> SessionState | None:
        """State in the server's memory; None when it is not loaded or has no row any more.

        Without /metrics the database's column stands in, which lags. An instance that is paired and not open is
        reconnecting: while WhatsApp cannot be reached it flaps many times a second (measured), which says nothing.
        """
        row = self.listed.get(name)
        if self.live is None:
            return row.stored_state if row else None
        return _settled(self.live.states.get(name), row)

    def put_live(self, read_at: datetime, live: LiveStates) -> frozenset[str]:
        """Take a reading of /metrics; answers the names whose state differs from the reading before."""
        before, since = self.live, self.live_at
        self.live, self.live_at = live, read_at
        if before is None:
            return frozenset(live.states)
        changed = set[str]()
        for name in before.states.keys() | live.states.keys():
            row = self.listed.get(name)
            was, now = _settled(before.states.get(name), row), _settled(live.states.get(name), row)
            if was is not now:
                changed.add(name)
            self.changes += (was is SessionState.OPEN) is not (now is SessionState.OPEN)
            if was is now is SessionState.OPEN and since is not None:
                self.open_seconds[name] += int((read_at - since).total_seconds())
        self._readings_without_whatsapp = (
            self._readings_without_whatsapp + 1 if self._most_are_cut_off() else 0
        )
        return frozenset(changed)

    def without_live(self) -> frozenset[str]:
        """There are no live states (any more): the database's stand in. Answers the names whose state differs now."""
        before = {name: self.live_state(name) for name in self.listed.rows}
        self.live = self.live_at = None
        return frozenset(name for name, state in before.items() if self.live_state(name) is not state)

    def record_live(self, name: str, state: SessionState | None) -> None:
        """Lay a targeted reading of one instance over the bulk reading."""
        if self.live is None:
            return
        states = {k: v for k, v in self.live.states.items() if k != name}
        if state is not None:
            states[name] = state
        self.live = LiveStates(self.live.version, self.live.client_name, states)

    def suspects_change(self) -> bool:
        """Whether memory and the last list name different instances, so that a new list is due now."""
        return self.live is not None and self.live.states.keys() != self.listed.rows.keys()

    @property
    def without_whatsapp(self) -> bool:
        """Whether most paired sessions have been cut off for some readings: longer than the server takes to boot."""
        return self._readings_without_whatsapp >= _READINGS_BELIEVED

    def cut_off(self) -> tuple[int, int]:
        """Paired instances that are not open, and paired instances in all."""
        paired = [name for name, row in self.listed.rows.items() if _is_paired(row)]
        states = self.live.states if self.live is not None else {}
        return sum(name in states and states[name] is not SessionState.OPEN for name in paired), len(paired)

    def _most_are_cut_off(self) -> bool:
        down, paired = self.cut_off()
        return down >= _MANY and 2 * down > paired


def _settled(state: SessionState | None, row: InstanceRow | None) -> SessionState | None:
    reconnecting = state is SessionState.CLOSE and row is not None and _is_paired(row)
    return SessionState.CONNECTING if reconnecting else state


def _is_paired(row: InstanceRow) -> bool:
    """The row stays `open` through every outage and leaves it only at a terminal disconnect (measured)."""
    return (
        row.integration == Integration.BAILEYS.value
        and row.stored_state is SessionState.OPEN
        and row.owner_number is not None
    )
