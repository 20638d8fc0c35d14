"""The context is made of the spec alone, always the same way."""

from hypothesis import given
from hypothesis import strategies as st

from controller.reconcile.ai.context import DesiredContext, context_hash
from tests.reconcile.builders import tenant

MINIMAL = "You answer the customers of Cafe.\n"
LINES = st.lists(st.text(alphabet="abc äö", min_size=1).filter(str.strip), min_size=1, max_size=5)


def context(**ai: object) -> DesiredContext:
    return DesiredContext.of(tenant({"ai": {"route": "None", **ai}}).spec)


def test_a_business_without_more_is_named() -> None:
    assert context().compose(None) == MINIMAL
    assert DesiredContext.of(tenant().spec).compose(None) == MINIMAL


@given(LINES)
def test_editors_and_systems_make_no_difference(lines: list[str]) -> None:
    texts = ["\n".join(lines), "\r\n".join(lines), "\n\n" + "  \n".join(lines) + " \n"]
    assert len({context(context=text).compose(text) for text in texts}) == 1


@given(st.permutations(["menu", "delivery", "reservations"]))
def test_the_order_of_features_makes_no_difference(features: list[str]) -> None:
    assert context(features=features).compose(None) == context(features=sorted(features)).compose(None)


@given(st.text(min_size=1), st.text(min_size=1))
def test_another_text_has_another_hash(one: str, other: str) -> None:
    assert (context_hash(one) == context_hash(other)) == (one == other)


def test_whether_more_is_said_than_the_business_block() -> None:
    assert not context(features=["menu"]).is_given
    assert context(context="x").is_given
    assert context(contextConfigMapRef={"name": "menu", "key": "menu.md"}).is_given
