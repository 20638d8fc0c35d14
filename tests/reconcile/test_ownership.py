import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.reconcile.ownership import MARK_LIMIT, Mark, MarkState, Owner

CLUSTERS = st.from_regex(r"[a-z0-9-]{1,16}", fullmatch=True)
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
OWNERS = st.builds(Owner, CLUSTERS, NAMES, NAMES)


@given(OWNERS, st.sampled_from(MarkState))
def test_a_mark_fits_and_tells_its_owner_and_state(owner: Owner, state: MarkState) -> None:
    label = owner.label(state)
    mark = Mark.parse(label)
    assert len(label) <= MARK_LIMIT
    assert mark == Mark(owner.cluster_id, state, owner.tenant_hash)
    assert owner.owns(mark)


@given(OWNERS, OWNERS)
def test_nobody_owns_what_another_marked(one: Owner, other: Owner) -> None:
    assert one.owns(Mark.parse(other.label())) == (one == other)


@given(st.text())
def test_what_is_no_mark_is_nobodys(label: str) -> None:
    mark = Mark.parse(label)
    assert mark is None or label.startswith(f"bt1:{mark.cluster_id}:{mark.state.value}:{mark.tenant_hash}")


@pytest.mark.parametrize(
    "label", ["", "My number", "bt1:test:a:short:x", "bt2:test:a:" + "b" * 22, "(371) 2000"]
)
def test_labels_of_people_are_no_marks(label: str) -> None:
    assert Mark.parse(label) is None
    assert not Owner("test", "tenants", "cafe").owns(Mark.parse(label))


@given(OWNERS, OWNERS)
def test_instance_names_are_valid_stable_and_unique(one: Owner, other: Owner) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,29}-[a-z2-7]{16}", one.instance_name)
    assert one.instance_name == Owner(one.cluster_id, one.namespace, one.name).instance_name
    assert (one.instance_name == other.instance_name) == (one == other)


def test_marks_do_not_change_between_releases() -> None:
    owner = Owner("eu-1", "tenants", "sunrise-cafe")
    assert owner.label() == "bt1:eu-1:a:gqqgh2idtapo6r5pld3nyl:tenants/sunrise-cafe"
    assert owner.label(MarkState.RELEASED) == "bt1:eu-1:r:gqqgh2idtapo6r5pld3nyl:tenants/sunrise-cafe"
    assert owner.instance_name == "sunrise-cafe-kxezmik6nsywku2e"
