"""What `kubectl get` shows: column paths and ages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.sandbox.apiserver.age import age, human_duration
from controller.sandbox.apiserver.json_path import JsonPathError, compile_path

DOCUMENT = {
    "metadata": {"name": "a", "annotations": {"example.com/x": "y"}},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "Paused", "status": "False"}],
        "list": [1, 2, 3],
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".metadata.name", ["a"]),
        ("$.metadata.name", ["a"]),
        (".metadata.nothing.below", []),
        (".metadata.annotations['example.com/x']", ["y"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type!='Ready')].status", ["False"]),
        (".status.conditions[*].type", ["Ready", "Paused"]),
        (".status.list[1]", [2]),
        (".status.list[-1]", [3]),
        (".status.list[7]", []),
    ],
)
def test_paths(path: str, found: list[Any]) -> None:
    assert compile_path(path)(DOCUMENT) == found


@pytest.mark.parametrize("path", ["metadata", ".a[", ".a[?(@.b>1)]", ".a..b"])
def test_paths_outside_the_subset_are_refused(path: str) -> None:
    with pytest.raises(JsonPathError, match="unrecognized JSONPath"):
        compile_path(path)


@pytest.mark.parametrize(
    ("elapsed", "shown"),
    [
        (timedelta(seconds=-5), "<invalid>"),
        (timedelta(0), "0s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(minutes=2), "2m"),
        (timedelta(minutes=9, seconds=30), "9m30s"),
        (timedelta(minutes=10, seconds=30), "10m"),
        (timedelta(hours=2, minutes=59), "179m"),
        (timedelta(hours=7, minutes=59), "7h59m"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=2, hours=1), "2d1h"),
        (timedelta(days=8), "8d"),
        (timedelta(days=365 + 30), "395d"),
        (timedelta(days=3 * 365 + 5), "3y5d"),
        (timedelta(days=9 * 365 + 5), "9y"),
    ],
)
def test_ages_have_two_units_at_most(elapsed: timedelta, shown: str) -> None:
    assert human_duration(elapsed) == shown


def test_an_age_of_no_time_is_invalid() -> None:
    assert age("yesterday", datetime(2026, 1, 1, tzinfo=UTC)) == "<invalid>"
