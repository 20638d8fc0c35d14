"""Everything that leaves the process under test: counted, checked, and cut off where a test orders it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import orjson
import pytest

from controller.providers.transport import Answer as OutsideAnswer
from controller.providers.transport import Call, Judge, Transport
from controller.runtime.kube_connection import Answer, KubeConnection, Request
from tests.condition_rules import broken_rules

# What is written on providers and servers is no part of a tenant's way.
OF_THE_FLEET = ("phoneproviders", "evolutionservers")


class ProcessDied(BaseException):
    """The process ends here: nothing after this line of it runs."""


class Death(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass
class Mortality:
    """Death before or after the n-th request that changes something outside, or the n-th of those that do `what`.

    Between two such requests the world outside does not change, and what was in memory is lost with the process:
    dying at any request that only reads is the same as dying after the change before it.
    """

    when: Death
    nth: int = 1
    what: str | None = None
    changes: int = 0
    died_at: str | None = None

    async def carry(self, what: str, send: Callable[[], Awaitable[Any]]) -> Any:
        if self.died_at is not None:
            raise ProcessDied(self.died_at)
        self.changes += self.what in (None, what)
        if self.changes != self.nth:
            return await send()
        if self.when is Death.AFTER:
            await send()
        self.died_at = f"{self.when} {what}"
        raise ProcessDied(self.died_at)


_mortality: ContextVar[Mortality | None] = ContextVar("mortality", default=None)


@contextmanager
def dying(mortality: Mortality | None) -> Iterator[None]:
    """Requests made within die as `mortality` says."""
    token = _mortality.set(mortality)
    try:
        yield
    finally:
        _mortality.reset(token)


@dataclass
class Wire:
    """What was changed where, and every text that was written into the cluster."""

    kube_changes: list[str] = field(default_factory=list)
    outside_changes: list[str] = field(default_factory=list)
    outside_reads: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    bodies: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def attach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look at every request to the API server and to the outside."""
        send_kube, send_outside, wire = KubeConnection.send, Transport.send, self

        async def kube(connection: KubeConnection, request: Request) -> Answer:
            if request.method == "GET":
                return await send_kube(connection, request)

            async def change() -> Answer:
                return await wire._kube_change(request, send_kube(connection, request))

            if request.resource.partition("/")[0] in OF_THE_FLEET and not _enters_purchase(request):
                return await change()
            answer = await _mortal(f"{request.verb} {request.resource} {request.subject}", change)
            assert isinstance(answer, Answer)
            return answer

        async def outside(transport: Transport, call: Call, judge: Judge) -> OutsideAnswer:
            # Evolution connects an instance by GET.
            if call.method == "GET" and "/instance/connect/" not in call.operation:
                wire.outside_reads.append(call.operation)
                return await send_outside(transport, call, judge)
            answer = await _mortal(
                call.operation, lambda: wire._outside_change(call, send_outside(transport, call, judge))
            )
            assert isinstance(answer, OutsideAnswer)
            return answer

        monkeypatch.setattr(KubeConnection, "send", kube)
        monkeypatch.setattr(Transport, "send", outside)

    async def _kube_change(self, request: Request, sending: Awaitable[Answer]) -> Answer:
        self.kube_changes.append(f"{request.verb} {request.resource} {request.subject}")
        answer = await sending
        if request.path.endswith("/status") or request.resource == "events":
            self.texts.append(orjson.dumps(request.body).decode())
        if request.path.endswith("/status") and answer.status == HTTPStatus.OK:
            self._check(orjson.loads(answer.body))
        return answer

    async def _outside_change(self, call: Call, sending: Awaitable[OutsideAnswer]) -> OutsideAnswer:
        self.outside_changes.append(call.operation)
        return await sending

    def _check(self, body: dict[str, Any]) -> None:
        if (body.get("status") or {}).get("conditions") is None:
            return  # an intent, written before anything can be said
        key = (body["metadata"]["uid"], body["metadata"]["name"])
        problems = broken_rules(body, self.bodies.get(key))
        self.bodies[key] = body
        assert not problems, problems


def _enters_purchase(request: Request) -> bool:
    """Whether a write on a provider is part of a tenant's way after all: a purchase entered into the budget."""
    body = request.body
    return isinstance(body, dict) and set(body.get("status") or ()) == {"spending"}


async def _mortal(what: str, send: Callable[[], Awaitable[Any]]) -> Any:
    mortality = _mortality.get()
    return await (send() if mortality is None else mortality.carry(what, send))
