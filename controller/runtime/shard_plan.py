"""Who should have which shard. Pure: every replica that sees the same comes to the same answer."""

import hashlib
from collections.abc import Collection, Mapping
from functools import lru_cache


# A pass asks some times for its tenant's.
@lru_cache(maxsize=1024)
def shard_of(key: object, shards: int) -> int:
    """The shard of a tenant, provider or server; the same in every process and version."""
    digest = hashlib.blake2b(str(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % shards


def assign(holders: Mapping[int, str | None], members: Collection[str]) -> dict[int, str | None]:
    """Who should have each shard: whoever has it, up to a fair share; the rest goes to those who have less.

    `holders` says who has each shard now, None for nobody who lives; `members` want some. As few shards move as
    evenness allows. Without members nobody should have any.
    """
    held: dict[str, list[int]] = {member: [] for member in members}
    for shard, holder in sorted(holders.items()):
        if holder in held:
            held[holder].append(shard)
    quotas = _quotas({member: len(shards) for member, shards in held.items()}, len(holders))
    target: dict[int, str | None] = dict.fromkeys(holders)
    for member, shards in held.items():
        for shard in shards[: quotas[member]]:
            target[shard] = member
    lacking = [m for m in sorted(held) for _ in range(quotas[m] - min(quotas[m], len(held[m])))]
    free = [shard for shard in sorted(target) if target[shard] is None]
    target.update(zip(free, lacking, strict=False))
    return target


def _quotas(held: Mapping[str, int], shards: int) -> dict[str, int]:
    """Shares that differ by one at most; the larger ones to those who have most already."""
    if not held:
        return {}
    each, more = divmod(shards, len(held))
    by_need = sorted(held, key=lambda member: (-held[member], member))
    return {member: each + (rank < more) for rank, member in enumerate(by_need)}
