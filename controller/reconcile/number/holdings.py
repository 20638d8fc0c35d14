"""What the numbers of ours in an account come to. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.api.business_tenant import NumberType
from controller.providers.telephony.protocol import OwnedNumber, Price
from controller.reconcile.ownership import Mark

NumberKind = tuple[str, NumberType]
"""Country and type, which a provider's price depends on."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Numbers of ours of one country at one price. `price` is None where the provider does not tell it."""

    country: str
    price: Price | None
    numbers: int

    @property
    def monthly_cost(self) -> Price | None:
        """What they cost a month together."""
        return Price(self.price.amount * self.numbers, self.price.currency) if self.price else None


def ours(rows: Iterable[OwnedNumber], cluster_id: str) -> list[OwnedNumber]:
    """Numbers with this cluster's mark: also those that a tenant released go on costing money."""
    marked = ((number, Mark.parse(number.settings.label)) for number in rows)
    return [number for number, mark in marked if mark is not None and mark.cluster_id == cluster_id]


def kinds(numbers: Iterable[OwnedNumber]) -> frozenset[NumberKind]:
    """The kinds whose price has to be known."""
    return frozenset((n.country, n.type) for n in numbers if n.country is not None and n.type is not None)


def price_of(number: OwnedNumber, prices: Mapping[NumberKind, Price | None]) -> Price | None:
    """Monthly price of a number; None where the provider does not tell it."""
    return prices.get((number.country, number.type)) if number.country and number.type else None


def holdings(
    numbers: Iterable[OwnedNumber], prices: Mapping[NumberKind, Price | None]
) -> tuple[Holding, ...]:
    """The numbers by country and price."""
    counted: dict[tuple[str, Price | None], int] = {}
    for number in numbers:
        key = (number.country or "", price_of(number, prices))
        counted[key] = counted.get(key, 0) + 1
    return tuple(Holding(country, price, count) for (country, price), count in counted.items())
