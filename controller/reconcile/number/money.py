"""A provider's prices as they stand in status. Pure."""

from decimal import ROUND_UP, Decimal
from typing import Final

from controller.api.common_fields import Money
from controller.providers.telephony.protocol import Price

_DECIMALS: Final = 4


def money(price: Price) -> Money:
    """At most four decimals, rounded up."""
    amount = Decimal(price.amount)
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_DECIMALS:
        amount = amount.quantize(Decimal(1).scaleb(-_DECIMALS), rounding=ROUND_UP)
    return Money.of(amount, price.currency)


def price_of(cost: Money | None) -> Price | None:
    """Back again, to calculate with."""
    return Price(cost.decimal, cost.currency) if cost is not None else None
