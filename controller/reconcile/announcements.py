"""What a pass is worth telling in Events: what was done, and what newly stands in the way. Pure."""

from collections.abc import Sequence
from typing import Final

from controller.api.business_tenant_status import BusinessTenantStatus
from controller.api.conditions import Condition, ConditionStatus, ConditionType
from controller.reconcile.ports import Announcement, EventType

# Changes are worded as what is to be done; verbs that stay the same (set) are left out.
_PAST: Final = {
    "buy": "bought",
    "create": "created",
    "delete": "deleted",
    "disable": "disabled",
    "edit": "edited",
    "enable": "enabled",
    "finish": "finished",
    "forget": "forgot",
    "offer": "offered",
    "register": "registered",
    "replace": "replaced",
    "save": "saved",
    "send": "sent",
    "silence": "silenced",
    "take": "took",
    "turn": "turned",
}


def announcements(
    before: BusinessTenantStatus, after: BusinessTenantStatus, done: Sequence[str]
) -> list[Announcement]:
    """Sentences for `kubectl describe`, at most two a pass; none when nothing moved."""
    if after is before and not done:
        return []
    sentences = []
    ready = _find(after, ConditionType.READY)
    became_ready = _is_true(ready) and not _is_true(_find(before, ConditionType.READY))
    did = _sentence(done)
    if became_ready and ready is not None:
        text = f"{ready.message} {did}".strip()
        sentences.append(Announcement(EventType.NORMAL, "Ready", text))
    elif did:
        sentences.append(Announcement(EventType.NORMAL, "Changed", did))
    stalled, was = _find(after, ConditionType.STALLED), _find(before, ConditionType.STALLED)
    if stalled is not None and (was is None or was.message != stalled.message):
        sentences.append(Announcement(EventType.WARNING, stalled.reason, stalled.message))
    return sentences


def _sentence(done: Sequence[str]) -> str:
    """What was planned, now that it is done: `buy +371...; set ...` -> `Bought +371..., set ...`."""
    if not done:
        return ""
    text = ", ".join(_in_the_past(change) for change in done)
    return f"{text[0].upper()}{text[1:]}."


def _in_the_past(change: str) -> str:
    verb, _, rest = change.partition(" ")
    return f"{_PAST.get(verb, verb)} {rest}"


def _find(status: BusinessTenantStatus, type_: ConditionType) -> Condition | None:
    return next((c for c in status.conditions or [] if c.type == type_), None)


def _is_true(condition: Condition | None) -> bool:
    return condition is not None and condition.status is ConditionStatus.TRUE
