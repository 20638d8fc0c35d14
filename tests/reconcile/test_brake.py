"""At most so many irreversible acts an hour, counted where neither a crash nor another replica loses it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from controller.api.conditions import Reason
from controller.api.group import Kind
from controller.api.phone_provider import IrreversibleAct
from controller.reconcile.brake import LEDGER_LIMIT, pass_brake
from controller.reconcile.ports import ObjectChangedError
from controller.reconcile.verdict import Verdict
from tests.runtime.manual_clock import ManualClock

from .builders import POLICY, tenant


@dataclass
class InMemoryLedger:
    """Refuses a write of what is not the newest version, as the API server does."""

    acts_done: tuple[IrreversibleAct, ...] | None = ()
    version: int = 1
    interrupted: int = 0
    writes: list[int] = field(default_factory=list)

    async def acts(self, _kind: Kind, _name: str) -> tuple[str, tuple[IrreversibleAct, ...]] | None:
        return None if self.acts_done is None else (str(self.version), self.acts_done)

    async def append(
        self,
        _kind: Kind,
        _name: str,
        resource_version: str,
        acts: tuple[IrreversibleAct, ...],
    ) -> None:
        if self.interrupted:
            self.interrupted -= 1
            self.version += 1
        if resource_version != str(self.version):
            raise ObjectChangedError("somebody else wrote")
        self.acts_done, self.version = acts, self.version + 1
        self.writes.append(len(acts))


class Brake:
    def __init__(self, ledger: InMemoryLedger) -> None:
        self.clock, self.ledger, self.policy = ManualClock(), ledger, POLICY

    async def __call__(self, target: str, approved: str | None = None) -> Verdict | None:
        annotations = {"x-sevenai.com/approve-release": approved} if approved else {}
        run: Any = _RunOf(self, tenant(annotations=annotations))
        return await pass_brake(Kind.PHONE_PROVIDER, "twilio", "ReleaseNumber", target, run)


@dataclass
class _RunOf:
    context: Any
    tenant: Any


async def test_five_go_and_the_sixth_waits_until_the_oldest_is_an_hour_old() -> None:
    brake = Brake(InMemoryLedger())
    for n in range(5):
        assert await brake(f"+3712000000{n}") is None
        await brake.clock.advance(60)
    waits = await brake("+37120000009")
    assert waits is not None
    assert waits.reason is Reason.APPROVAL_REQUIRED
    assert "+37120000009" in waits.message
    assert waits.after == 3600 - 300 + 1
    await brake.clock.advance(waits.after)
    assert await brake("+37120000009") is None


async def test_the_act_is_entered_before_it_is_done_and_counts_once() -> None:
    brake = Brake(InMemoryLedger())
    for _ in range(9):
        assert await brake("+37120000001") is None
    assert brake.ledger.writes == [1]


async def test_an_approval_passes_one_and_is_entered_too() -> None:
    brake = Brake(InMemoryLedger())
    for n in range(5):
        await brake(f"+3712000000{n}")
    assert await brake("+37120000008", approved="+37120000009") is not None
    assert await brake("+37120000009", approved="+37120000009") is None
    assert brake.ledger.writes[-1] == 6


async def test_another_writer_makes_it_count_again() -> None:
    brake = Brake(InMemoryLedger(interrupted=2))
    assert await brake("+37120000001") is None
    assert brake.ledger.writes == [1]
    contended = await Brake(InMemoryLedger(interrupted=99))("+37120000001")
    assert contended is not None
    assert contended.after == 5.0


async def test_without_the_object_nothing_irreversible_is_done() -> None:
    waits = await Brake(InMemoryLedger(acts_done=None))("+37120000001")
    assert waits is not None
    assert waits.reason is Reason.NEEDS_HUMAN


async def test_the_ledger_is_bounded() -> None:
    brake = Brake(InMemoryLedger())
    for n in range(LEDGER_LIMIT + 5):
        await brake(f"+371{n:08d}", approved=f"+371{n:08d}")
        await brake.clock.advance(timedelta(seconds=1).total_seconds())
    assert brake.ledger.writes[-1] == LEDGER_LIMIT
