"""Bulk lists and our own writes between them."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.providers.evolution.protocol import LiveStates, SessionState
from controller.reconcile.instance.listing import ListedInstances
from controller.reconcile.ownership import MarkState
from controller.reconcile.snapshot import Listed, ListedNumbers

from .builders import CLUSTER, FOREIGN_LABELS, NOW, OWNER, owned, row

LATER = NOW + timedelta(seconds=1)


def test_nothing_is_proven_before_a_complete_list() -> None:
    listed = Listed[str]()
    listed.expect("x")
    assert not listed.proven
    assert not listed.loss_proven("x")


def test_a_loss_needs_two_consecutive_lists() -> None:
    listed = Listed[str]()
    listed.put(NOW, {"x": "1"})
    assert listed.put(NOW, {}) == {"x"}
    assert not listed.loss_proven("x")
    assert listed.has_doubts()
    assert listed.put(NOW, {}) == {"x"}
    assert listed.loss_proven("x")
    assert not listed.has_doubts()
    assert listed.put(NOW, {}) == frozenset()
    assert listed.put(NOW, {"x": "1"}) == {"x"}
    assert not listed.loss_proven("x")


def test_lists_that_lack_it_count_only_when_consecutive() -> None:
    listed = Listed[str]()
    for rows in ({"x": "1"}, {}, {"x": "1"}, {}):
        listed.put(NOW, rows)
    assert not listed.loss_proven("x")


def test_what_went_before_the_process_began_is_missed_once_somebody_expects_it() -> None:
    listed = Listed[str]()
    listed.put(NOW, {})
    listed.expect("x")
    assert listed.has_doubts()
    assert not listed.loss_proven("x")
    assert listed.put(NOW, {}) == {"x"}
    assert listed.loss_proven("x")


def test_what_is_expected_and_there_is_not_missed() -> None:
    listed = Listed[str]()
    listed.put(NOW, {"x": "1"})
    listed.expect("x")
    assert not listed.has_doubts()


def test_our_own_write_outlives_a_list_that_began_before_it() -> None:
    listed = Listed[str]()
    listed.put(NOW, {"x": "old", "gone": "1"})
    listed.record("x", "ours", LATER)
    listed.record("gone", None, LATER)
    assert listed.loss_proven("gone")
    assert listed.put(NOW, {"x": "old", "gone": "1"}) == frozenset()
    assert listed.rows == {"x": "ours"}
    assert listed.put(LATER + timedelta(seconds=1), {"x": "theirs"}) == {"x"}
    assert listed.get("x") == "theirs"


ROWS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2))


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_the_keys_answered_are_those_that_changed(lists: list[dict[str, int]]) -> None:
    listed, before = Listed[int](), dict[str, int]()
    for rows in lists:
        changed = listed.put(NOW, rows)
        assert dict(listed.rows) == rows
        assert {key for key in rows if before.get(key) != rows[key]} <= changed
        assert before.keys() - rows.keys() <= changed
        before = rows
    assert all(not listed.loss_proven(key) for key in lists[-1])


def test_numbers_are_found_by_mark_in_both_states() -> None:
    listed = ListedNumbers()
    ours = [owned(OWNER.label(MarkState.RELEASED), "+37120000009"), owned(OWNER.label(), "+37120000001")]
    listed.put_numbers(NOW, [*ours, owned(FOREIGN_LABELS[0], "+37120000002"), owned("", "+37120000003")])
    found = listed.carrying(CLUSTER, OWNER.tenant_hash)
    assert [number.number for number in found] == ["+37120000001", "+37120000009"]
    listed.record("+37120000001", owned("", "+37120000001"), LATER)
    listed.record("+37120000009", None, LATER)
    assert listed.carrying(CLUSTER, OWNER.tenant_hash) == []


def test_live_states_win_over_the_database() -> None:
    instances = ListedInstances()
    instances.listed.put(NOW, {"a": row("a")})
    assert instances.live_state("a") is SessionState.OPEN
    changed = instances.put_live(
        NOW, LiveStates("2.3.7", "evo", {"a": SessionState.CLOSE, "b": SessionState.OPEN})
    )
    assert changed == {"a", "b"}
    assert instances.live_state("a") is SessionState.CONNECTING  # it is paired: Evolution reconnects it
    assert instances.suspects_change()
    instances.record_live("b", None)
    assert not instances.suspects_change()
