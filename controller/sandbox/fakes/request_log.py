"""What was asked of a fake: counts by method and path template, and a bounded list in order."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

DROPPED = 0
"""The status recorded for a request whose connection was closed without an answer."""


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request. `agent` is who sent it, as it said. Times are seconds of the monotonic clock; `fields` never holds a
    secret.
    """

    method: str
    path: str
    template: str
    status: int
    started: float
    finished: float
    fields: Mapping[str, object]
    agent: str = ""

    def describe(self) -> dict[str, object]:
        return {
            "method": self.method,
            "path": self.path,
            "template": self.template,
            "status": self.status,
            "started": self.started,
            "finished": self.finished,
            "fields": dict(self.fields),
            "agent": self.agent,
        }


class RequestLog:
    """Counts every request, keeps the details of the newest `limit`."""

    def __init__(self, limit: int = 20_000) -> None:
        self._counts: Counter[str] = Counter()
        self._newest: deque[LoggedRequest] = deque(maxlen=limit)

    def add(self, request: LoggedRequest) -> None:
        self._counts[f"{request.method} {request.template}"] += 1
        self._newest.append(request)

    def clear(self) -> None:
        self._counts.clear()
        self._newest.clear()

    def counts(self) -> dict[str, int]:
        return dict(self._counts)

    def details(self) -> list[dict[str, object]]:
        return [request.describe() for request in self._newest]
