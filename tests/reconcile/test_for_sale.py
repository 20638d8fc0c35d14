"""One search serves all tenants that want the same kind of number."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.api.business_tenant import NumberType
from controller.api.conditions import Reason
from controller.providers.errors import OutsideError, Retryable
from controller.providers.telephony.protocol import Candidate, NumberQuery
from controller.reconcile.number.for_sale import ENOUGH, SHARED_FOR, ForSale

from .builders import NOW, candidate

MOBILE = NumberQuery("LV", NumberType.MOBILE, frozenset(), None, address_available=False)
LOCAL = NumberQuery("LV", NumberType.LOCAL, frozenset(), None, address_available=False)
PLENTY = tuple(candidate(f"+371200000{n:02}") for n in range(2 * ENOUGH))


class Market:
    """A provider that answers when it is let, and counts how often it was asked."""

    def __init__(self, *answers: tuple[Candidate, ...] | OutsideError) -> None:
        self._answers = list(answers)
        self.asked: list[NumberQuery] = []
        self.open = asyncio.Event()
        self.open.set()

    async def search(self, query: NumberQuery) -> tuple[Candidate, ...]:
        self.asked.append(query)
        await self.open.wait()
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, OutsideError):
            raise answer
        return answer


class Shop:
    """What is for sale in a market, as tenants ask for it at some time; its own clock."""

    def __init__(self, market: Market) -> None:
        self.for_sale = ForSale()
        self.time = NOW
        self.taken: set[str] = set()
        self._market: Any = market

    def now(self) -> datetime:
        return self.time

    async def ask(self, query: NumberQuery = MOBILE) -> Sequence[Candidate]:
        clock: Any = self
        return await self.for_sale.search(query, self._market, lambda number: number not in self.taken, clock)


async def test_many_who_ask_at_once_and_soon_after_share_one_answer() -> None:
    market = Market(PLENTY)
    shop = Shop(market)
    market.open.clear()
    asking = [asyncio.ensure_future(shop.ask()) for _ in range(64)]
    await asyncio.sleep(0)
    market.open.set()
    assert await asyncio.gather(*asking) == [PLENTY] * 64
    shop.time += SHARED_FOR / 2
    assert await shop.ask() == PLENTY
    assert market.asked == [MOBILE]


async def test_another_kind_of_number_is_another_search() -> None:
    market = Market(PLENTY)
    shop = Shop(market)
    await shop.ask(MOBILE)
    await shop.ask(LOCAL)
    assert market.asked == [MOBILE, LOCAL]


async def test_what_was_for_sale_some_time_ago_is_asked_again() -> None:
    market = Market(PLENTY)
    shop = Shop(market)
    await shop.ask()
    shop.time += SHARED_FOR + timedelta(seconds=1)
    await shop.ask()
    assert len(market.asked) == 2


async def test_a_shelf_that_is_nearly_bought_up_is_asked_again() -> None:
    market = Market(PLENTY)
    shop = Shop(market)
    await shop.ask()
    shop.taken = {one.number for one in PLENTY[: len(PLENTY) - ENOUGH + 1]}
    await shop.ask()
    assert len(market.asked) == 2


async def test_after_a_number_that_was_gone_everything_is_asked_again() -> None:
    market = Market(PLENTY)
    shop = Shop(market)
    await shop.ask()
    shop.for_sale.forget()
    await shop.ask()
    assert len(market.asked) == 2


async def test_who_finds_nothing_asks_again_next_time() -> None:
    market = Market((), PLENTY)
    shop = Shop(market)
    assert await shop.ask() == ()
    assert await shop.ask() == PLENTY


async def test_a_failing_provider_is_asked_once_for_all_who_wait() -> None:
    failure = Retryable("Twilio did not answer.", reason=Reason.PROVIDER_UNAVAILABLE)
    market = Market(failure, PLENTY)
    shop = Shop(market)
    market.open.clear()
    asking = [asyncio.ensure_future(shop.ask()) for _ in range(8)]
    await asyncio.sleep(0)
    market.open.set()
    assert await asyncio.gather(*asking, return_exceptions=True) == [failure] * 8
    assert await shop.ask() == PLENTY
    assert len(market.asked) == 2


async def test_who_is_cancelled_while_asking_leaves_the_turn_to_the_next() -> None:
    market = Market(PLENTY)
    shop = Shop(market)
    market.open.clear()
    first, second = asyncio.ensure_future(shop.ask()), asyncio.ensure_future(shop.ask())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    market.open.set()
    assert await second == PLENTY
