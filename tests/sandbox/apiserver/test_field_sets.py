from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.apiserver import field_sets
from controller.sandbox.apiserver.field_sets import FieldSet

ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
PATHS = st.sets(st.lists(ELEMENTS, min_size=1, max_size=3).map(tuple), max_size=8)
Paths = set[tuple[str, ...]]


def made_of(paths: Paths) -> FieldSet:
    fields: FieldSet = {}
    for path in paths:
        field_sets.insert(fields, path)
    return fields


def paths_of(fields: FieldSet) -> Paths:
    return set(field_sets.members(fields))


@given(PATHS, PATHS)
def test_they_are_sets(left: Paths, right: Paths) -> None:
    a, b = made_of(left), made_of(right)

    assert paths_of(field_sets.union(a, b)) == left | right
    assert paths_of(field_sets.difference(a, b)) == left - right
    assert paths_of(field_sets.intersection(a, b)) == left & right
    assert bool(field_sets.difference(a, b)) is bool(left - right)


@given(PATHS)
def test_they_survive_being_written_and_read(paths: Paths) -> None:
    assert paths_of(field_sets.load(field_sets.dump(made_of(paths)))) == paths


def test_a_leaf_is_written_without_its_dot_and_a_branch_with_it() -> None:
    fields = made_of({("f:labels",), ("f:labels", "f:a"), ("f:name",)})

    assert field_sets.dump(fields) == {"f:labels": {".": {}, "f:a": {}}, "f:name": {}}


def test_paths_are_printed_as_conflicts_show_them() -> None:
    path = (
        field_sets.field("spec"),
        field_sets.field("ports"),
        field_sets.keyed_item({"port": 80, "name": "web"}),
    )

    assert field_sets.printed(path) == '.spec.ports[name="web",port=80]'
    assert field_sets.printed((field_sets.field("tags"), field_sets.set_item("x"))) == '.tags[="x"]'
