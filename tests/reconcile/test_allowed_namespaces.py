"""Label selectors mean what they mean in Kubernetes."""

from typing import Any

import pytest

from controller.api.common_fields import AllowedNamespaces
from controller.reconcile.allowed_namespaces import allows

GOLD = {"tier": "gold", "team": "a"}


def selector(**fields: Any) -> AllowedNamespaces:
    return AllowedNamespaces.model_validate({"from": "Selector", "selector": fields})


def demand(key: str, operator: str, *values: str) -> AllowedNamespaces:
    return selector(matchExpressions=[{"key": key, "operator": operator, "values": list(values)}])


@pytest.mark.parametrize(
    ("allowed", "labels", "expected"),
    [
        (None, GOLD, True),
        (None, None, True),
        (AllowedNamespaces.model_validate({"from": "All"}), None, True),
        (selector(), GOLD, True),
        (selector(), None, False),
        (selector(matchLabels={"tier": "gold"}), GOLD, True),
        (selector(matchLabels={"tier": "gold", "team": "b"}), GOLD, False),
        (selector(matchLabels={"tier": "gold"}), {}, False),
        (demand("tier", "In", "gold", "silver"), GOLD, True),
        (demand("tier", "In", "silver"), GOLD, False),
        (demand("tier", "In", "gold"), {}, False),
        (demand("tier", "NotIn", "silver"), GOLD, True),
        (demand("tier", "NotIn", "gold"), GOLD, False),
        (demand("tier", "NotIn", "gold"), {}, True),
        (demand("tier", "Exists"), GOLD, True),
        (demand("tier", "Exists"), {}, False),
        (demand("tier", "DoesNotExist"), {}, True),
        (demand("tier", "DoesNotExist"), GOLD, False),
    ],
)
def test_who_is_let_in(
    *, allowed: AllowedNamespaces | None, labels: dict[str, str] | None, expected: bool
) -> None:
    assert allows(allowed, labels) is expected
