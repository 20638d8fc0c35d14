"""Who should have which shard: evenly, with as few moves as that takes, and the same for whoever computes it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.reconcile.tenant_object import TenantKey
from controller.runtime.shard_plan import assign, shard_of

MEMBERS = st.sets(st.sampled_from("abcdef"), max_size=6)
HOLDERS = st.integers(1, 40).flatmap(
    lambda count: st.fixed_dictionaries(
        {shard: st.none() | st.sampled_from("abcdefxy") for shard in range(count)}
    )
)


def test_a_key_has_one_shard_for_ever() -> None:
    keys = [TenantKey("tenants", f"cafe-{n}") for n in range(2000)]
    assert [shard_of(key, 16) for key in keys[:5]] == [9, 6, 9, 12, 10]
    sizes = Counter(shard_of(key, 16) for key in keys)
    assert len(sizes) == 16
    assert max(sizes.values()) < 1.5 * 2000 / 16


@given(holders=HOLDERS, members=MEMBERS)
def test_shares_are_even_and_complete(holders: dict[int, str | None], members: set[str]) -> None:
    target = assign(holders, members)
    assert target.keys() == holders.keys()
    assert set(target.values()) <= (members or {None})
    sizes = Counter(target.values())
    shares = [sizes[member] for member in members]
    assert not members or max(shares) - min(shares) <= 1


@given(holders=HOLDERS, members=MEMBERS)
def test_what_is_right_stays(holders: dict[int, str | None], members: set[str]) -> None:
    settled = assign(holders, members)
    assert assign(settled, members) == settled


@given(holders=HOLDERS, members=MEMBERS.filter(bool))
def test_nobody_gives_away_more_than_is_too_much(holders: dict[int, str | None], members: set[str]) -> None:
    target = assign(holders, members)
    least = len(holders) // len(members)
    for member in members:
        before = sum(holder == member for holder in holders.values())
        kept = sum(target[shard] == holder == member for shard, holder in holders.items())
        assert kept >= min(before, least)


@pytest.mark.parametrize(
    ("holders", "members", "expected"),
    [
        ({0: None, 1: None}, [], {0: None, 1: None}),
        ({0: None, 1: None, 2: None}, ["a"], {0: "a", 1: "a", 2: "a"}),
        ({0: "a", 1: "a", 2: "a", 3: "a"}, ["a", "b"], {0: "a", 1: "a", 2: "b", 3: "b"}),
        ({0: "a", 1: "gone", 2: "b", 3: "gone"}, ["a", "b"], {0: "a", 1: "a", 2: "b", 3: "b"}),
        ({0: "a", 1: "b", 2: "b"}, ["a", "b"], {0: "a", 1: "b", 2: "b"}),
    ],
)
def test_examples(
    holders: dict[int, str | None], members: list[str], expected: dict[int, str | None]
) -> None:
    assert assign(holders, members) == expected
