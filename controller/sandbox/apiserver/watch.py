"""WATCH: a stream of events from a revision on, with bookmarks."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import orjson

from . import errors, requests
from .listing import list_options_error
from .rendering import Renderer
from .selection import Selection
from .store import Collection, Event, EventType, HistoryExpiredError, Record, Store, make_record

INITIAL_EVENTS_END: Final = {"k8s.io/initial-events-end": "true"}
_LAST_BOOKMARK: Final = 2.0
"""Seconds before the end of a watch at which the real server sends the last bookmark."""
_BATCH: Final = 200
"""Events that are sent in one write."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    start: int | None
    """Revision after which events are wanted; None or 0: begin with what exists."""
    bookmarks: bool
    send_initial_events: bool
    timeout: float
    """Seconds after which the server ends the watch."""

    @property
    def begins_with_all(self) -> bool:
        return self.send_initial_events or not self.start


_DEFAULT_TIMEOUT: Final = 30 * 60.0


def watch_options(query: Mapping[str, str]) -> WatchOptions:
    """Read the options of a watch.

    Raises:
        ApiError: 400 or 422 for options that do not fit together.

    """
    initial = requests.is_true(query.get("sendInitialEvents", ""))
    match_ = query.get("resourceVersionMatch", "")
    if "sendInitialEvents" in query and match_ != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise list_options_error("resourceVersionMatch", why)
    return WatchOptions(
        start=requests.resource_version(query),
        bookmarks=requests.is_true(query.get("allowWatchBookmarks", "")),
        send_initial_events=initial,
        timeout=float(requests.integer(query, "timeoutSeconds") or _DEFAULT_TIMEOUT),
    )


class Watch:
    """One client's watch of one collection."""

    def __init__(
        self,
        store: Store,
        collection: Collection,
        selection: Selection,
        renderer: Renderer,
        options: WatchOptions,
        bookmark_interval: float,
    ) -> None:
        """Prepare a watch; `bookmark_interval` is in seconds."""
        self._store = store
        self._collection = collection
        self._selection = selection
        self._renderer = renderer
        self._options = options
        self._bookmark_interval = bookmark_interval
        self._sent_any = False
        self._revision = store.revision if options.begins_with_all else (options.start or 0)

    async def chunks(self) -> AsyncGenerator[bytes]:
        """What to send, in pieces, until time is up or the server stops."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.timeout
        flag = self._collection.listen()
        try:
            if self._options.begins_with_all:
                for chunk in self._initial():
                    yield chunk
            next_bookmark = self._next_bookmark(loop.time(), deadline)
            while True:
                flag.clear()
                events = self._new_events()
                if events is None:
                    yield self._expired()
                    return
                for start in range(0, len(events), _BATCH):
                    batch = events[start : start + _BATCH]
                    if chunk := b"".join(filter(None, map(self._render, batch))):
                        yield chunk
                    self._revision = batch[-1].revision
                now = loop.time()
                if events:
                    continue
                if now >= deadline or self._collection.closed:
                    return
                if self._options.bookmarks and now >= next_bookmark:
                    next_bookmark = self._next_bookmark(now, deadline)
                    yield self._bookmark()
                until = min(deadline, next_bookmark) if self._options.bookmarks else deadline
                with suppress(TimeoutError):
                    await asyncio.wait_for(flag.wait(), until - now)
        finally:
            self._collection.unlisten(flag)

    def _new_events(self) -> list[Event] | None:
        """What happened since the last event sent; None when that is no longer known."""
        # A revision of the future is of another life of this server: the client must list again too.
        if self._revision > self._store.revision:
            return None
        try:
            return self._collection.events_after(self._revision)
        except HistoryExpiredError:
            return None

    def _expired(self) -> bytes:
        error = HistoryExpiredError(self._revision, self._collection.oldest_revision)
        return _line("ERROR", orjson.dumps(errors.expired(str(error)).body()))

    def _next_bookmark(self, now: float, deadline: float) -> float:
        """After the usual interval, and shortly before the end, so that the next watch has little to catch up with."""
        regular, last = now + self._bookmark_interval, deadline - _LAST_BOOKMARK
        return last if now < last < regular else regular

    def _initial(self) -> list[bytes]:
        revision = self._revision
        lines = [
            self._event(EventType.ADDED, record)
            for key in self._collection.scan(self._selection.namespace)
            if self._selection.matches(key, record := self._collection.objects[key])
        ]
        chunks = [b"".join(lines[start : start + _BATCH]) for start in range(0, len(lines), _BATCH)]
        if self._options.send_initial_events and self._options.bookmarks:
            chunks.append(_line("BOOKMARK", self._renderer.bookmark(revision, INITIAL_EVENTS_END)))
        return chunks

    def _render(self, event: Event) -> bytes | None:
        """An event as this watch's selection sees it: objects come and go as they begin and cease to match."""
        if not self._selection.filters():
            if self._selection.namespace and event.key[0] != self._selection.namespace:
                return None
            return self._event(event.type, event.record)
        matched = event.previous is not None and self._selection.matches(event.key, event.previous)
        matches = event.type is not EventType.DELETED and self._selection.matches(event.key, event.record)
        if matches:
            return self._event(EventType.MODIFIED if matched else EventType.ADDED, event.record)
        return self._event(EventType.DELETED, _last_match(event)) if matched else None

    def _event(self, type_: EventType, record: Record) -> bytes:
        first, self._sent_any = not self._sent_any, True
        return _line(type_, self._renderer.watch_item(record, first=first))

    def _bookmark(self) -> bytes:
        # Nothing of this kind happened up to the newest revision, or it has been sent.
        self._revision = self._store.revision
        return _line("BOOKMARK", self._renderer.bookmark(self._revision, {}))


def _last_match(event: Event) -> Record:
    """What a watch is shown of an object that goes out of its selection: the last state in it, at the new revision."""
    if event.type is EventType.DELETED or event.previous is None:
        return event.record
    body = event.previous.parse()
    body["metadata"]["resourceVersion"] = str(event.revision)
    return make_record(body, event.revision)


def _line(type_: str, item: bytes) -> bytes:
    return b'{"type":"' + type_.encode() + b'","object":' + item + b"}\n"
