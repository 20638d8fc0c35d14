"""The brake on irreversible acts: at most so many an hour per provider or server, counted where a crash cannot lose it.

The act is written to the ledger in the object's status, with a resourceVersion precondition, *before* it is done:
neither a crash nor more replicas lift the limit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from controller.api.conditions import Reason
from controller.api.group import Annotation, Kind
from controller.api.phone_provider import IrreversibleAct
from controller.reconcile.ports import ObjectChangedError
from controller.reconcile.run import Run
from controller.reconcile.timestamps import parse, stamp
from controller.reconcile.verdict import Verdict

WINDOW: Final = timedelta(hours=1)
LEDGER_LIMIT: Final = 64
ATTEMPTS: Final = 5


async def pass_brake(kind: Kind, name: str, what: str, target: str, run: Run) -> Verdict | None:
    """Enter the act into the ledger; None when it may be done now, else why it must wait.

    An act already in the ledger (a crash after entering it, or a repeated call) is not counted twice.
    """
    for _ in range(ATTEMPTS):
        entry = await run.context.ledger.acts(kind, name)
        if entry is None:
            return Verdict.waiting(
                Reason.NEEDS_HUMAN,
                f"{kind.value} {name} does not exist, so {what} of {target} cannot be done. Create it again, or set"
                " the deletionPolicy to Retain.",
            )
        resource_version, acts = entry
        now = run.context.clock.now()
        recent = tuple(act for act in acts if now - parse(act.at) < WINDOW)
        if any(act.what == what and act.name == target for act in recent):
            return None
        approved = run.tenant.annotations.get(Annotation.APPROVE_RELEASE) == target
        if len(recent) >= run.context.policy.irreversible_per_hour and not approved:
            return _held_back(recent, what, target, f"{kind.value} {name}", now)
        act = IrreversibleAct(what=what, name=target, at=stamp(now))
        try:
            await run.context.ledger.append(kind, name, resource_version, (*recent, act)[-LEDGER_LIMIT:])
        except ObjectChangedError:
            continue  # somebody else wrote: count again
        return None
    return Verdict.waiting(
        Reason.APPROVAL_REQUIRED, f"The ledger of {kind.value} {name} is contended; trying again.", after=5.0
    )


def _held_back(
    recent: Sequence[IrreversibleAct], what: str, target: str, where: str, now: datetime
) -> Verdict:
    annotation = f'the annotation x-sevenai.com/approve-release: "{target}"'
    if not recent:
        # With a limit of 0 no hour brings it about.
        text = f"{what} of {target} at {where} waits for an approval: set {annotation}."
        return Verdict.waiting(Reason.APPROVAL_REQUIRED, text)
    oldest = min(parse(act.at) for act in recent)
    return Verdict.waiting(
        Reason.APPROVAL_REQUIRED,
        f"{what} of {target} waits: {len(recent)} irreversible acts at {where} within the hour. It goes on by itself"
        f" later, or now with {annotation}.",
        after=(oldest + WINDOW - now).total_seconds() + 1,
    )
