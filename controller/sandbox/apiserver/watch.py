"""WATCH: a stream of events from a revision on, with bookmarks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from . import errors, requests
from .reading import Renderer, Selection
from .store import Collection, Event, EventType, HistoryExpiredError, Record, Store

INITIAL_EVENTS_END: Final = {"k8s.io/initial-events-end": "true"}
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
        raise errors.ApiError(
            422,
            "Invalid",
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting'
            " resourceVersionMatch to NotOlderThan",
            {
                "group": "meta.k8s.io",
                "kind": "ListOptions",
                "causes": [
                    {
                        "reason": "FieldValueForbidden",
                        "message": "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                        "field": "resourceVersionMatch",
                    }
                ],
            },
        )
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
        """Prepare a watch.

        Raises:
            ApiError: 410 when the history does not reach back to the wanted revision.
        """
        self._store = store
        self._collection = collection
        self._selection = selection
        self._renderer = renderer
        self._options = options
        self._bookmark_interval = bookmark_interval
        self._sent_any = False
        start = options.start
        if start is not None and start > store.revision:
            raise errors.too_large_resource_version(start, store.revision)
        self._revision = store.revision if options.begins_with_all else (start or 0)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What to send, in pieces, until time is up or the server stops."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.timeout
        flag = self._collection.listen()
        try:
            if self._options.begins_with_all:
                for chunk in self._initial():
                    yield chunk
            next_bookmark = loop.time() + self._bookmark_interval
            while not self._collection.closed:
                flag.clear()
                try:
                    events = self._collection.events_after(self._revision)
                except HistoryExpiredError as error:
                    yield _line("ERROR", orjson.dumps(errors.expired(str(error)).body()))
                    return
                for start in range(0, len(events), _BATCH):
                    batch = events[start : start + _BATCH]
                    if chunk := b"".join(filter(None, map(self._render, batch))):
                        yield chunk
                    self._revision = batch[-1].revision
                if events:
                    continue
                now = loop.time()
                if now >= deadline:
                    return
                if self._options.bookmarks and now >= next_bookmark:
                    next_bookmark = now + self._bookmark_interval
                    yield self._bookmark()
                until = min(deadline, next_bookmark) if self._options.bookmarks else deadline
                try:
                    await asyncio.wait_for(flag.wait(), until - now)
                except TimeoutError:
                    continue
        finally:
            self._collection.unlisten(flag)

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
        return self._event(EventType.DELETED, event.record) if matched else None

    def _event(self, type_: EventType, record: Record) -> bytes:
        first, self._sent_any = not self._sent_any, True
        return _line(type_, self._renderer.watch_item(record, first=first))

    def _bookmark(self) -> bytes:
        # Nothing of this kind happened up to the newest revision, or it has been sent.
        self._revision = self._store.revision
        return _line("BOOKMARK", self._renderer.bookmark(self._revision, {}))


def _line(type_: str, item: bytes) -> bytes:
    return b'{"type":"' + type_.encode() + b'","object":' + item + b"}\n"
