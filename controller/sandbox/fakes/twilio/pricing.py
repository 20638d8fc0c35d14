"""Pricing v1: what a number costs a month. Prices are texts."""

from aiohttp import web

from controller.sandbox.fakes.twilio.context import world_of
from controller.sandbox.fakes.twilio.errors import not_found
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_URL = "https://pricing.twilio.com/v1/PhoneNumbers/Countries"


@routes.get("/v1/PhoneNumbers/Countries/{country}")
async def fetch_prices(request: web.Request) -> web.Response:
    country = world_of(request).inventory.get(request.match_info["country"].upper())
    if country is None:
        raise not_found(request.path)
    return json_response(
        {
            "country": country.name,
            "iso_country": country.code,
            "phone_number_prices": [
                {
                    "number_type": kind.pricing_name,
                    "base_price": shelf.price,
                    "current_price": shelf.price,
                }
                for kind, shelf in country.shelves.items()
                if shelf.price is not None
            ],
            "price_unit": "USD",
            "url": f"{_URL}/{country.code}",
        },
    )
