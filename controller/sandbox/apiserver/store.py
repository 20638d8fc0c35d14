"""Objects in memory: one revision counter for all, a bounded history for watches and consistent paging.

Bodies are kept as compact JSON without `apiVersion` and `kind` (a third of the memory of dictionaries, and what every
list and watch sends is a concatenation). All methods are synchronous, so each write is atomic on the event loop.
"""

import asyncio
import bisect
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped kinds) and name."""

_HISTORY_EVENTS: Final = 20_000
_HISTORY_BYTES: Final = 12 * 2**20


class EventType(enum.StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Record:
    """One version of one object."""

    revision: int
    body: bytes
    uid: str
    labels: Mapping[str, str] | None
    owners: tuple[str, ...] = ()
    is_terminating: bool = False

    def parse(self) -> dict[str, Any]:
        parsed: dict[str, Any] = orjson.loads(self.body)
        return parsed


@dataclass(frozen=True, slots=True)
class Event:
    type: EventType
    key: Key
    record: Record
    previous: Record | None

    @property
    def revision(self) -> int:
        return self.record.revision

    @property
    def size(self) -> int:
        """Bytes that the history keeps alive with it."""
        return len(self.record.body) + (len(self.previous.body) if self.previous is not None else 0)


class HistoryExpiredError(Exception):
    """The wanted revision is older than the history reaches."""

    def __init__(self, wanted: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {wanted} ({oldest})")


@dataclass(slots=True)
class Collection:
    """All objects of one kind, whatever version they are read in."""

    objects: dict[Key, Record] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    closed: bool = False
    last_revision: int = 0
    _history: list[Event] = field(default_factory=list)
    _history_bytes: int = 0
    _compacted: int = 0
    _listeners: set[asyncio.Event] = field(default_factory=set)

    @property
    def oldest_revision(self) -> int:
        """The revision from which on everything that happened is known."""
        return self._compacted

    def events_after(self, revision: int) -> list[Event]:
        """Everything that happened after `revision`, oldest first.

        Raises:
            HistoryExpiredError: some of it is forgotten; the client must list again.

        """
        if revision < self._compacted:
            raise HistoryExpiredError(revision, self._compacted)
        start = bisect.bisect_right(self._history, revision, key=lambda event: event.revision)
        return self._history[start:]

    def at(self, revision: int) -> Mapping[Key, Record | None]:
        """How the objects differed from now at `revision`: those changed since, None where there was none.

        Raises:
            HistoryExpiredError: the history does not reach back that far.

        """
        changed: dict[Key, Record | None] = {}
        for event in self.events_after(revision):
            changed.setdefault(event.key, event.previous)
        return changed

    def scan(self, namespace: str, after: Key | None = None) -> Iterator[Key]:
        """Keys in order, of one namespace or (empty) of all, from behind `after` on."""
        start = bisect.bisect_right(self.keys, after) if after is not None else 0
        if namespace:
            start = max(start, bisect.bisect_left(self.keys, (namespace, "")))
        for position in range(start, len(self.keys)):
            key = self.keys[position]
            if namespace and key[0] != namespace:
                return
            yield key

    def listen(self) -> asyncio.Event:
        """A flag that is raised at every change, until `unlisten`."""
        flag = asyncio.Event()
        self._listeners.add(flag)
        return flag

    def unlisten(self, flag: asyncio.Event) -> None:
        self._listeners.discard(flag)

    def notify(self) -> None:
        for flag in self._listeners:
            flag.set()

    def close(self) -> None:
        """End all watches: the kind is gone or the server stops."""
        self.closed = True
        self.notify()

    def put(self, event: Event) -> None:
        self.last_revision = event.revision
        if event.type is EventType.DELETED:
            del self.objects[event.key]
            del self.keys[bisect.bisect_left(self.keys, event.key)]
        else:
            self.objects[event.key] = event.record
            if event.type is EventType.ADDED:
                bisect.insort(self.keys, event.key)
        self._remember(event)
        self.notify()

    def restore(self, key: Key, record: Record) -> None:
        """Put back an object from a snapshot; it has no history."""
        self.objects[key] = record
        bisect.insort(self.keys, key)
        self.last_revision = max(self.last_revision, record.revision)

    def forget_before(self, revision: int) -> None:
        """Compact: a watch or page from before `revision` is answered with 410 from now on."""
        keep = bisect.bisect_right(self._history, revision, key=lambda event: event.revision)
        self._drop(keep)
        self._compacted = max(self._compacted, revision)

    def _remember(self, event: Event) -> None:
        self._history.append(event)
        self._history_bytes += event.size
        if len(self._history) > _HISTORY_EVENTS or self._history_bytes > _HISTORY_BYTES:
            # A quarter at once keeps this rare.
            self._drop(max(1, len(self._history) // 4))

    def _drop(self, count: int) -> None:
        dropped = self._history[:count]
        if not dropped:
            return
        self._history_bytes -= sum(event.size for event in dropped)
        self._compacted = max(self._compacted, dropped[-1].revision)
        del self._history[:count]


class Store:
    """All collections, by group and plural."""

    def __init__(self) -> None:
        self.revision = 1
        self._collections: dict[tuple[str, str], Collection] = {}
        self._dependents: dict[str, set[tuple[str, str, Key]]] = {}

    def collection(self, group: str, plural: str) -> Collection:
        """The objects of a kind. What was before its first use is not known: an older watch is answered with 410."""
        place = (group, plural)
        found = self._collections.get(place)
        if found is None:
            found = self._collections[place] = Collection(_compacted=self.revision)
        return found

    def collections(self) -> list[tuple[tuple[str, str], Collection]]:
        return list(self._collections.items())

    def drop(self, group: str, plural: str) -> None:
        collection = self._collections.pop((group, plural), None)
        if collection is not None:
            collection.close()

    def dependents(self, owner_uid: str) -> list[tuple[str, str, Key]]:
        """Group, plural and key of the objects that name this uid as an owner."""
        return sorted(self._dependents.get(owner_uid, ()))

    def create(self, group: str, plural: str, key: Key, body: dict[str, Any]) -> Record:
        record = self._record(body)
        self._commit(group, plural, Event(EventType.ADDED, key, record, None))
        return record

    def update(self, group: str, plural: str, key: Key, body: dict[str, Any]) -> Record:
        previous = self.collection(group, plural).objects[key]
        record = self._record(body)
        self._commit(group, plural, Event(EventType.MODIFIED, key, record, previous))
        return record

    def delete(self, group: str, plural: str, key: Key, body: dict[str, Any]) -> Record:
        """Remove an object; `body` is its last state, as watchers see it."""
        previous = self.collection(group, plural).objects[key]
        record = self._record(body)
        self._commit(group, plural, Event(EventType.DELETED, key, record, previous))
        return record

    def rebase(self, revision: int) -> None:
        """Go on from the revision of another life; what happened before it is not known."""
        self.revision = revision
        for collection in self._collections.values():
            collection.forget_before(revision)

    def restore(self, group: str, plural: str, key: Key, body: dict[str, Any]) -> None:
        record = make_record(body, int(body["metadata"]["resourceVersion"]))
        self._index(group, plural, key, (), record.owners)
        self.collection(group, plural).restore(key, record)

    def _record(self, body: dict[str, Any]) -> Record:
        self.revision += 1
        body["metadata"]["resourceVersion"] = str(self.revision)
        return make_record(body, self.revision)

    def _commit(self, group: str, plural: str, event: Event) -> None:
        before = event.previous.owners if event.previous is not None else ()
        after = () if event.type is EventType.DELETED else event.record.owners
        self._index(group, plural, event.key, before, after)
        self.collection(group, plural).put(event)

    def _index(
        self, group: str, plural: str, key: Key, before: tuple[str, ...], after: tuple[str, ...]
    ) -> None:
        for uid in before:
            if uid not in after:
                self._dependents[uid].discard((group, plural, key))
                if not self._dependents[uid]:
                    del self._dependents[uid]
        for uid in after:
            self._dependents.setdefault(uid, set()).add((group, plural, key))


def make_record(body: dict[str, Any], revision: int) -> Record:
    metadata = body["metadata"]
    stored = {key: value for key, value in body.items() if key not in {"apiVersion", "kind"}}
    owners = metadata.get("ownerReferences") or ()
    return Record(
        revision=revision,
        body=orjson.dumps(stored),
        uid=metadata.get("uid", ""),
        labels=metadata.get("labels") or None,
        owners=tuple(owner["uid"] for owner in owners),
        is_terminating="deletionTimestamp" in metadata,
    )
