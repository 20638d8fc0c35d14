"""The plan of one facet: the changes still to be made, and what is to be said meanwhile."""

from dataclasses import dataclass
from typing import Self

from controller.reconcile.change import Change
from controller.reconcile.verdict import Verdict


@dataclass(frozen=True, slots=True)
class FacetPlan:
    """`verdict` holds for the world as observed; with changes left it says what is under way."""

    changes: tuple[Change, ...]
    verdict: Verdict

    @classmethod
    def say(cls, verdict: Verdict) -> Self:
        """Nothing to change."""
        return cls((), verdict)
