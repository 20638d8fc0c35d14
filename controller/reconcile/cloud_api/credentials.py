"""The access token of a tenant's number at Meta, and the client that uses it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from controller.api.conditions import Reason
from controller.providers.errors import Terminal
from controller.providers.meta.protocol import MetaAccount
from controller.reconcile.cloud_api.desired import DesiredCloudAPI
from controller.reconcile.context import Context
from controller.reconcile.tenant_object import TenantKey

LONGEST_TOKEN: Final = 255
"""Column of Evolution 2.3.7; 2.4 has room for 500."""

_FIELD = "spec.whatsapp.cloudAPI.accessTokenSecretRef"


def secret_missing(key: TenantKey, wanted: DesiredCloudAPI) -> str:
    """What to say where there is no such Secret."""
    return (
        f"{_FIELD} names Secret {key.namespace}/{wanted.token.name}, which does not exist. Create it with Meta's"
        f" access token under the key {wanted.token.key}."
    )


async def access_token(key: TenantKey, wanted: DesiredCloudAPI, context: Context) -> str:
    """The token as the Secret has it now. Raises `Terminal` where there is none."""
    secret = await context.secrets.read(key.namespace, wanted.token.name)
    if secret is None:
        raise Terminal(secret_missing(key, wanted), reason=Reason.SECRET_NOT_FOUND)
    # A line break at the end is the commonest mistake in Secrets.
    token = secret.get(wanted.token.key, "").strip()
    if not token:
        raise Terminal(
            f"Secret {key.namespace}/{wanted.token.name} has no key {wanted.token.key}, or it is empty. Put Meta's"
            " access token there.",
            reason=Reason.SECRET_NOT_FOUND,
        )
    if len(token) > LONGEST_TOKEN:
        raise Terminal(
            f"The access token in Secret {key.namespace}/{wanted.token.name}, key {wanted.token.key}, has {len(token)}"
            f" characters; Evolution stores {LONGEST_TOKEN} at most. Nothing is changed. Have a shorter token issued.",
            reason=Reason.TOKEN_TOO_LONG,
        )
    return token


@asynccontextmanager
async def meta_account(
    key: TenantKey, wanted: DesiredCloudAPI, context: Context, token: str | None = None
) -> AsyncIterator[MetaAccount]:
    """The number at Meta, for as long as it is used. `token`: where it was read already. Raises `OutsideError`."""
    assert wanted.phone_number_id is not None  # noqa: S101  # nothing is asked before the number is registered
    token = token or await access_token(key, wanted, context)
    async with context.clients.meta(
        wanted.token,
        {wanted.token.key: token},
        phone_number_id=wanted.phone_number_id,
        business_account_id=wanted.business_account_id,
    ) as account:
        yield account
