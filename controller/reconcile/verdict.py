"""What is to be said of one facet of a tenant, and when to look again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from controller.api.conditions import Audience, ConditionType, Reason
from controller.providers.errors import OutsideError, Retryable


class Facet(StrEnum):
    """The parts of a tenant that are brought about one by one; the value is the condition that speaks of it."""

    NUMBER = ConditionType.NUMBER_READY.value
    INSTANCE = ConditionType.INSTANCE_READY.value
    CONNECTION = ConditionType.WHATSAPP_CONNECTED.value
    PROFILE = ConditionType.PROFILE_SYNCED.value
    TEMPLATES = ConditionType.TEMPLATES_READY.value
    ROUTING = ConditionType.ROUTING_READY.value


class Again(StrEnum):
    """When a facet that is not ready is looked at again."""

    ON_CHANGE = "on change"  # a watch, a snapshot or the poll will bring us back
    BACK_OFF = "back-off"  # by itself, with growing delay


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of one facet. `ready` says whether it holds; `after` is a wait in seconds asked for."""

    reason: Reason
    message: str
    ready: bool = False
    again: Again = Again.ON_CHANGE
    after: float | None = None

    @classmethod
    def good(cls, reason: Reason, message: str) -> Self:
        """The facet is as wanted."""
        return cls(reason, message, ready=True)

    @classmethod
    def waiting(cls, reason: Reason, message: str, *, after: float | None = None) -> Self:
        """Somebody or something else moves first; no error."""
        return cls(reason, message, after=after)

    @classmethod
    def failed(cls, error: OutsideError) -> Self:
        """An outside call failed: retried with back-off unless only a change of spec or account helps."""
        match error:
            case Retryable(after=after):
                return cls(error.reason, error.message, again=Again.BACK_OFF, after=after)
            case _ if error.reason.audience in (Audience.AUTHOR, Audience.PERSON):
                return cls(error.reason, error.message)
            case _:
                return cls(error.reason, error.message, again=Again.BACK_OFF)

    @property
    def stalled(self) -> bool:
        """Whether the spec, a referent or an account must be mended before this can go on."""
        return not self.ready and self.reason.audience is Audience.AUTHOR


NOT_REQUESTED = Verdict.good(Reason.NOT_REQUESTED, "The spec leaves this out.")
