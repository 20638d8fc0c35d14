"""What an account sold a moment ago: one search serves all tenants that want the same kind of number.

A provider offers a hundred numbers at once and lets itself be asked a few times a second: with a search for each
tenant the searches would be the slowest part of a wave of tenants. What was sold to others meanwhile is refused at the
purchase, and then everything is looked for anew.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from controller.clock import Clock
from controller.providers.errors import OutsideError
from controller.providers.telephony.protocol import Candidate, NumberQuery, TelephonyAccount

SHARED_FOR: Final = timedelta(seconds=30)
# Tenants that are served at the same time want something to choose from.
ENOUGH: Final = 8


@dataclass(slots=True)
class _Search:
    """One kind of number: who asks now, and what was said last."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    said: Sequence[Candidate] | OutsideError = ()
    begun_at: datetime | None = None
    answers: int = 0


class ForSale:
    """What one account sells, by what was asked for."""

    def __init__(self) -> None:
        self._searches: dict[NumberQuery, _Search] = {}

    async def search(
        self, query: NumberQuery, client: TelephonyAccount, is_free: Callable[[str], bool], clock: Clock
    ) -> Sequence[Candidate]:
        """Numbers for sale. `is_free` says of one whether nobody here is about to have it.

        Raises `OutsideError`, also to those who waited for the same answer: who fails is not asked by each in turn.
        """
        search = self._searches.setdefault(query, _Search())
        answers = search.answers
        async with search.turn:
            if not _serves(search, is_free, clock.now(), answered=search.answers != answers):
                begun_at = clock.now()
                try:
                    search.said = await client.search(query)
                except OutsideError as error:
                    search.said = error
                search.begun_at = begun_at
                search.answers += 1
            if isinstance(search.said, OutsideError):
                raise search.said
            return search.said

    def forget(self) -> None:
        """Something was not for sale after all: nothing that was said is trusted any more."""
        self._searches.clear()


def _serves(search: _Search, is_free: Callable[[str], bool], now: datetime, *, answered: bool) -> bool:
    """Whether what was said last will do. `answered`: it was said while the asker waited for it."""
    if isinstance(search.said, OutsideError):
        return answered
    free = sum(1 for candidate in search.said if is_free(candidate.number))
    if answered:
        return free > 0 or not search.said
    return search.begun_at is not None and free >= ENOUGH and now - search.begun_at < SHARED_FOR
