from typing import Any

import pytest

from controller.sandbox.apiserver import kubernetes_types, strategic_merge
from controller.sandbox.apiserver.errors import ApiError

POD = kubernetes_types.compiled(kubernetes_types.definition_name("", "v1", "Pod"))


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(items)}}


@pytest.mark.parametrize(
    ("live", "patch", "merged"),
    [
        pytest.param(
            containers({"name": "a", "image": "1"}, {"name": "b"}),
            containers({"name": "a", "image": "2"}),
            containers({"name": "a", "image": "2"}, {"name": "b"}),
            id="items are merged by key",
        ),
        pytest.param(
            containers({"name": "a"}, {"name": "b"}),
            containers({"name": "a", "$patch": "delete"}),
            containers({"name": "b"}),
            id="an item is deleted by its key",
        ),
        pytest.param(
            containers({"name": "a"}, {"name": "b"}),
            containers({"$patch": "replace"}, {"name": "c"}),
            containers({"name": "c"}),
            id="a list is replaced",
        ),
        pytest.param(
            containers({"name": "a"}, {"name": "b"}),
            {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}},
            containers({"name": "b"}, {"name": "a"}),
            id="the order is set",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}},
            {"metadata": {"finalizers": ["c", "b"]}},
            id="scalars are added and taken out",
        ),
        pytest.param(
            {"spec": {"nodeSelector": {"a": "1", "b": "2"}}},
            {"spec": {"nodeSelector": {"$patch": "replace", "c": "3"}}},
            {"spec": {"nodeSelector": {"c": "3"}}},
            id="a map is replaced",
        ),
        pytest.param(
            {"metadata": {"labels": {"a": "1", "b": "2"}}},
            {"metadata": {"labels": {"a": None}}},
            {"metadata": {"labels": {"b": "2"}}},
            id="null removes",
        ),
        pytest.param(
            {"spec": {"containers": [{"name": "a", "args": ["x"]}]}},
            containers({"name": "a", "args": ["y"]}),
            containers({"name": "a", "args": ["y"]}),
            id="a list without a merge key is replaced",
        ),
    ],
)
def test_merging(live: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]) -> None:
    assert strategic_merge.merge(live, patch, POD) == merged


@pytest.mark.parametrize("patch", [containers({"image": "2"}), {"spec": {"$patch": "frobnicate"}}])
def test_a_patch_that_cannot_be_applied_is_refused(patch: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as raised:
        strategic_merge.merge(containers({"name": "a"}), patch, POD)

    assert raised.value.code == 400
