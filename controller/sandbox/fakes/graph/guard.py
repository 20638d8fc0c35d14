"""Access tokens: `Authorization: Bearer <token>`, or the parameter `access_token`."""

from datetime import datetime

from aiohttp import web

from controller.sandbox.fakes.graph.errors import (
    expired_token,
    no_permission,
    no_token,
    revoked_token,
    unknown_token,
)
from controller.sandbox.fakes.graph.state import Token, TokenState, World


def check(request: web.Request, world: World) -> Token:
    """Return the token that the request carries. Raises GraphRefusalError."""
    text = token_text(request)
    if not text:
        raise no_token()
    token = world.tokens.get(text)
    if token is None:
        raise unknown_token()
    match token.state:
        case TokenState.EXPIRED:
            raise expired_token(_moment(token.expired_at or world.now()), _moment(world.now()))
        case TokenState.REVOKED:
            raise revoked_token()
        case TokenState.WITHOUT_PERMISSION:
            raise no_permission("whatsapp_business_management")
        case TokenState.VALID:
            return token


def token_text(request: web.Request) -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else request.query.get("access_token", "")


def _moment(moment: datetime) -> str:
    return moment.strftime("%A, %d-%b-%y %H:%M:%S UTC")
