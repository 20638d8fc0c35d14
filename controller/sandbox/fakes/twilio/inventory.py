"""What the fake Twilio sells: per country and type a deterministic, practically endless shelf of numbers."""

from dataclasses import dataclass, replace
from enum import StrEnum

from controller.sandbox.fakes.number_shelf import Capabilities, NumberShelf


class NumberType(StrEnum):
    LOCAL = "local"
    MOBILE = "mobile"
    TOLL_FREE = "toll_free"
    NATIONAL = "national"

    @property
    def path_name(self) -> str:
        """As paths write it: `TollFree`."""
        return "".join(word.capitalize() for word in self.value.split("_"))

    @property
    def pricing_name(self) -> str:
        """As the Pricing API writes it: `toll free`, with a space."""
        return self.value.replace("_", " ")


class AddressRequirement(StrEnum):
    NONE = "none"
    ANY = "any"
    LOCAL = "local"
    FOREIGN = "foreign"


@dataclass(slots=True, kw_only=True)
class Shelf(NumberShelf):
    """The numbers of one country and type, and what the country's rules ask for."""

    address_requirements: AddressRequirement = AddressRequirement.NONE
    bundle_required: bool = False


@dataclass(slots=True)
class Country:
    code: str
    name: str
    shelves: dict[NumberType, Shelf]


Inventory = dict[str, Country]

_VOICE_ONLY = Capabilities(sms=False)
_NORTH_AMERICAN = Capabilities(mms=True)


def default_inventory() -> Inventory:
    """Six countries; the regulated ones (GB mobile, DE) need a bundle or an address, as the real ones do."""
    countries = [
        Country(
            "LV",
            "Latvia",
            {
                NumberType.LOCAL: Shelf("+3716", 7, _VOICE_ONLY),
                NumberType.MOBILE: Shelf("+3712", 7, price="3.00"),
            },
        ),
        Country(
            "EE",
            "Estonia",
            {
                NumberType.LOCAL: Shelf("+3726", 6, _VOICE_ONLY),
                NumberType.MOBILE: Shelf("+3725", 7, price="3.00"),
            },
        ),
        Country(
            "LT",
            "Lithuania",
            {
                NumberType.LOCAL: Shelf("+3705", 7, _VOICE_ONLY),
                NumberType.MOBILE: Shelf("+3706", 7, price="3.00"),
            },
        ),
        Country(
            "DE",
            "Germany",
            {
                NumberType.LOCAL: Shelf(
                    "+4930",
                    8,
                    _VOICE_ONLY,
                    address_requirements=AddressRequirement.LOCAL,
                    bundle_required=True,
                ),
                NumberType.MOBILE: Shelf(
                    "+4915735",
                    6,
                    address_requirements=AddressRequirement.ANY,
                    bundle_required=True,
                    price="1.50",
                ),
                NumberType.NATIONAL: Shelf(
                    "+4932",
                    9,
                    _VOICE_ONLY,
                    address_requirements=AddressRequirement.ANY,
                    bundle_required=True,
                ),
                NumberType.TOLL_FREE: Shelf("+49800", 7, _VOICE_ONLY, price="30.00"),
            },
        ),
        Country(
            "US",
            "United States",
            {
                NumberType.LOCAL: Shelf("+18089", 6, _NORTH_AMERICAN, price="1.15"),
                NumberType.TOLL_FREE: Shelf("+1888", 7, _NORTH_AMERICAN, price="2.15"),
            },
        ),
        Country(
            "GB",
            "United Kingdom",
            {
                NumberType.LOCAL: Shelf("+4420", 8, price="1.15"),
                NumberType.MOBILE: Shelf("+447", 9, bundle_required=True, price="1.15"),
                NumberType.NATIONAL: Shelf("+44330", 7, _VOICE_ONLY, price="1.15"),
                NumberType.TOLL_FREE: Shelf("+44800", 7, _VOICE_ONLY, price="2.15"),
            },
        ),
    ]
    return {country.code: country for country in countries}


def copy_of(inventory: Inventory) -> Inventory:
    """A fresh inventory with the same shelves, so that two fakes never share one."""
    return {
        code: Country(code, country.name, {kind: replace(shelf) for kind, shelf in country.shelves.items()})
        for code, country in inventory.items()
    }


def find_shelf(inventory: Inventory, phone_number: str) -> tuple[Country, NumberType, Shelf] | None:
    """Return what sells exactly this number; the longest prefix wins."""
    found: tuple[Country, NumberType, Shelf] | None = None
    for country in inventory.values():
        for kind, shelf in country.shelves.items():
            if shelf.sells(phone_number) and (found is None or len(shelf.prefix) > len(found[2].prefix)):
                found = (country, kind, shelf)
    return found
