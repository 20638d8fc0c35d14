"""What the fake Vonage sells: per country and type a shelf of numbers, without a plus as Vonage writes them."""

from dataclasses import dataclass, replace
from enum import StrEnum

from controller.sandbox.fakes.number_shelf import Capabilities, NumberShelf


class NumberType(StrEnum):
    LANDLINE = "landline"
    MOBILE = "mobile-lvn"
    TOLL_FREE = "landline-toll-free"


@dataclass(slots=True, kw_only=True)
class Shelf(NumberShelf):
    """`price` is the monthly rent in Euros. `dashboard_only`: an address is needed, so the API cannot sell it."""

    dashboard_only: bool = False


Inventory = dict[str, dict[NumberType, Shelf]]

_VOICE_ONLY = Capabilities(sms=False)


def default_inventory() -> Inventory:
    """Six countries; what they really sell is not published, and the prices are made up."""
    inventory: Inventory = {
        "LV": {
            NumberType.LANDLINE: Shelf("3716", 7, _VOICE_ONLY, "1.10"),
            NumberType.MOBILE: Shelf("3712", 7, price="2.80"),
        },
        "EE": {NumberType.MOBILE: Shelf("3725", 7, price="2.80")},
        "LT": {NumberType.MOBILE: Shelf("3706", 7, price="2.80")},
        "DE": {
            NumberType.LANDLINE: Shelf("4930", 8, _VOICE_ONLY, "1.25", dashboard_only=True),
            NumberType.MOBILE: Shelf("4915735", 6, price="1.25", dashboard_only=True),
        },
        "US": {
            NumberType.LANDLINE: Shelf("18089", 6, price="0.90"),
            NumberType.TOLL_FREE: Shelf("1888", 7, price="1.90"),
        },
        "GB": {
            NumberType.LANDLINE: Shelf("4420", 8, _VOICE_ONLY, "0.98"),
            NumberType.MOBILE: Shelf("447", 9, price="1.25"),
        },
    }
    for shelves in inventory.values():
        for shelf in shelves.values():
            # The fake Twilio sells from the beginning: no number is for sale at two providers.
            shelf.first = shelf.size // 2
    return inventory


def copy_of(inventory: Inventory) -> Inventory:
    """A fresh inventory with the same shelves, so that two fakes never share one."""
    return {
        country: {kind: replace(shelf) for kind, shelf in shelves.items()}
        for country, shelves in inventory.items()
    }


def find_shelf(inventory: Inventory, country: str, msisdn: str) -> tuple[NumberType, Shelf] | None:
    """Return what sells exactly this number in the country; the longest prefix wins."""
    selling = [pair for pair in inventory.get(country, {}).items() if pair[1].sells(msisdn)]
    return max(selling, key=lambda pair: len(pair[1].prefix), default=None)
