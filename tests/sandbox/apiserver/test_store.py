import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.apiserver.store import EventType, HistoryExpiredError, Key, Record, Store

PLACE = ("example.com", "widgets")


def body(name: str, value: int = 0) -> dict[str, object]:
    return {"metadata": {"name": name, "uid": name}, "spec": {"value": value}}


def write(store: Store, name: str, value: int) -> None:
    """Create, replace or (for a negative value) delete an object, whichever is possible."""
    key = ("default", name)
    present = key in store.collection(*PLACE).objects
    if value < 0:
        if present:
            store.delete(*PLACE, key, body(name, value))
    elif present:
        store.update(*PLACE, key, body(name, value))
    else:
        store.create(*PLACE, key, body(name, value))


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-2, 5)), max_size=30))
def test_every_past_revision_can_be_listed(writes: list[tuple[str, int]]) -> None:
    store = Store()
    collection = store.collection(*PLACE)
    pasts = []
    for name, value in writes:
        pasts.append((store.revision, dict(collection.objects)))
        write(store, name, value)

    for revision, past in pasts:
        changed = collection.at(revision)
        seen = {key: record for key, record in collection.objects.items() if key not in changed}
        seen |= {key: record for key, record in changed.items() if record is not None}
        assert seen == past


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-2, 5)), max_size=30))
def test_replaying_the_events_gives_the_objects(writes: list[tuple[str, int]]) -> None:
    store = Store()
    start = store.revision
    for name, value in writes:
        write(store, name, value)

    replayed: dict[Key, Record] = {}
    for event in store.collection(*PLACE).events_after(start):
        if event.type is EventType.DELETED:
            del replayed[event.key]
        else:
            replayed[event.key] = event.record
    assert replayed == store.collection(*PLACE).objects


def test_keys_are_scanned_in_order_from_a_position_on() -> None:
    store = Store()
    for namespace, name in [("b", "x"), ("a", "z"), ("a", "y"), ("c", "w")]:
        store.create(*PLACE, (namespace, name), body(name))
    collection = store.collection(*PLACE)

    assert list(collection.scan("")) == [("a", "y"), ("a", "z"), ("b", "x"), ("c", "w")]
    assert list(collection.scan("a", after=("a", "y"))) == [("a", "z")]
    assert list(collection.scan("", after=("a", "z"))) == [("b", "x"), ("c", "w")]


def test_what_is_forgotten_is_said_to_be_too_old() -> None:
    store = Store()
    for value in range(5):
        write(store, "a", value)
    collection = store.collection(*PLACE)
    collection.forget_before(store.revision - 1)

    assert len(collection.events_after(store.revision - 1)) == 1
    with pytest.raises(HistoryExpiredError, match=r"too old resource version: 2 \(5\)"):
        collection.events_after(2)


def test_dependents_are_found_by_the_uid_of_their_owner() -> None:
    store = Store()
    owned = body("child")
    owned["metadata"]["ownerReferences"] = [{"uid": "parent"}]  # type: ignore[index]
    store.create(*PLACE, ("default", "child"), owned)
    assert store.dependents("parent") == [(*PLACE, ("default", "child"))]

    store.update(*PLACE, ("default", "child"), body("child"))
    assert store.dependents("parent") == []
