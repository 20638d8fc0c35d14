"""Whole lists from Vonage, or an error. Its pages are counted from the front, so what comes or goes meanwhile
shifts the rest: a number may be skipped that was there all the time.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from controller.api.conditions import Reason
from controller.providers.errors import Retryable

_ATTEMPTS: Final = 3

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items by their ids. `total` is how many the whole list has; None when that is not told."""

    items: Mapping[str, Item]
    total: int | None


async def whole_list(what: str, fetch: Callable[[int], Awaitable[Page[Item]]]) -> Mapping[str, Item]:
    """All items by id, from pages 1, 2, 3 and so on until one is empty or all are there.

    Read again from the start when the list changed on the way; `Retryable` when it keeps changing.
    """
    for _ in range(_ATTEMPTS):
        found: dict[str, Item] = {}
        totals: set[int | None] = set()
        shown = 0
        pages = 0
        while True:
            pages += 1
            page = await fetch(pages)
            found.update(page.items)
            totals.add(page.total)
            shown += len(page.items)
            if not page.items or (page.total is not None and shown >= page.total):
                break
        if _is_consistent(len(found), shown, list(totals)):
            return found
    raise Retryable(
        f"{what} changed while they were listed; they are listed again by themselves.",
        reason=Reason.PROVIDER_UNAVAILABLE,
    )


def _is_consistent(found: int, shown: int, totals: Sequence[int | None]) -> bool:
    """The same total on every page, as many items as that, and none of them twice."""
    return len(totals) == 1 and totals[0] in (None, found) and found == shown
