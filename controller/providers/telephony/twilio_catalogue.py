"""What Twilio sells in a country: kinds of numbers and their monthly prices, remembered for some minutes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from twilio.rest import Client

from controller.api.business_tenant import NumberType
from controller.providers.clock import Clock
from controller.providers.errors import NotFound
from controller.providers.telephony.protocol import Price
from controller.providers.telephony.twilio_wire import number_type, prices_of

_REMEMBERED_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class CountryOffer:
    """Kinds sold, and the price of each where Twilio tells it."""

    types: frozenset[NumberType]
    prices: Mapping[NumberType, Price]


class Catalogue:
    """Asks once for each country, however many search in it at the same time."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._remembered: dict[str, tuple[float, CountryOffer]] = {}
        self._asking = asyncio.Lock()

    async def offer(self, country: str) -> CountryOffer:
        """What is sold in the country; nothing when Twilio does not know it.

        An error of the pricing API is an error here: a price that is unknown only for the moment would look
        like one above every ceiling.
        """
        async with self._asking:
            expires, offer = self._remembered.get(country, (0.0, None))
            if offer is None or self._clock.monotonic() >= expires:
                offer = await self._ask(country)
                self._remembered[country] = (self._clock.monotonic() + _REMEMBERED_SECONDS, offer)
            return offer

    async def _ask(self, country: str) -> CountryOffer:
        types = await self._types(country)
        return CountryOffer(types, await self._prices(country) if types else {})

    async def _types(self, country: str) -> frozenset[NumberType]:
        try:
            record = await self._client.available_phone_numbers(country).fetch_async()
        except NotFound:
            return frozenset()
        names = record.subresource_uris or {}
        return frozenset(kind for kind in map(number_type, names) if kind is not None)

    async def _prices(self, country: str) -> Mapping[NumberType, Price]:
        try:
            record = await self._client.pricing.v1.phone_numbers.countries(country).fetch_async()
        except NotFound:
            return {}
        return prices_of(record)
