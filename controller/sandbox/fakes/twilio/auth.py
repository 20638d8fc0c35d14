"""Basic authentication: an account SID with its token, or an API key with its secret."""

import base64
import binascii
import hmac
import re

from aiohttp import web

from controller.sandbox.fakes.twilio.errors import TwilioError, unauthenticated
from controller.sandbox.fakes.twilio.state import Account, World

_ITSELF = re.compile(r"/[\d-]+/Accounts/[^/]+\.json")


def check(request: web.Request, world: World) -> Account:
    """Return the account that signs the request.

    It may act on its own resources and, as a parent, on its subaccounts'. An account that is not active shows
    itself, and nothing else. Raises TwilioError.
    """
    signer = _signer(request, world)
    if signer is None:
        raise unauthenticated()
    wanted = request.match_info.get("account")
    account = signer if wanted is None else world.accounts.get(wanted)
    if account is None or signer.sid not in (account.sid, account.owner_sid):
        raise unauthenticated()
    if account.status != "active" and not _ITSELF.fullmatch(request.path):
        raise TwilioError(403, 20005, f"Account {account.sid} is not active")
    return signer


def _signer(request: web.Request, world: World) -> Account | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    account = world.accounts.get(user)
    if account is not None:
        return account if _equal(account.auth_token, secret) else None
    for candidate in world.accounts.values():
        if user in candidate.api_keys and _equal(candidate.api_keys[user], secret):
            return candidate
    return None


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
