"""Meta's lines of business, and which one a category of the platform is.

A category that is not in the table is `OTHER`; one that is a word of Meta's in lower case is that word.
"""

from enum import StrEnum
from typing import Final


class Vertical(StrEnum):
    """The industry that a WhatsApp profile shows, in Meta's words.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/business-profiles
    """

    UNDEFINED = "UNDEFINED"
    OTHER = "OTHER"
    AUTO = "AUTO"
    BEAUTY = "BEAUTY"
    APPAREL = "APPAREL"
    EDU = "EDU"
    ENTERTAIN = "ENTERTAIN"
    EVENT_PLAN = "EVENT_PLAN"
    FINANCE = "FINANCE"
    GROCERY = "GROCERY"
    GOVT = "GOVT"
    HOTEL = "HOTEL"
    HEALTH = "HEALTH"
    NONPROFIT = "NONPROFIT"
    PROF_SERVICES = "PROF_SERVICES"
    RETAIL = "RETAIL"
    TRAVEL = "TRAVEL"
    RESTAURANT = "RESTAURANT"
    ALCOHOL = "ALCOHOL"
    ONLINE_GAMBLING = "ONLINE_GAMBLING"
    PHYSICAL_GAMBLING = "PHYSICAL_GAMBLING"
    OTC_DRUGS = "OTC_DRUGS"
    NOT_A_BIZ = "NOT_A_BIZ"


_OF_CATEGORY: Final[dict[str, Vertical]] = {
    "food_hospitality": Vertical.RESTAURANT,
    "restaurants": Vertical.RESTAURANT,
    "cafe": Vertical.RESTAURANT,
    "bakery": Vertical.RESTAURANT,
    "food_grocery": Vertical.GROCERY,
    "groceries": Vertical.GROCERY,
    "retail_shopping": Vertical.RETAIL,
    "ecommerce": Vertical.RETAIL,
    "fashion": Vertical.APPAREL,
    "clothing": Vertical.APPAREL,
    "professional_services": Vertical.PROF_SERVICES,
    "legal": Vertical.PROF_SERVICES,
    "consulting": Vertical.PROF_SERVICES,
    "real_estate": Vertical.PROF_SERVICES,
    "home_services": Vertical.PROF_SERVICES,
    "technology": Vertical.PROF_SERVICES,
    "automotive": Vertical.AUTO,
    "beauty_wellness": Vertical.BEAUTY,
    "beauty_spa": Vertical.BEAUTY,
    "salon": Vertical.BEAUTY,
    "education": Vertical.EDU,
    "education_training": Vertical.EDU,
    "entertainment": Vertical.ENTERTAIN,
    "sports_recreation": Vertical.ENTERTAIN,
    "event_planning": Vertical.EVENT_PLAN,
    "events": Vertical.EVENT_PLAN,
    "finance_banking": Vertical.FINANCE,
    "insurance": Vertical.FINANCE,
    "government": Vertical.GOVT,
    "public_service": Vertical.GOVT,
    "hotel_lodging": Vertical.HOTEL,
    "hotels": Vertical.HOTEL,
    "accommodation": Vertical.HOTEL,
    "healthcare": Vertical.HEALTH,
    "health_medical": Vertical.HEALTH,
    "non_profit": Vertical.NONPROFIT,
    "charity": Vertical.NONPROFIT,
    "travel_tourism": Vertical.TRAVEL,
    "transportation": Vertical.TRAVEL,
}
# States of a profile rather than lines of business: no category means them.
_NOT_CHOSEN: Final = frozenset({Vertical.UNDEFINED, Vertical.NOT_A_BIZ})


def vertical_of(category: str | None) -> Vertical | None:
    """`food_hospitality` -> `RESTAURANT`; None for no category, so that the profile keeps what it has."""
    if not category:
        return None
    own = next((vertical for vertical in Vertical if vertical == category.upper()), None)
    if own is not None and own not in _NOT_CHOSEN:
        return own
    return _OF_CATEGORY.get(category, Vertical.OTHER)
