"""Clients of Meta's Graph API, kept between passes: a few, because every tenant on the Cloud API has one of its own."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from controller.api.common_fields import SecretKeyReference
from controller.providers import factory
from controller.providers.clock import Clock
from controller.providers.limits import Limiter
from controller.providers.meta.protocol import MetaAccount
from controller.providers.transport import Observer

# Idle ones beyond this are closed, the longest unused first.
MOST_KEPT: Final = 128

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Kept:
    """A client, how many passes use it now, and the hash of its token."""

    account: MetaAccount = field(repr=False)
    token_hash: str
    users: int = 0


class MetaClients:
    """Clients by phone number id, business account and token; limits by token. The token itself is no key: only its
    hash stays in memory beyond the clients.
    """

    def __init__(
        self,
        observer: Observer,
        clock: Clock,
        *,
        base_url: str = "",
        version: str = "",
        most: int = MOST_KEPT,
    ) -> None:
        self._observer = observer
        self._clock = clock
        self._base_url, self._version = base_url, version
        self._most = most
        self._kept: dict[_Key, _Kept] = {}
        self._limiters: dict[str, Limiter] = {}

    def __len__(self) -> int:
        return len(self._kept)

    @asynccontextmanager
    async def account(
        self,
        reference: SecretKeyReference,
        secret: Mapping[str, str],
        *,
        phone_number_id: str,
        business_account_id: str,
    ) -> AsyncIterator[MetaAccount]:
        """A number at Meta, for as long as it is used. Raises `Terminal` where the Secret lacks the key."""
        token_hash = hashlib.sha256(secret.get(reference.key, "").encode()).hexdigest()
        key = (phone_number_id, business_account_id, token_hash)
        kept = self._kept.pop(key, None) or _Kept(
            factory.meta_account(
                reference,
                secret,
                phone_number_id=phone_number_id,
                business_account_id=business_account_id,
                limiter=self._limiter(token_hash),
                base_url=self._base_url or None,
                version=self._version or None,
                observer=self._observer,
                clock=self._clock,
            ),
            token_hash,
        )
        self._kept[key] = kept  # last: the most recently used
        kept.users += 1
        try:
            yield kept.account
        finally:
            kept.users -= 1
            await self._close_surplus()

    async def close(self) -> None:
        """Close all of them."""
        kept, self._kept = list(self._kept.values()), {}
        self._limiters.clear()
        for one in kept:
            await one.account.close()

    def _limiter(self, token_hash: str) -> Limiter:
        return self._limiters.setdefault(token_hash, factory.meta_limiter(clock=self._clock))

    async def _close_surplus(self) -> None:
        idle = [key for key, kept in self._kept.items() if not kept.users]
        surplus = [self._kept.pop(key) for key in idle[: max(0, len(self._kept) - self._most)]]
        in_use = {kept.token_hash for kept in self._kept.values()}
        for kept in surplus:
            if kept.token_hash not in in_use:
                self._limiters.pop(kept.token_hash, None)
            await kept.account.close()
