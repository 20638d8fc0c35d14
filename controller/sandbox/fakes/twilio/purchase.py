"""Buying a number: what Twilio refuses, and that a second purchase of an owned number is an update."""

import re
from collections.abc import Mapping
from itertools import islice

from controller.sandbox.fakes.number_shelf import Capabilities
from controller.sandbox.fakes.twilio.available_numbers import friendly
from controller.sandbox.fakes.twilio.errors import refused
from controller.sandbox.fakes.twilio.inventory import AddressRequirement, NumberType, find_shelf
from controller.sandbox.fakes.twilio.number_fields import apply_fields, new_fields
from controller.sandbox.fakes.twilio.state import Account, Charge, OwnedNumber, World

_SCANNED = 1_000
"""How many candidates a purchase by area code looks at."""

_E164 = re.compile(r"\+[1-9]\d{6,14}")


def buy(world: World, account: Account, form: Mapping[str, str]) -> OwnedNumber:
    """Return the number, bought or (when the account has it already) updated. Raises TwilioError."""
    wanted = form.get("PhoneNumber") or _of_area(world, form.get("AreaCode"))
    if _E164.fullmatch(wanted) is None:
        raise refused(21421, f"{wanted} is not a valid phone number")
    owned = world.numbers.get(wanted)
    if owned is not None and owned.account_sid == account.sid:
        # Reported of the live API: 201, and the fields sent are written to the number that exists.
        apply_fields(owned.fields, form)
        owned.updated = world.now()
        return owned
    found = find_shelf(world.inventory, wanted)
    if found is None or wanted in world.taken():
        raise refused(21422, f"{wanted} is not available.")
    country, kind, shelf = found
    if account.kind == "Trial" and world.owned_by(account.sid):
        raise refused(10002, "Trial account does not support this feature: only one number")
    if shelf.address_requirements is not AddressRequirement.NONE and not form.get("AddressSid"):
        raise refused(21631, "Phone Number Requires an Address but the 'AddressSid' parameter was empty.")
    if shelf.bundle_required:
        _check_bundle(
            world, account, form.get("BundleSid", ""), f"[{country.code}] and numberType: [{kind.upper()}]"
        )
    number = new_number(world, account.sid, wanted)
    apply_fields(number.fields, form)
    world.add(number)
    world.charges.append(Charge(account.sid, wanted, number.sid, shelf.price, number.created))
    return number


def new_number(world: World, account_sid: str, phone_number: str) -> OwnedNumber:
    """Make a number as it is right after a purchase; it is not in the world yet."""
    found = find_shelf(world.inventory, phone_number)
    now = world.now()
    number = OwnedNumber(
        sid=world.sid("PN"),
        account_sid=account_sid,
        phone_number=phone_number,
        country=found[0].code if found else "",
        kind=found[1] if found else NumberType.LOCAL,
        capabilities=found[2].capabilities if found else Capabilities(),
        address_requirements=found[2].address_requirements if found else AddressRequirement.NONE,
        created=now,
        updated=now,
        position=len(world.positions) + 1,
        fields=new_fields(friendly(phone_number)),
    )
    # Reserved at once, so that two numbers made before either is added do not share a position.
    world.positions[number.sid] = number.position
    return number


def _check_bundle(world: World, account: Account, sid: str, wanted: str) -> None:
    if not sid:
        raise refused(21649, f"Bundle required and not provided for country: {wanted}")
    bundle = world.bundles.get(sid)
    if bundle is None or bundle.account_sid != account.sid or not bundle.status.serves:
        raise refused(21649, f"The provided bundle is not compliant for country: {wanted}")


def _of_area(world: World, area: str | None) -> str:
    if not area:
        raise refused(21421, "PhoneNumber or AreaCode is required")
    shelf = world.inventory["US"].shelves.get(NumberType.LOCAL) if "US" in world.inventory else None
    if shelf is not None and shelf.stock != 0:
        for number in islice(shelf.candidates(world.taken()), _SCANNED):
            if number.startswith(f"+1{area}"):
                return number
    raise refused(21452, f"No phone numbers found in area code {area}")
