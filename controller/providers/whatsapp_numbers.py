"""WhatsApp's own writing of phone numbers, which in three countries is not E.164 as providers write it.

- Brazil: mobile numbers got a ninth digit, a 9 in front, between 2012 and 2016. Accounts that are older keep
  the number without it: +55 AA 9XXXX-XXXX may be 55AAXXXXXXXX. Numbers of that time begin with 6 to 9 behind
  the new 9; what begins with 2 to 5 without it is a landline, another subscriber.
- Mexico: mobile numbers were written with a 1 behind the country code from abroad until 2019, and WhatsApp
  still does so for many: +52 XXXXXXXXXX may be 521XXXXXXXXXX.
- Argentina: mobile numbers have a 9 behind the country code from abroad, which WhatsApp writes and others may
  leave out: +54 9 and +54 before the same ten digits. A block of numbers is mobile or fixed, never both.
"""

import re
from typing import Final

# What a rule drops stands outside its groups.
_SAME_SUBSCRIBER: Final = (
    re.compile(r"(55[1-9][1-9])9?([6-9]\d{7})"),
    re.compile(r"(52)1?([2-9]\d{9})"),
    re.compile(r"(54)9?([1-3]\d{9})"),
)


def same_whatsapp_number(owner: str, e164: str) -> bool:
    """Whether a paired account (E.164 or bare digits, as in its address) is the subscriber of a number."""
    return _subscriber(owner) == _subscriber(e164)


def _subscriber(number: str) -> str:
    digits = number.removeprefix("+")
    for rule in _SAME_SUBSCRIBER:
        if match := rule.fullmatch(digits):
            return "".join(match.groups())
    return digits
