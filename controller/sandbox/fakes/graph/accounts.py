"""A business account as it is right after it was set up at Meta."""

from collections.abc import Mapping

import phonenumbers

from controller.sandbox.fakes.graph.state import PhoneNumber, Token, World


def add_account(world: World, account_id: str, token: str, numbers: Mapping[str, str]) -> None:
    """`numbers` maps phone number ids to E.164. A token that is known already sees this account too."""
    world.accounts.add(account_id)
    world.tokens.setdefault(token, Token(set())).accounts.add(account_id)
    for id_, number in numbers.items():
        world.numbers[id_] = PhoneNumber(
            id=id_,
            account_id=account_id,
            fields={
                "verified_name": f"Business {account_id[-4:]}",
                "code_verification_status": "VERIFIED",
                "display_phone_number": _display(number),
                "quality_rating": "GREEN",
                "platform_type": "CLOUD_API",
                "throughput": {"level": "STANDARD"},
                "status": "CONNECTED",
                "name_status": "APPROVED",
                "account_mode": "LIVE",
            },
            profile={"about": "Hey there! I am using WhatsApp.", "vertical": "UNDEFINED"},
        )


def _display(number: str) -> str:
    """`+37120000001` -> `+371 20 000 001`."""
    parsed = phonenumbers.parse(number)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
