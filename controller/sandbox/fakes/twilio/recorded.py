"""Lists of what happened on an account's numbers, newest first: filters by party and time, and pages."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from aiohttp import web

from controller.sandbox.fakes.twilio.errors import refused
from controller.sandbox.fakes.twilio.pages import page_of
from controller.sandbox.fakes.wire import json_response


class Recorded(Protocol):
    """A call or a message."""

    @property
    def sid(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def destination(self) -> str: ...


Record = TypeVar("Record", bound=Recorded)


def page_of_recorded(
    request: web.Request,
    recorded: Sequence[Record],
    *,
    name: str,
    time_filter: str,
    time_of: Callable[[Record], datetime],
    describe: Callable[[Record], object],
    is_wanted: Callable[[Record], bool] = lambda _: True,
) -> web.Response:
    """The page that the query asks for, of those that it and `is_wanted` leave; `recorded` oldest first.

    `time_filter` is what the query calls the time: alone it means a day, with `>` or `<` a bound. Raises TwilioError.
    """
    query = request.query
    positions = {record.sid: index for index, record in enumerate(recorded)}
    after, before, day = (_moment(query.get(f"{time_filter}{relation}")) for relation in (">", "<", ""))
    shown = [
        record
        for record in reversed(recorded)
        if is_wanted(record)
        and query.get("To", record.destination) == record.destination
        and query.get("From", record.source) == record.source
        and (after is None or time_of(record) >= after)
        and (before is None or time_of(record) <= before)
        and (day is None or day <= time_of(record) < day + timedelta(days=1))
    ]
    return json_response(
        page_of(
            shown,
            name=name,
            path=request.path,
            query=query,
            describe=describe,
            token_of=lambda record: record.sid,
            is_after=lambda record, sid: positions[record.sid] < positions.get(sid, 0),
        ),
    )


def _moment(text: str | None) -> datetime | None:
    """Read a date or a time of the query; times without a zone are UTC. Raises TwilioError."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refused(20001, f"{text!r} is not a date: use YYYY-MM-DD") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
